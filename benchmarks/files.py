"""Files of every kind for the bench of formats: as many records as wanted, each another one."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from io import BytesIO
from pathlib import Path
from typing import Any

import orjson
import polars as pl
from lxml import etree

from tallywire.catalog.snapshot import Feed
from tests import radius
from tests.ber import cdrs, taps
from tests.laws.feeds import ELEMENTS_OPTIONS, SNAPSHOT
from tests.laws.switches import broadworks_record

_NOON_S = 1_792_843_200
_LINES: dict[str, object] = {
    "layout": "delimited", "separator": ";", "columns": 9, "key": [{"column": 1}],
    "start": {"column": 4}, "duration": {"column": 5, "unit": "seconds"},
    "texts": {"a_raw": {"column": 2}, "b_raw": {"column": 3}, "trunk_in": {"column": 6},
              "trunk_out": {"column": 7}},
    "keep_only": [{"field": {"column": 8}, "equals": ["answered"]}],
}  # fmt: skip
_OBJECTS: dict[str, object] = {
    "layout": "json", "key": [{"path": "id"}],
    "start": {"path": "begin", "pattern": "epoch_seconds"},
    "duration": {"path": "seconds", "unit": "seconds"},
    "texts": {"a_raw": {"path": "from.number"}, "b_raw": {"path": "to"}},
}  # fmt: skip


def _clock(number: int) -> str:
    return f"2026-10-24 {number // 3600 % 24:02}:{number // 60 % 60:02}:{number % 60:02}"


def _line(number: int) -> bytes:
    text = (
        f"{number};+4790010{number % 1_000:03};+46701{number % 1_000_000:06};{_clock(number)};"
        f"{number % 900};carrier-{number % 7};office-{number % 11};answered;{number % 97}\n"
    )
    return text.encode()


def _object(number: int) -> bytes:
    return orjson.dumps({
        "id": f"call-{number}", "from": {"number": f"+4790010{number % 1_000:03}"},
        "to": f"+46701{number % 1_000_000:06}", "begin": _NOON_S + number % 86_400,
        "seconds": number % 900, "codec": "PCMA", "node": f"switch-{number % 5}",
    }, option=orjson.OPT_APPEND_NEWLINE)  # fmt: skip


def _document(number: int) -> bytes:
    """Write a call as mod_json_cdr does, with all its variables: some 12 kB."""
    variables = {
        "uuid": f"6d0a0b1c-{number:012}", "direction": "inbound",
        "start_stamp": _clock(number).replace(" ", "%20"), "start_epoch": str(_NOON_S + number),
        "start_uepoch": str((_NOON_S + number) * 10**6),
        "answer_epoch": str(_NOON_S + number + 4), "answer_uepoch": str((_NOON_S + number + 4) * 10**6),
        "end_epoch": str(_NOON_S + number + 64), "end_uepoch": str((_NOON_S + number + 64) * 10**6),
        "duration": "64", "billsec": "60", "billmsec": "60000", "hangup_cause": "NORMAL_CLEARING",
        "hangup_cause_q850": "16", "accountcode": "NL-OSLO", "sip_from_user": "4790010002",
        "sip_to_user": f"46701{number % 10**6:06}", "caller_id_name": "Anna%20Berg",
        **{f"sip_h_X-Variable-{place}": f"value%20{number + place}" for place in range(210)},
    }  # fmt: skip
    profile = {"caller_id_number": "4790010002", "destination_number": "4741234567", "context": "c"}
    flow = [{"caller_profile": profile, "times": {"created_time": str(number)}}]
    extension = [{"app_name": f"set-{place}", "app_data": "a=b" * 9} for place in range(40)]
    content = {"core-uuid": "c", "switchname": "s", "channel_data": {"state": "CS_REPORTING"},
               "variables": variables, "callflow": flow, "app_log": extension}  # fmt: skip
    return json.dumps(content, separators=(",", ":")).encode() + b"\n"


def _element(number: int) -> bytes:
    text = (
        f'  <call id="x{number}"><from>+4790010{number % 1_000:03}</from><to><number>+46701'
        f"{number % 1_000_000:06}</number></to><at>{_clock(number).replace(' ', 'T')}Z</at>"
        f"<s>{number % 900}</s><codec>PCMA</codec></call>\n"
    )
    return text.encode()


def _broadworks(number: int) -> bytes:
    return broadworks_record(number).encode() + b"\n"


def _kept(number: int) -> bytes:
    packet = radius.request(radius.accounting(
        radius.INTERIM, f"session-{number}", seconds=900, down=number * 1_000, up=number,
        at=_NOON_S, nas=f"192.0.2.{number % 250}",
    ))  # fmt: skip
    return radius.kept(packet, _NOON_S * 10**6) + b"\n"


def _tap_head() -> bytes:
    """Give a TAP file up to its first event, with lengths left open."""
    closed = taps.batch([])
    place = closed.index(b"\x63\x00")  # the list of events, which is empty
    head_from = 2 if closed[1] < 0x80 else 2 + (closed[1] & 0x7F)
    return b"\x61\x80" + closed[head_from:place] + b"\x63\x80"


def _tap(number: int) -> bytes:
    return taps.call(60 + number % 600, [taps.charge(100 + number, tax=5)])


def _gprs(number: int) -> bytes:
    return cdrs.pgw(number, 1, [cdrs.service_data(10, 20)])


def _csv_floor(data: bytes) -> object:
    return pl.read_csv(data, has_header=False, separator=";", infer_schema=False)


def _json_floor(data: bytes) -> object:
    return [orjson.loads(line) for line in data.splitlines()]


def _objects_floor(data: bytes) -> object:
    return pl.read_ndjson(data)


def _xml_floor(data: bytes) -> object:
    count = 0
    for _, element in etree.iterparse(BytesIO(data), no_network=True, resolve_entities=False):
        count += 1
        element.clear()
    return count


def _bytes_floor(data: bytes) -> object:
    return data.count(b"\x83")


def _feed(like: str, form: str, options: Mapping[str, object]) -> Feed:
    return replace(SNAPSHOT.feeds[like], feed_id="bench", format=form, options=options)


@dataclass(frozen=True)
class Kind:
    """A kind of file.

    Attributes:
        record: Makes a record of its number; what separates it from the next is part of it.
        records: So many are measured for speed.
        wanted: Records a second that one core should decode.
        floor: The least that reading them costs: the named library alone.
        ahead: What precedes the records in a file.
        behind: What follows them.
    """

    feed: Feed
    record: Callable[[int], bytes]
    records: int
    wanted: int
    floor: tuple[str, Callable[[bytes], Any]]
    ahead: bytes = b""
    behind: bytes = b""

    def write(self, path: Path, *, records: int = 0, octets: int = 0) -> int:
        """Write a file of so many records, or one of so many octets that repeats some.

        Returns:
            How many records it holds.
        """
        block = [self.record(number) for number in range(records or self.records)]
        joined = b"".join(block)
        times = max(1, octets // len(joined))
        with path.open("wb") as file:
            file.write(self.ahead)
            for _ in range(times):
                file.write(joined)
            file.write(self.behind)
        return times * len(block)


_DECLARATION = b'<?xml version="1.0" encoding="UTF-8"?>\n'
KINDS: Mapping[str, Kind] = {
    "delimited": Kind(
        _feed("roamers", "declared", _LINES), _line, 400_000, 400_000,
        ("polars reads the same CSV", _csv_floor),
    ),
    "json lines": Kind(
        _feed("roamers", "declared", _OBJECTS), _object, 300_000, 300_000,
        ("polars reads the same lines", _objects_floor),
    ),
    "freeswitch json": Kind(
        _feed("switch", "freeswitch_json", {"per_file": "lines"}), _document, 8_000, 15_000,
        ("orjson reads each line", _json_floor),
    ),
    "xml": Kind(
        _feed("roamers", "declared", ELEMENTS_OPTIONS), _element, 100_000, 40_000,
        ("lxml iterates over it", _xml_floor), _DECLARATION + b"<calls>\n", b"</calls>\n",
    ),
    "broadworks": Kind(
        _feed("pbx", "broadworks", {}), _broadworks, 50_000, 40_000,
        ("lxml iterates over it", _xml_floor),
        _DECLARATION + b'<broadWorksCDR version="23.0">\n', b"</broadWorksCDR>\n",
    ),
    "tap": Kind(
        _feed("platform", "tap", {}), _tap, 40_000, 12_000,
        ("one pass over the octets", _bytes_floor), _tap_head(), bytes(4),
    ),
    "3gpp": Kind(
        _feed("platform", "3gpp_cdr", {}), _gprs, 40_000, 12_000,
        ("one pass over the octets", _bytes_floor),
    ),
    "radius, as kept": Kind(
        _feed("access", "radius", {}), _kept, 60_000, 10_000,
        ("orjson reads each line", _json_floor),
    ),
}  # fmt: skip
"""By name."""
