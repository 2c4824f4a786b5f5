"""Writes a home as the version that is on the path leaves it: `python make_home.py FILE.tar.gz`.

The home ends in the middle of things: sessions and chains are open, allowances are used in part.
The archive holds the usage of before and of after, too, so that what a test compares never
depends on how usage is written later.
"""

import datetime
import json
import os
import subprocess
import sys
import tarfile
import tempfile
from pathlib import Path

PARTITIONS = 3
_KEPT = ("home/catalogs", "home/lanes", "home/recovery", "home/spool", "before", "after")
_DAY = datetime.datetime(2026, 10, 24, 8, tzinfo=datetime.UTC)
_ANNA, _BO = "4790010001", "4790010002"


def _at(minutes: float) -> datetime.datetime:
    return _DAY + datetime.timedelta(minutes=minutes)


def _event(kind: str, number: int, subject: str = "", **data: str) -> str:
    content = {
        "specversion": "1.0", "type": kind, "source": "fjordline/platform", "id": f"e-{number}",
        "time": f"{_at(number / 2):%Y-%m-%dT%H:%M:%SZ}", "subject": subject, "data": data,
    }  # fmt: skip
    return json.dumps(content)


def _platform(numbers: range) -> list[str]:
    """Write data, messages and calls by turns: 5 GB and 50 messages run out in the second part."""
    lines = []
    for number in numbers:
        octets = str(40_000_000 + number * 1_003)
        lines += [
            _event(
                "data.session", 10 * number, msisdn=_ANNA, octets=octets, apn="internet", rat="5G"
            ),
            _event(
                "data.session",
                10 * number + 1,
                msisdn=_BO,
                octets="999999",
                apn="internet",
                rat="LTE",
            ),
            _event("sms.sent", 10 * number + 2, **{"from": f"+{_ANNA}"}, to="+4741234567"),
            _event("api.call", 10 * number + 3, "appverk", path="/v1/locate"),
        ]
    return lines


def _packets(steps: list[tuple[str, int, int]]) -> str:
    """Write RADIUS accounting of one session: cumulative counters."""
    packets = []
    for status, seconds, octets in steps:
        moment = _at(seconds / 60)
        packets.append(
            f"{moment:%a %b %d %H:%M:%S %Y}\n"
            f'\tUser-Name = "oslo@nordlys.example"\n\tNAS-Identifier = "bng1"\n'
            f'\tAcct-Session-Id = "00A1"\n\tAcct-Status-Type = {status}\n'
            f"\tAcct-Session-Time = {seconds}\n\tAcct-Input-Octets = {octets // 10}\n"
            f"\tAcct-Input-Gigawords = 0\n\tAcct-Output-Octets = {octets}\n"
            f"\tAcct-Output-Gigawords = 0\n\tAcct-Delay-Time = 0\n"
            f"\tEvent-Timestamp = {int(moment.timestamp())}\n"
        )
    return "\n".join(packets) + "\n"


def _abroad(call: str, part: int, minutes: int, seconds: int, kind: str) -> str:
    start = f"{_at(minutes):%Y-%m-%dT%H:%M:%SZ}"
    return f"{call};{part};242990000010001;004741234567;{start};{seconds};{kind};24001\n"


def _carrier(sequence: int, minutes: int) -> str:
    """Write a numbered file of a carrier: header, two calls, trailer."""
    calls = [(sequence * 100 + number, 60 * (number + 1)) for number in range(2)]
    lines = [
        f"CDR{number:010d}{_at(minutes + 120):%Y%m%d%H%M%S}{'0046701234567':<16}"
        f"{'004741234567':<16}{seconds:06d}\n"
        for number, seconds in calls
    ]
    total = sum(seconds for _, seconds in calls)
    return (
        f"HDR{sequence:06d}NORDVIK\n{''.join(lines)}TRL{sequence:06d}{len(calls):08d}{total:010d}\n"
    )


def _before(folder: Path) -> dict[Path, str]:
    lines = _platform(range(100))
    return {
        folder / "platform/1.jsonl": "\n".join([*lines, *lines[:7], "{broken"]) + "\n",
        folder / "access/detail-1": _packets(
            [("Start", 0, 0), ("Interim-Update", 900, 40_000_000)]
        ),
        folder / "roaming/1.csv": _abroad("A1", 1, 10, 1_800, "first")
        + _abroad("C1", 1, 12, 45, "complete"),
        folder / "nordvik/NV000101.cdr": _carrier(101, 5),
    }


def _after(folder: Path) -> dict[Path, str]:
    known, new = _platform(range(90, 100)), _platform(range(100, 160))
    restated = known[0].replace('"octets": "4', '"octets": "5')
    return {
        folder / "platform/2.jsonl": "\n".join([*known, restated, *new, "{broken"]) + "\n",
        folder / "access/detail-2": _packets(
            [("Interim-Update", 1_800, 90_000_000), ("Stop", 2_400, 120_000_000)]
        ),
        folder / "roaming/2.csv": _abroad("A1", 2, 40, 240, "last")
        + _abroad("C1", 1, 12, 45, "complete"),
        folder / "nordvik/NV000102.cdr": _carrier(102, 40),
    }


def _write(files: dict[Path, str]) -> None:
    for path, text in files.items():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)


def _of_nobody(found: tarfile.TarInfo) -> tarfile.TarInfo:
    """Leave out who made the archive, and when."""
    found.uid = found.gid = found.mtime = 0
    found.uname = found.gname = ""
    return found


def make(target: Path) -> None:
    """Run this version over the usage of before, and pack what it leaves."""
    with tempfile.TemporaryDirectory() as place:
        root = Path(place)
        _write(_before(root / "before"))
        _write(_after(root / "after"))
        catalog = root / "catalog"
        command = [sys.executable, "-m", "cli.main"]
        subprocess.run([*command, "catalog", "init", str(catalog)], check=True)
        subprocess.run(
            [*command, "run", "--home", str(root / "home"), "--catalog", str(catalog),
             str(root / "before")],
            check=True, env={**os.environ, "TALLYWIRE_PARTITIONS": str(PARTITIONS),
                               "LOGNAME": "operator"},
        )  # fmt: skip
        with tarfile.open(target, "w:gz") as archive:
            for name in _KEPT:
                archive.add(root / name, name, filter=_of_nobody)


if __name__ == "__main__":
    make(Path(sys.argv[1]))
