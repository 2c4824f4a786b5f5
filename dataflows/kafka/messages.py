"""From the messages of a feed's topic to its records: one record of the feed's format each.

Nothing here raises for what a producer sent. What cannot be taken apart or decoded stays one
record with the message's own bytes, so that it lands in suspense and can be looked at.

Source: CloudEvents 1.0, Kafka protocol binding and JSON batch format.
"""

import base64
from collections.abc import Iterable, Mapping, Sequence
from operator import itemgetter
from typing import Protocol

import msgspec
import orjson

from dataflows.decode import framing_of
from dataflows.kafka.arrow_rows import FILE_MAGIC, LARGEST, STREAM_MAGIC, rows_of
from tallywire.catalog.snapshot import Feed
from tallywire.mediation.framing import DOCUMENT, LINES, PARAGRAPHS, Framing, frame

Headers = Sequence[tuple[str, bytes | str | None]]

_JSON_FORMATS = frozenset({"cloudevents", "freeswitch_json"})
_EVENTS = "cloudevents"
_ARROW = "application/vnd.apache.arrow"
_WIRE_MAGIC = 0
_WIRE_HEADER = 5
_OBJECT, _BLANK = ord("{"), b" \t\r\n"
_BOM = b"\xef\xbb\xbf"
_FIRST = itemgetter(0)
_ARRAY = msgspec.json.Decoder(list[msgspec.Raw])


class Message(Protocol):
    """What is asked of a message of the client library."""

    def value(self) -> bytes | None:
        """Give its value."""
        ...

    def headers(self) -> Headers | None:
        """Give its headers, in order."""
        ...


class Decoder(Protocol):
    """Decodes values that name a schema of a registry."""

    def decode(self, value: bytes) -> bytes | None:
        """Give a line of JSON; `None` where that cannot be done.

        Raises:
            RegistryUnavailable: If the registry does not answer.
        """
        ...


def _values(messages: Sequence[Message]) -> list[bytes | None]:
    return [message.value() for message in messages]


class Unwrapper:
    """Takes the messages of one feed apart.

    Args:
        feed: Its format says what a record is.
        registry: Decodes Avro and Protobuf; without one they stay as they are.
    """

    def __init__(self, feed: Feed, registry: Decoder | None = None) -> None:
        self._framing = framing_of(feed)
        self._json = feed.format in _JSON_FORMATS
        self._events = feed.format == _EVENTS
        self._registry = registry

    def unwrap(self, messages: Sequence[Message]) -> tuple[list[bytes], int]:
        """Give the records of messages, in order, and how many messages hold none.

        Raises:
            RegistryUnavailable: If a schema is needed and the registry does not answer.
        """
        values = _values(messages)
        headers = [message.headers() for message in messages] if self._json else []
        if not any(headers) and self._all_plain(values):
            return values, 0  # type: ignore[return-value]  # none of them is absent
        records: list[bytes] = []
        empty = 0
        for number, value in enumerate(values):
            found = self.records(value, headers[number] if headers else None)
            records += found
            empty += not found
        return records, empty

    def _all_plain(self, values: Sequence[bytes | None]) -> bool:
        """Tell whether every value is one record as it is, by looking at all of them at once."""
        if self._framing == PARAGRAPHS:
            return False
        try:
            firsts = set(map(_FIRST, values))  # type: ignore[arg-type]  # as below
            whole = b"".join(values)  # type: ignore[arg-type]  # an absent one raises
        except (TypeError, IndexError):  # a tombstone
            return False
        if self._json:
            return firsts <= {_OBJECT} and b"\n" not in whole
        return not firsts & set(_BLANK + _BOM) and b"\n" not in whole and b"\r" not in whole

    def records(self, value: bytes | None, headers: Headers | None = None) -> list[bytes]:
        """Give the records of one message; none for a tombstone or an empty message.

        A record has no newline in it, except where the format's records have, and where the
        message could not be decoded.

        Raises:
            RegistryUnavailable: If its schema is needed and the registry does not answer.
        """
        named = dict(headers) if headers else {}
        if self._events and "ce_specversion" in named:
            event = self._event(value or b"", named)
            return [event] if event else _whole(value)
        if not value:
            return []
        if not self._json:
            return _framed(value, self._framing)
        if value[0] == _OBJECT and b"\n" not in value:
            return [value]
        found = self._decoded(value, named.get("content-type"))
        return found if found is not None else _json_records(value)

    def _decoded(self, value: bytes, content_type: bytes | str | None) -> list[bytes] | None:
        """Decode Arrow, Avro or Protobuf; `None` where the message is neither."""
        if _is_wire(value) and self._registry is not None:
            line = self._registry.decode(value)
            return _whole(value) if line is None or len(line) > LARGEST else [line]
        if _text(content_type or b"").startswith(_ARROW) or value.startswith(
            (FILE_MAGIC, STREAM_MAGIC)
        ):
            try:
                return rows_of(value)
            except Exception:  # noqa: BLE001  pyarrow raises errors of many kinds for wrong bytes
                return _whole(value)
        return None

    def _event(self, value: bytes, named: Mapping[str, bytes | str | None]) -> bytes | None:
        """Make one structured event of headers and data; `None` where a header is no text."""
        event: dict[str, object] = {}
        for name, content in named.items():
            if content is not None and (name.startswith("ce_") or name == "content-type"):
                try:
                    text = content if isinstance(content, str) else content.decode()
                except UnicodeDecodeError:
                    return None
                event["datacontenttype" if name == "content-type" else name[3:]] = text
        if _is_wire(value) and self._registry is not None:
            line = self._registry.decode(value)
            value = line if line is not None and len(line) <= LARGEST else value
        if value:
            name, data = _data(value)
            event[name] = data
        return orjson.dumps(event)


