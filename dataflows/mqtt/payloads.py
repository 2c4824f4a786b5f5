"""From a message to records: each on one line, the same bytes whenever the message comes again.

What cannot be a line of the log is not dropped: a line that says so stands for it, which no format
reads, so it becomes suspense.
"""

import base64
import hashlib
from typing import NamedTuple

import msgspec
import orjson

from dataflows.ingest.bodies import Content, records_of
from dataflows.ingest.problems import Problem
from schemas.reasons import Reason

ACCEPTED, SUSPENDED, TOO_LONG, EMPTY = "accepted", "suspended", "too_long", "empty"
_BEGINS = 4_096
"""Bytes kept of a payload that cannot be kept whole."""
_BESIDE = 1_024
_RAW = msgspec.json.Decoder(msgspec.Raw)


class Cut(NamedTuple):
    """What a message holds.

    Attributes:
        records: Without newlines, in order.
        outcome: `accepted` as far as the payload tells, `suspended` where it is no text of lines,
            `too_long`, or `empty`: it holds no record.
    """

    records: list[bytes]
    outcome: str


def cut(payload: bytes, topic: str, *, with_topic: bool, longest: int) -> Cut:
    """Cut a payload: a JSON object is a record, an array of them several, else each line is one.

    Args:
        topic: That the message was published to.
        with_topic: Put each record into an object that says the topic, too.
        longest: Bytes of the longest record that the log takes.
    """
    if not payload.strip():
        return Cut([], EMPTY)
    if len(payload) > longest:
        return Cut([_told(Reason.RECORD_TOO_LONG, payload, topic, longest)], TOO_LONG)
    if not (found := _records(payload)):
        return Cut([], EMPTY)
    if with_topic:
        found = [_enveloped(one, topic) for one in found]
    if any(b"\x00" in one for one in found):
        return Cut([_told(Reason.RECORD_UNREADABLE, payload, topic, longest)], SUSPENDED)
    if max(map(len, found)) > longest:  # its envelope made it so
        return Cut([_told(Reason.RECORD_TOO_LONG, payload, topic, longest)], TOO_LONG)
    return Cut(found, ACCEPTED)


def _records(payload: bytes) -> list[bytes]:
    if payload.lstrip()[:1] in {b"{", b"["}:
        try:
            return records_of(payload, Content.JSON, {})
        except Problem:
            pass  # lines of objects, or none
    return [line for one in payload.split(b"\n") if (line := one.rstrip(b"\r"))]


def _text(payload: bytes) -> bytes:
    """Write a payload as a JSON text; nothing where it is no text."""
    try:
        return orjson.dumps(payload.decode())
    except UnicodeDecodeError:
        return b""


def _enveloped(record: bytes, topic: str) -> bytes:
    """Put a record beside its topic, whole and by levels; what is no JSON becomes a text."""
    try:
        _RAW.decode(record)
    except (msgspec.MsgspecError, RecursionError, UnicodeDecodeError):
        if not (record := _text(record)):
            return b"\x00"
    levels = {str(number): level for number, level in enumerate(topic.split("/"), 1)}
    return orjson.dumps({"topic": topic, "level": levels})[:-1] + b',"payload":' + record + b"}"


def _told(reason: Reason, payload: bytes, topic: str, longest: int) -> bytes:
    """Write the line that stands for a payload that cannot be one."""
    whole = len(payload) * 4 // 3 + len(topic) + _BESIDE <= longest
    said = {
        "reason": reason.value,
        "topic": topic[:_BESIDE],
        "bytes": len(payload),
        "sha256": hashlib.sha256(payload).hexdigest(),
        "whole": whole,
        "payload": base64.b64encode(payload if whole else payload[:_BEGINS]).decode(),
    }
    return b"refused: " + orjson.dumps(said)
