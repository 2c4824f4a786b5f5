"""RAP 1.5: files and records that a roaming partner returns, and acknowledgements.

A return is no usage: it is counted, and set aside as `returned_record` with what it says.

Source: GSMA RAP 1.5, by its public ASN.1.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import polars as pl
from pydantic import BaseModel, ConfigDict

from schemas.reasons import Reason
from tallywire.catalog.snapshot import Feed
from tallywire.mediation.ber import Octets, framed, spans
from tallywire.mediation.ber.reader import read
from tallywire.mediation.ber.tree import Fields, fields, text, whole, within
from tallywire.mediation.decoded import (
    MAX_RECORD_BYTES,
    Decoded,
    Frames,
    complete,
    in_prologue,
    places,
    refuse,
)
from tallywire.mediation.decoders.tap import tags
from tallywire.mediation.decoders.tap.events import READ
from tallywire.mediation.decoders.tap.head import Head, sequence_of, series_of, shifted
from tallywire.mediation.framing.ber import Broken, Unfinished, header

_SEPARATOR = "\x1f"
_NAMES = {
    tags.BATCH_ERROR: "transfer batch", tags.NOTIFICATION_ERROR: "notification",
    tags.CONTROL_ERROR: "batch control", tags.ACCOUNTING_ERROR: "accounting",
    tags.NETWORK_ERROR: "network", tags.MESSAGE_ERROR: "message descriptions",
    tags.AUDIT_ERROR: "audit control",
}  # fmt: skip
_RETURNS = (tags.SEVERE_RETURN, tags.FATAL_RETURN, tags.MISSING_RETURN, tags.STOP_RETURN)


class RapOptions(BaseModel):
    """Options of a feed of RAP files: none."""

    model_config = ConfigDict(extra="forbid")


@dataclass(frozen=True)
class Told:
    """What an element of a RAP file says.

    Attributes:
        value: Charge of the event that is returned, in the file's smallest unit.
        tax: Tax on it, likewise.
        event: Tag and bytes of the event that is returned; the tag is 0 where it is none.
    """

    detail: str
    control: Mapping[str, int]
    returned: bool = False
    value: int = 0
    tax: int = 0
    event: tuple[int, bytes] | None = None


def _errors(found: Fields) -> str:
    """Name the error codes of a list of errors."""
    codes = [whole(fields(item), tags.ERROR_CODE)
             for item in within(found, tags.ERROR_LIST).get(tags.ERROR, [])]  # fmt: skip
    return "error " + " and ".join("(none)" if code is None else str(code) for code in codes)


def _severe(found: Fields) -> Told:
    tag = next((one for one in found if one in READ), 0)
    number = sequence_of(found, tags.FILE_SEQUENCE)
    detail = f"severe return of an event of file {number}: {_errors(found)}"
    return Told(detail, {}, returned=True, event=(tag, found[tag][0]) if tag else (0, b""))


def _worths(tag: int, events: Sequence[bytes]) -> list[list[int]]:
    """Give charge and tax of events of one type."""
    worths = [[0, 0] for _ in events]
    if tag not in READ:
        return worths
    lengths = np.array([len(event) for event in events], np.int64)
    event_spans = spans(np.cumsum(lengths) - lengths, lengths)
    charged = READ[tag](read(Octets(b"".join(events)), event_spans), Head()).charged.rows
    for event, charge, tax in charged.select("event", "charge", "tax").iter_rows():
        worths[event][0] += charge
        worths[event][1] += tax
    return worths


def _valued(told: Sequence[Told | None]) -> list[Told | None]:
    """Put what they are worth to the events that are returned."""
    valued = list(told)
    by_tag: dict[int, list[int]] = {}
    for row, one in enumerate(told):
        if one is not None and one.event is not None:
            by_tag.setdefault(one.event[0], []).append(row)
    for tag, rows in by_tag.items():
        events = [one.event[1] for row in rows if (one := told[row]) and one.event]
        for row, (value, tax) in zip(rows, _worths(tag, events), strict=True):
            if one := told[row]:
                detail = f"{one.detail}; charge {value}"
                valued[row] = replace(one, detail=detail, value=value, tax=tax)
    return valued


def _fatal(found: Fields) -> Told:
    number = sequence_of(found, tags.FILE_SEQUENCE)
    parts = [f"{name}: {_errors(within(found, tag))}" for tag, name in _NAMES.items()
             if tag in found]  # fmt: skip
    return Told(f"fatal return of file {number}: {', '.join(parts)}", {}, returned=True)


def _missing(found: Fields) -> Told:
    first, last = sequence_of(found, tags.FIRST_MISSING), sequence_of(found, tags.LAST_MISSING)
    what = f"file {first} is" if last is None else f"files {first} to {last} are"
    return Told(f"{what} missing", {}, returned=True)


def _stop(found: Fields) -> Told:
    number = sequence_of(found, tags.LAST_SEQUENCE)
    return Told(f"files are numbered anew after {number}", {}, returned=True)


_READERS = {
    tags.SEVERE_RETURN: _severe, tags.FATAL_RETURN: _fatal, tags.MISSING_RETURN: _missing,
    tags.STOP_RETURN: _stop,
}  # fmt: skip


def _numbered(found: Fields) -> tuple[str, dict[str, int]]:
    """Read who sends which file."""
    number = sequence_of(found, tags.RAP_SEQUENCE)
    route = f"RAP file {number} from {text(found, tags.SENDER)} to {text(found, tags.RECIPIENT)}"
    return route, {} if number is None else {"sequence": number}


def _audit(found: Fields) -> dict[str, int]:
    control = {"trailer_found": 1}
    for name, tag in (
        ("records", tags.RETURN_COUNT), ("total", tags.RETURNED_VALUE), ("tax", tags.RETURNED_TAX),
    ):  # fmt: skip
        value = whole(found, tag)
        if value is not None:
            control[f"declared_{name}"] = value
    return control


def _tell(tag: int, value: bytes) -> Told | None:
    found = fields(value)
    if tag in _READERS:
        return _READERS[tag](found)
    if tag == tags.RAP_AUDIT:
        return Told("audit of the file", _audit(found))
    if tag == tags.ACKNOWLEDGEMENT:
        route, _ = _numbered(found)
        return Told(f"acknowledgement of {route}", {})
    if tag == tags.RETURN_BATCH and tags.RETURN_LIST not in found:
        route, control = _numbered(within(found, tags.RAP_CONTROL))
        return Told(f"{route} returns nothing", {"counted_records": 0, **control})
    return None


def _head_of(prologue: bytes) -> Fields:
    try:
        _, place, _ = header(prologue, 0)
    except (Broken, Unfinished):
        return {}
    return within(fields(prologue[place:]), tags.RAP_CONTROL)


def decode(frames: Frames, feed: Feed) -> Decoded:
    """Decode a piece of a RAP file."""
    RapOptions.model_validate(feed.options)
    base = places(frames)
    if not len(frames):
        return Decoded(complete(base))
    head = _head_of(frames.prologue) if frames.prologue else {}
    hidden = base.select(in_prologue(frames)).to_series().to_list()
    tag, value, short = framed(Octets(frames.data), frames.starts, frames.lengths)
    control: dict[str, int] = {}
    told: list[Told | None] = []
    for row, in_head in enumerate(hidden):
        begin = int(value.start[row])
        if in_head:
            route, more = _numbered(head)
            told.append(Told(f"head of {route}", {"trailer_wanted": 1, **more}))
        elif begin < 0:
            told.append(None)
        else:
            told.append(_tell(int(tag[row]), frames.data[begin : begin + int(value.length[row])]))
        control.update(told[-1].control if told[-1] else {})
    told = _valued(told)
    found = [one for one in told if one is not None and one.returned]
    if found:
        control["counted_records"] = len(found)
        control["counted_total"] = sum(one.value for one in found)
        control["counted_tax"] = sum(one.tax for one in found)
    frame = _rows(base, head, told).with_columns(pl.Series("short", short), pl.Series("tag", tag))
    test = text(head, tags.FILE_TYPE) == "T"
    series = series_of(text(head, tags.SENDER), text(head, tags.RECIPIENT), test=test)
    return Decoded(complete(_judged(frame)), control, series)


def _rows(base: pl.DataFrame, head: Fields, told: list[Told | None]) -> pl.DataFrame:
    places_of_money = whole(head, tags.DECIMALS) or 0
    amounts = [
        shifted(one.value, places_of_money)
        if one and one.returned and 0 <= places_of_money <= 9 else None
        for one in told
    ]  # fmt: skip
    reasons = [
        None if one is None
        else Reason.RETURNED_RECORD.value if one.returned else Reason.CONTROL_RECORD.value
        for one in told
    ]  # fmt: skip
    number = text(head, tags.RAP_SEQUENCE)
    key = pl.concat_str(
        pl.lit(text(head, tags.SENDER)), pl.lit(text(head, tags.RECIPIENT)), pl.lit(number),
        pl.col("record_no"), separator=_SEPARATOR,
    )  # fmt: skip
    return base.with_columns(
        pl.Series("reason", reasons, dtype=pl.String),
        pl.Series("detail", [one.detail if one else "" for one in told], dtype=pl.String),
        pl.Series("source_amount", amounts, dtype=pl.String).cast(
            pl.Decimal(38, 9), strict=False
        ),
        pl.lit(text(head, tags.SENDER)).alias("partner"),
        pl.lit(text(head, tags.TAP_CURRENCY)).alias("source_currency"),
        pl.lit("control").alias("kind"),
    ).with_columns(
        pl.when((pl.col("reason") == Reason.RETURNED_RECORD.value) & pl.lit(number != ""))
        .then(key).alias("natural_key")
    )  # fmt: skip


def _judged(frame: pl.DataFrame) -> pl.DataFrame:
    for wrong, reason, detail in (
        (pl.col("byte_length") > MAX_RECORD_BYTES, Reason.RECORD_TOO_LONG,
         pl.format("{} bytes are more than any record has", "byte_length")),
        (pl.col("short"), Reason.RECORD_TRUNCATED, pl.lit("the file ends inside this record")),
        (pl.col("tag") == 0, Reason.RECORD_UNREADABLE, pl.lit("its bytes are no BER")),
        (~pl.col("tag").is_in(list(_RETURNS)), Reason.RECORD_TYPE_UNKNOWN,
         pl.format("an element with tag {} is no return of RAP 1.5", "tag")),
    ):  # fmt: skip
        frame = refuse(frame, wrong, reason, detail)
    return frame
