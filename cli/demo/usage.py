"""Usage for the demo: five formats, written from their semantics, the same bytes every time."""

import datetime
import itertools
import random
import shutil
import zoneinfo
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import orjson

_OSLO = zoneinfo.ZoneInfo("Europe/Oslo")
_UTC = datetime.UTC
_DAY = datetime.datetime(2026, 10, 24, tzinfo=_UTC)
_FILES = 5
_CALLED = ("4741234567", "4722113344", "4790010002", "4587654321", "493012345678", "4780012345")
_MOBILES = ("4790010001", "4790010002", "4790012001")
_COMPANIES = ("fjell-meters", "appverk")


def _stamp(moment: datetime.datetime) -> str:
    return moment.astimezone(_UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _event(
    kind: str, number: int, moment: datetime.datetime, subject: str, **data: object
) -> bytes:
    return orjson.dumps(
        {
            "specversion": "1.0", "type": kind, "source": "fjordline/platform",
            "id": f"e-{number:09d}", "time": _stamp(moment), "subject": subject, "data": data,
        }
    )  # fmt: skip


def _bulk(count: int) -> Iterator[bytes]:
    """Make generated events over one day, in time order."""
    chance = random.Random(20261024)  # noqa: S311  the same demo every time
    for number in range(count):
        moment = _DAY + datetime.timedelta(seconds=number * 80_000 // max(count, 1))
        kind = chance.random()
        if kind < 0.6:
            yield _event(
                "data.session", number, moment, "", msisdn=chance.choice(_MOBILES),
                octets=str(chance.randrange(500, 2_000_000)), apn="internet", rat="5G",
            )  # fmt: skip
        elif kind < 0.75:
            yield _event(
                "sms.sent", number, moment, "", **{"from": "+" + chance.choice(_MOBILES)},
                to="+" + chance.choice(_CALLED[:4]),
            )  # fmt: skip
        elif kind < 0.9:
            yield _event(
                "iot.reading", number, moment, "fjell-meters", octets=chance.randrange(30, 300)
            )
        else:
            yield _event("api.call", number, moment, "appverk", path="/v1/locate")


def write_platform(folder: Path, count: int) -> None:
    """Write CloudEvents: the bulk, then records with faults, then a file that is a replay."""
    folder.mkdir(parents=True)
    size = -(-count // _FILES) if count else 0
    events = _bulk(count)
    for number in range(_FILES if count else 0):
        with (folder / f"bulk-{number}.jsonl").open("wb") as file:
            file.writelines(line + b"\n" for line in itertools.islice(events, size))
    late = _DAY + datetime.timedelta(hours=23)
    session = {"msisdn": "4790010002", "octets": "5000000", "apn": "internet", "rat": "LTE"}
    lines = [
        _event("data.session", 900_000_001, late, "", **session),
        _event("data.session", 900_000_001, late, "", **session),  # once more: a duplicate
        _event("data.session", 900_000_002, late, "", **session),
        _event("data.session", 900_000_002, late + datetime.timedelta(hours=1), "",
               **{**session, "octets": "7000000"}),
        _event("api.call", 900_000_003, late, "nobody-we-know", path="/v1/locate"),
        _event("roaming.session", 900_000_004, late, "", msisdn="4790010001", octets="3000000",
               plmn="24001"),
        b'{"specversion":"1.0","type":"sms.sent","id":"cut-off',
    ]  # fmt: skip
    (folder / "faults.jsonl").write_bytes(b"\n".join(lines) + b"\n")
    shutil.copy(folder / "faults.jsonl", folder / "faults-resent.jsonl")


def asterisk_line(start: datetime.datetime, seconds: int, number: str, serial: int) -> str:
    """Write a line of cdr_csv: local wall times; the unique id carries the true second."""
    answer = start + datetime.timedelta(seconds=5)
    end = answer + datetime.timedelta(seconds=seconds)
    wall = [
        moment.astimezone(_OSLO).strftime("%Y-%m-%d %H:%M:%S") for moment in (start, answer, end)
    ]
    state = "ANSWERED" if seconds else "NO ANSWER"
    texts = ["NL-OSLO", "4722000100", number, "office", '""Desk"" <100>', "SIP/100-1",
             "SIP/trunk-9", "Dial", f"SIP/trunk/{number}", *wall]  # fmt: skip
    quoted = ",".join(f'"{text}"' for text in texts)
    unique = f"{int(start.timestamp())}.{serial}"
    return f'{quoted},{seconds + 5},{seconds},"{state}","DOCUMENTATION","{unique}",""\n'


def write_exchange(folder: Path) -> None:
    """Write the exchange's growing file, with the two calls of the night the clocks go back."""
    folder.mkdir(parents=True)
    early = datetime.datetime(2026, 10, 25, 0, 30, tzinfo=_UTC)  # 02:30 in Oslo, summer time
    calls = [
        (_DAY + datetime.timedelta(hours=9), 61, "4741234567"),
        (_DAY + datetime.timedelta(hours=9, minutes=5), 0, "4741234567"),
        (_DAY + datetime.timedelta(hours=10), 600, "0012025550123"),
        (_DAY + datetime.timedelta(hours=11), 120, "88216123456"),  # satellite: not sold
        (early, 90, "4722113344"),
        (early + datetime.timedelta(hours=1), 90, "4722113344"),  # 02:30 again, winter time
    ]
    lines = [
        asterisk_line(start, seconds, number, serial)
        for serial, (start, seconds, number) in enumerate(calls)
    ]
    (folder / "Master.csv").write_text("".join(lines))


def _switch_line(serial: int, called: str) -> bytes:
    """Write a call of the mobile switch."""
    minute = int((_DAY + datetime.timedelta(hours=12, minutes=serial)).timestamp())
    start = minute * 1_000_000
    answer = start + 3_420_018
    end = answer + 67_539_896 + serial
    return orjson.dumps(
        {
            "variables": {
                "uuid": f"00000000-0000-4000-8000-{serial:012d}",
                "caller_id_number": "+4790010001", "destination_number": f"00{called}",
                "start_uepoch": str(start), "answer_uepoch": str(answer),
                "end_uepoch": str(end), "uduration": str(end - start),
                "billusec": str(end - answer), "duration": "71", "billsec": "68",
                "hangup_cause": "NORMAL_CLEARING", "hangup_cause_q850": "16",
            }
        }
    )  # fmt: skip


def write_switch(folder: Path) -> None:
    """Write call records of the mobile switch: JSON, microseconds since 1970."""
    folder.mkdir(parents=True)
    lines = [_switch_line(serial, called) for serial, called in enumerate(_CALLED)]
    (folder / "mobile-0001.jsonl").write_bytes(b"\n".join(lines) + b"\n")


@dataclass(frozen=True)
class Report:
    """What an access server reports of a session.

    Attributes:
        after: Seconds since the session began.
        octets: What its counter of downloads shows; of uploads a tenth.
        delay: Seconds for which the report waited.
    """

    status: str
    after: int
    octets: int
    delay: int = 0


def packets(server: str, session: str, begin: datetime.datetime, reports: Iterable[Report]) -> str:
    """Write reports of a session as FreeRADIUS writes them to its detail file."""
    told = []
    for one in reports:
        moment = begin + datetime.timedelta(seconds=one.after)
        header = moment.astimezone(_OSLO).strftime("%a %b %d %H:%M:%S %Y")
        told.append(
            f"{header}\n"
            f'\tUser-Name = "oslo@nordlys.example"\n\tNAS-Identifier = "{server}"\n'
            f'\tAcct-Session-Id = "{session}"\n\tAcct-Status-Type = {one.status}\n'
            f"\tAcct-Session-Time = {one.after}\n\tAcct-Input-Octets = {one.octets // 10}\n"
            f"\tAcct-Input-Gigawords = 0\n\tAcct-Output-Octets = {one.octets}\n"
            f"\tAcct-Output-Gigawords = 0\n\tAcct-Delay-Time = {one.delay}\n"
            f"\tEvent-Timestamp = {int(moment.timestamp())}\n"
            f"\tTimestamp = {int(moment.timestamp()) + one.delay}\n"
        )
    return "\n".join(told) + "\n"


def write_access(folder: Path) -> None:
    """Write RADIUS accounting of one session: start, two interims, one sent twice, stop."""
    folder.mkdir(parents=True)
    reports = (
        Report("Start", 0, 0), Report("Interim-Update", 900, 40_000_000, 1),
        Report("Interim-Update", 1800, 90_000_000, 1),
        Report("Interim-Update", 1800, 90_000_000, 7), Report("Stop", 2400, 120_000_000),
    )  # fmt: skip
    begin = _DAY + datetime.timedelta(hours=8)
    (folder / "detail-20261024").write_text(packets("bng1", "00A1", begin, reports))


def _carrier_line(number: int, start: datetime.datetime, called: str, seconds: int) -> str:
    wall = start.astimezone(_OSLO).strftime("%Y%m%d%H%M%S")
    return f"CDR{number:010d}{wall}{'0046701234567':<16}{called:<16}{seconds:06d}\n"


def write_carrier(folder: Path) -> None:
    """Write the carrier's numbered files: 101 and 103, whose trailer declares too much."""
    folder.mkdir(parents=True)
    for sequence, excess in ((101, 0), (103, 720)):
        start = _DAY + datetime.timedelta(hours=sequence - 90)
        lengths = [35, 61, 600, 18 + sequence]
        lines = [
            _carrier_line(sequence * 100 + index, start + datetime.timedelta(minutes=index),
                          f"00{called}", seconds)
            for index, (called, seconds) in enumerate(zip(_CALLED, lengths, strict=False))
        ]  # fmt: skip
        declared = len(lines) + (2 if excess else 0)
        trailer = f"TRL{sequence:06d}{declared:08d}{sum(lengths) + excess:010d}\n"
        text = f"HDR{sequence:06d}NORDVIK\n{''.join(lines)}{trailer}"
        (folder / f"NV{sequence:06d}.cdr").write_text(text)


def write_roaming(folder: Path) -> None:
    """Write calls made abroad: one in two parts over two files, one whose first part is lost."""
    folder.mkdir(parents=True)
    imsi, called = "242990000010001", "004741234567"
    ten = _DAY + datetime.timedelta(hours=10)
    first = [
        ("A1", 1, ten, 1800, "first"),
        ("B1", 2, ten + datetime.timedelta(minutes=5), 300, "middle"),  # its part 1 never comes
        ("C1", 1, ten + datetime.timedelta(minutes=6), 45, "complete"),
    ]
    second = [
        ("A1", 2, ten + datetime.timedelta(minutes=30), 240, "last"),
        ("D1", 1, ten + datetime.timedelta(hours=12), 30, "complete"),
    ]
    for name, rows in (("roaming-1.csv", first), ("roaming-2.csv", second)):
        lines = [
            f"{call};{part};{imsi};{called};{_stamp(start)};{seconds};{kind};24001\n"
            for call, part, start, seconds, kind in rows
        ]
        (folder / name).write_text("".join(lines))


def write_all(folder: Path, count: int) -> None:
    """Write every feed's files into a new folder."""
    write_platform(folder / "platform", count)
    write_exchange(folder / "pbx")
    write_switch(folder / "switch")
    write_access(folder / "access")
    write_carrier(folder / "nordvik")
    write_roaming(folder / "roaming")
