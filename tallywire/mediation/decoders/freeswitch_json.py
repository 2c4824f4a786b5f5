"""FreeSWITCH mod_json_cdr: one JSON document per call, as a file of its own or one on each line."""

from typing import Any, Literal
from urllib.parse import unquote

import orjson
import polars as pl
from pydantic import BaseModel, ConfigDict

from schemas.reasons import Reason
from tallywire.catalog.snapshot import Feed
from tallywire.mediation.decoded import MAX_RECORD_BYTES, Decoded, Frames, places
from tallywire.mediation.decoders.freeswitch import VARIABLES, usage_of

_CODED = "%[0-9A-Fa-f]{2}"


class FreeswitchJsonOptions(BaseModel):
    """Options of a FreeSWITCH JSON feed.

    Attributes:
        per_file: `document` (mod_json_cdr's own files) or `lines`.
        url_encoded: Values may hold `%2B` and the like, as the module writes them unless told not
            to; plain ones stay as they are.
        legs: `all`, or only those whose `direction` is `inbound` or `outbound`: with both the
            module's A and B legs, one call is two records.
    """

    model_config = ConfigDict(extra="forbid")

    per_file: Literal["document", "lines"] = "document"
    url_encoded: bool = True
    legs: Literal["all", "inbound", "outbound"] = "all"


def _variables(piece: bytes) -> tuple[dict[str, str], str | None, str]:
    """Take the variables out of a document; what is wrong with it otherwise."""
    if len(piece) > MAX_RECORD_BYTES:
        return {}, Reason.RECORD_TOO_LONG.value, f"{len(piece)} bytes"
    try:
        content = orjson.loads(piece)
    except orjson.JSONDecodeError as error:
        return {}, Reason.RECORD_UNREADABLE.value, f"is no JSON: {error}"
    variables = content.get("variables") if isinstance(content, dict) else None
    if not isinstance(variables, dict):
        return {}, Reason.FIELD_MISSING.value, "has no object `variables`"
    found = {name: variables.get(name, "") for name in VARIABLES}
    profile = _profile(content)
    found["caller_id_number"] = found["caller_id_number"] or profile.get("caller_id_number", "")
    found["destination_number"] = (
        found["destination_number"] or profile.get("destination_number", "")
        or variables.get("dialed_user", "") or variables.get("sip_to_user", "")
    )  # fmt: skip
    found["caller_id_number"] = found["caller_id_number"] or variables.get("sip_from_user", "")
    found["bleg_uuid"] = found["bleg_uuid"] or variables.get("bridge_uuid", "")
    texts = {name: value if isinstance(value, str) else "" for name, value in found.items()}
    return texts, None, ""


def _profile(content: dict[str, Any]) -> dict[str, Any]:
    """Give the caller profile of the first call flow."""
    flow = content.get("callflow")
    first = flow[0] if isinstance(flow, list) and flow else flow
    profile = first.get("caller_profile") if isinstance(first, dict) else None
    return profile if isinstance(profile, dict) else {}


def _decoded(texts: pl.Series) -> pl.Series:
    """Undo the encoding of URLs where there is any."""
    coded = texts.str.contains(_CODED)
    if not coded.any():
        return texts
    plain = [unquote(text, errors="replace") for text in texts.filter(coded).to_list()]
    return texts.scatter(coded.arg_true(), plain)


def decode(frames: Frames, feed: Feed) -> Decoded:
    """Decode documents."""
    options = FreeswitchJsonOptions.model_validate(feed.options)
    rows = [_variables(piece) for piece in frames.slices()]
    columns = {
        name: pl.Series([row[0].get(name, "") for row in rows], dtype=pl.String)
        for name in VARIABLES
    }
    frame = places(frames).with_columns(
        pl.Series("reason", [row[1] for row in rows], dtype=pl.String),
        pl.Series("detail", [row[2] for row in rows], dtype=pl.String),
        **columns,
    )
    if options.url_encoded:
        frame = frame.with_columns(_decoded(frame[name]) for name in VARIABLES)
    return Decoded(usage_of(frame, feed, options.legs))
