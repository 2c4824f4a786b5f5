"""Further usage: sessions that lack reports, a counter that wraps, and resold machines."""

import datetime
from pathlib import Path

from cli.demo.usage import Report, packets

_REPORTS = (
    # F1 is whole; of F2 the third report is lost; F3 never ends; F4 is hours later
    ("F1", 1, "first", "08:00", 40), ("F1", 2, "last", "08:10", 25),
    ("F2", 1, "first", "08:01", 60), ("F2", 2, "middle", "08:11", 80),
    ("F2", 4, "last", "08:31", 70),
    ("F3", 1, "first", "08:02", 90), ("F3", 2, "middle", "08:12", 110),
    ("F4", 1, "first", "20:00", 30), ("F4", 2, "last", "20:10", 20),
)  # fmt: skip
_FROM_MB = 1_000_000
DAY = "2026-10-24"
MACHINES = (("small", 9, 10), ("large", 13, 5), ("large", 18, 4))
"""SKU, hour at which a machine began, and how many hours it ran."""


def write_gateway(folder: Path, caller: str) -> None:
    """Write reports of data sessions, numbered in their session."""
    folder.mkdir(parents=True)
    lines = [
        f"{session};{number};{kind};+{caller};{DAY}T{time}:00Z;{size * _FROM_MB}\n"
        for session, number, kind, time, size in _REPORTS
    ]
    (folder / "gateway-1.csv").write_text("".join(lines))


def write_machines(folder: Path, customer: str) -> None:
    """Write hours of machines."""
    folder.mkdir(parents=True)
    lines = [
        f"m-{number};{DAY}T{hour:02}:00:00Z;{customer};{sku};{hours}\n"
        for number, (sku, hour, hours) in enumerate(MACHINES, start=1)
    ]
    (folder / "machines-1.csv").write_text("".join(lines))


def write_wrapped(folder: Path) -> None:
    """Write a session of an old server, whose counter passes 32 bits and sends no Gigawords."""
    begin = datetime.datetime.fromisoformat(f"{DAY}T09:00:00+00:00")
    reports = (
        Report("Start", 0, 0), Report("Interim-Update", 900, 4_200_000_000),
        Report("Interim-Update", 1800, 105_032_704), Report("Stop", 2400, 305_032_704),
    )  # fmt: skip
    text = packets("bng0", "00B7", begin, reports)
    kept = [line for line in text.splitlines(keepends=True) if "Gigawords" not in line]
    (folder / "detail-bng0-20261024").write_text("".join(kept))
