"""Parts that wait, listed by the command: what they are worth, until they are settled or given up."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from dataflows.catalogs import example_folder
from tests.live.commands import served, status_of, tallywire

pytestmark = [pytest.mark.live, pytest.mark.store]

_IMSI, _CALLED = "242990000010001", "004741234567"
_PARTS = [
    ("A1", 1, "10:00:00", 1800, "first"),
    ("B1", 2, "10:05:00", 300, "last"),  # its first part comes when it has been given up
    ("C1", 1, "10:06:00", 45, "complete"),
]


def _write(folder: Path, name: str, parts: Sequence[tuple[str, int, str, int, str]]) -> None:
    lines = [
        f"{call};{part};{_IMSI};{_CALLED};2026-10-24T{time}Z;{seconds};{kind};24001\n"
        for call, part, time, seconds, kind in parts
    ]
    folder.mkdir(parents=True, exist_ok=True)
    (folder / name).write_text("".join(lines))


def _run(home: Path, usage: Path) -> None:
    made = tallywire("run", "--home", home, usage, "--quiet", "--catalog", example_folder())
    assert made.returncode == 0, made.stderr


def _listed(home: Path, *options: str) -> dict[str, Any]:
    told = tallywire("sessions", "--home", home, "--json", *options)
    assert told.returncode == 0, told.stderr
    content: dict[str, Any] = json.loads(told.stdout)
    return content


def test_parts_wait_are_settled_given_up_and_recycled(tmp_path: Path) -> None:
    home, usage = tmp_path / "home", tmp_path / "usage"
    _write(usage / "roaming", "roaming-1.csv", _PARTS)
    _run(home, usage)
    with served(home):
        listed = _listed(home)
        rows = [(row["session_id"], row["parts"], row["estimated_amount"], row["settles_at"])
                for row in listed["sessions"]]  # fmt: skip
        assert rows == [
            ("A1", 1, "21.000000000", "2026-10-24T11:30:00"),
            ("B1", 1, "3.500000000", "2026-10-24T14:10:00"),
        ]
        assert listed["exposure"] == [
            {"currency": "EUR", "sessions": 2, "parts": 2, "estimated_amount": "24.500000000"}
        ]
        assert _listed(home, "--feed", "nobody")["sessions"] == []
        assert "2 open, 2 parts, exposure 24.50 EUR" in tallywire("sessions", "--home", home).stdout
        assert status_of(home)["open"] == 2

        later = [
            ("A1", 2, "10:30:00", 240, "last"),
            ("D1", 1, "22:00:00", 30, "complete"),
            ("B1", 1, "10:00:00", 300, "first"),
        ]
        _write(usage / "roaming", "roaming-2.csv", later)
        _run(home, usage)
        assert [row["session_id"] for row in _listed(home)["sessions"]] == ["B1"]
        status = status_of(home)
        assert (status["open"], status["suspended"]) == (1, 1)

        made = tallywire("suspense", "recycle", "--home", home)
        assert "1 left suspense" in made.stdout, made.stdout + made.stderr
        assert _listed(home)["sessions"] == []
        assert "nothing is open" in tallywire("sessions", "--home", home).stdout
        status = status_of(home)
        assert (status["open"], status["suspended"], status["conservation_difference"]) == (0, 0, 0)
        query = "SELECT session_id, quantity FROM rated_events WHERE input_records > 1 ORDER BY 1"
        told = tallywire("store", "query", "--home", home, "--format", "json", query).stdout
        joined = [json.loads(line) for line in told.splitlines()]
        seconds = {row["session_id"]: int(row["quantity"]) // 1_000_000 for row in joined}
        assert seconds == {"A1": 2040, "B1": 600}