def _is_wire(value: bytes) -> bool:
    """Tell whether a value begins as one that names a schema does."""
    return len(value) > _WIRE_HEADER and value[0] == _WIRE_MAGIC


def _text(content: bytes | str) -> str:
    return content if isinstance(content, str) else content.decode(errors="replace")


def _data(value: bytes) -> tuple[str, object]:
    """Give the data of an event: as the JSON that it is, else as text, else in base64."""
    try:
        orjson.loads(value)
        return "data", orjson.Fragment(_one_line(value))
    except orjson.JSONDecodeError:
        pass
    try:
        return "data", value.decode()
    except UnicodeDecodeError:
        return "data_base64", base64.b64encode(value).decode()


def _one_line(value: bytes) -> bytes:
    """Write JSON on one line: a newline in it stands between its parts, never in a text."""
    return value.strip(_BLANK).replace(b"\n", b" ").replace(b"\r", b" ")


def _whole(value: bytes | None) -> list[bytes]:
    return [value] if value else []


def _framed(value: bytes, framing: Framing) -> list[bytes]:
    if framing == DOCUMENT:
        return _whole(value) if value.strip(_BLANK) else []
    frames, _ = frame(value, framing, at_end=True)
    return frames.slices()


def _is_json(value: bytes) -> bool:
    try:
        orjson.loads(value)
    except orjson.JSONDecodeError:
        return False
    return True


def _json_records(value: bytes) -> list[bytes]:
    """Give the records of a message of JSON: one object, an array of them, or lines of them."""
    text = value.removeprefix(_BOM).strip(_BLANK)
    if not text:
        return []
    if text.startswith(b"["):
        return _elements(text)
    if b"\n" not in text:
        return [text]
    if _is_json(text):
        return [_one_line(text)]
    lines = _framed(text, LINES)
    return lines if _all_objects(lines) else _whole(value)


def _all_objects(lines: Iterable[bytes]) -> bool:
    return all(line.lstrip(_BLANK).startswith(b"{") for line in lines)


def _elements(text: bytes) -> list[bytes]:
    """Give the elements of an array, their bytes as they are."""
    try:
        found = list(map(bytes, _ARRAY.decode(text)))
    except (msgspec.DecodeError, RecursionError):
        return [text]
    return list(map(_one_line, found)) if b"\n" in text or b"\r" in text else found
