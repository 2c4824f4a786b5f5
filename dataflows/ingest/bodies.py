"""From a request's body to records: content types, compression, and nothing changed in a record.

A record keeps the bytes that were sent. Only where it was spread over lines its blank space goes,
for in the log a newline ends it.
"""

import re
import zlib
from collections.abc import Iterable, Mapping
from enum import StrEnum
from urllib.parse import unquote

import msgspec
import orjson

from dataflows.ingest import problems
from dataflows.ingest.problems import Problem
from tallywire.mediation.framing import LINES, frame

_RAW = msgspec.json.Decoder(msgspec.Raw)
_RAWS = msgspec.json.Decoder(list[msgspec.Raw])
_BLANK = b" \t\r\n"
_ATTRIBUTE = re.compile(r"ce-([a-z0-9]{1,20})")
_GZIP_WINDOW = 16 + zlib.MAX_WBITS


class Content(StrEnum):
    """What a body may be."""

    EVENT = "application/cloudevents+json"
    BATCH = "application/cloudevents-batch+json"
    JSON = "application/json"
    LINES = "application/x-ndjson"
    BINARY = "application/json with ce- headers"


_PLAINLY = [one.value for one in Content if one is not Content.BINARY]


def content_of(content_type: str, *, binary: bool) -> Content:
    """Tell what a body is.

    Args:
        content_type: The header, with or without parameters.
        binary: The headers hold the attributes of a CloudEvent.

    Raises:
        Problem: If it is nothing that is taken here.
    """
    name, _, parameters = content_type.partition(";")
    name, parameters = name.strip().lower(), parameters.strip().lower().replace('"', "")
    if parameters in {"", "charset=utf-8"}:
        if binary and name == Content.JSON:
            return Content.BINARY
        if not binary and name in _PLAINLY:
            return Content(name)
    detail = (
        f"send {', '.join(_PLAINLY)} in UTF-8, or a CloudEvent in binary mode with a "
        f"JSON body; not {content_type[:80] or 'a body without a content type'}"
    )
    raise Problem(problems.CONTENT_TYPE, detail)


def attributes_of(headers: Iterable[tuple[str, str]]) -> dict[str, str]:
    """Read the attributes of a CloudEvent in binary mode from `ce-` headers."""
    found = {}
    for name, value in headers:
        if match := _ATTRIBUTE.fullmatch(name):
            found[match[1]] = unquote(value)
    return found


def compressed(encoding: str) -> bool:
    """Tell whether a body is compressed.

    Raises:
        Problem: If it is so in a way that is not taken here.
    """
    name = encoding.strip().lower()
    if name not in {"", "identity", "gzip"}:
        detail = f"send the body plain or with gzip, not {encoding[:80]}"
        raise Problem(problems.CONTENT_ENCODING, detail)
    return name == "gzip"


def decompressed(body: bytes, limit: int) -> bytes:
    """Decompress a gzip body, never further than a limit.

    Raises:
        Problem: If it is no gzip, is cut short, or grows beyond the limit.
    """
    try:
        reader = zlib.decompressobj(_GZIP_WINDOW)
        plain = reader.decompress(body, limit + 1)
    except zlib.error as error:
        raise Problem(problems.BODY_UNREADABLE, f"the body is no gzip: {error}") from error
    if len(plain) > limit:
        detail = f"decompressed the body has more than {limit} bytes; send fewer records at once"
        raise Problem(problems.BODY_TOO_LARGE, detail)
    if not reader.eof or reader.unused_data:
        raise Problem(problems.BODY_UNREADABLE, "the body is not one whole piece of gzip")
    return plain


def _one_line(record: bytes) -> bytes:
    if b"\n" in record or b"\r" in record:
        return msgspec.json.format(record, indent=-1)
    return record


def _json(body: bytes, content: Content) -> list[bytes]:
    many = body.lstrip(_BLANK)[:1] == b"["
    if content is Content.BATCH and not many:
        raise Problem(problems.BODY_UNREADABLE, f"{content} is an array of events")
    if content is Content.EVENT and many:
        raise Problem(
            problems.BODY_UNREADABLE, f"{content} is one event; an array is {Content.BATCH}"
        )
    found = _RAWS.decode(body) if many else [_RAW.decode(body)]
    return [_one_line(bytes(one)) for one in found]


def _enveloped(body: bytes, attributes: Mapping[str, str]) -> bytes:
    """Write a CloudEvent of binary mode as one of structured mode."""
    data = _one_line(bytes(_RAW.decode(body)))
    whole = {**attributes, "datacontenttype": Content.JSON.value}
    whole.pop("data", None)
    return orjson.dumps(whole)[:-1] + b',"data":' + data + b"}"


def records_of(body: bytes, content: Content, attributes: Mapping[str, str]) -> list[bytes]:
    """Cut a body into records, each on one line.

    Args:
        body: Plain.
        content: What it is.
        attributes: Of a CloudEvent in binary mode.

    Raises:
        Problem: If the body as a whole is no such thing. A line of `application/x-ndjson` that is
            no JSON is a record, which the feed's format refuses.
    """
    try:
        if content is Content.LINES:
            frames, _ = frame(body, LINES, at_end=True)
            return frames.slices()
        if content is Content.BINARY:
            return [_enveloped(body, attributes)]
        return _json(body, content)
    except (msgspec.MsgspecError, RecursionError, UnicodeDecodeError) as error:
        raise Problem(problems.BODY_UNREADABLE, f"the body is no JSON: {error}") from error
    except orjson.JSONEncodeError as error:
        raise Problem(problems.BODY_UNREADABLE, f"a ce- header is no text: {error}") from error
