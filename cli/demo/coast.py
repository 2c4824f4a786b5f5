"""Calls of a second exchange over two weeks, a few hours each day, with an incident on some days.

What needs history to be seen (silence, lateness, a clock that moved, a loss) needs days before it.
"""

import datetime
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from cli.demo.days import Days
from schemas.instants import EPOCH, MICROSECOND

DAYS, HOURS = 16, 2
LOST, TRUNCATED, MISCOUNTED, COPIED, LEFT, LATE, SILENT, SKEWED = 12, 11, 10, 9, 8, 4, 2, 0
"""Days before the last on which something is wrong."""
NODES = ("coast-1", "coast-2")
ANNA, BERIT, OFFICE, GONE = "4790040001", "4790040002", "4722004003", "4790040004"
TRUNK = "KN-1"
_CALLED = (
    *["4532101010"] * 13, *["46701234567"] * 2, "46730123456", *["442071234567"] * 2,
    *["493012345678"] * 5, *["33145678901"] * 2, *["31201234567"] * 5,
)  # fmt: skip
CALLS = len(_CALLED)
"""Of a node in an hour."""
_LOCAL = "4732101010"
_SECOND = datetime.timedelta(seconds=1)
_STEP = datetime.timedelta(seconds=120)
_BEHIND = datetime.timedelta(seconds=300)
_AFTER, LATER = datetime.timedelta(minutes=70), datetime.timedelta(hours=HOURS + 10)
"""From the beginning of an hour, and from that of the late day, until its files come."""


@dataclass(frozen=True)
class Call:
    """A call as a node writes it."""

    node: str
    number: int
    caller: str
    called: str
    start: datetime.datetime
    seconds: int

    @property
    def trunk(self) -> str:
        """Which carrier's trunk it left on; none where no carrier takes it."""
        return TRUNK if self.called.startswith("45") else ""

    def line(self) -> str:
        """Write the record."""
        return (
            f"R;{self.node};{self.number};+{self.caller};+{self.called};"
            f"{self.start:%Y-%m-%dT%H:%M:%SZ};{self.seconds};{self.trunk}\n"
        )


@dataclass(frozen=True)
class Hour:
    """The calls of an hour, and how they were delivered.

    Attributes:
        ago: Days before the last.
        hour: Its number in the day.
        number: Of the file.
        at: When the file came.
    """

    ago: int
    hour: int
    number: int
    calls: tuple[Call, ...]
    at: datetime.datetime

    @property
    def name(self) -> str:
        """Name of the file."""
        return f"KY{self.number:06d}.csv"

    def text(self) -> str:
        """Write the file: head, calls, and a trailer with their number; some lack of it."""
        declared = len(self.calls) + 4 * self._is(MISCOUNTED, 1)
        records = [call.line() for call in self.calls]
        head = f"H;{self.number}\n"
        if self._is(TRUNCATED, 1):
            return head + "".join(records[:-6])
        return head + "".join(records) + f"T;{self.number};{declared}\n"

    def _is(self, ago: int, hour: int) -> bool:
        return (self.ago, self.hour) == (ago, hour)


def hours(days: Days) -> Iterator[Hour]:
    """Make all hours in order; of the silent one there is no call, no file, and no number."""
    times = ((ago, hour) for ago in reversed(range(DAYS)) for hour in range(HOURS))
    heard = [time for time in times if time != (SILENT, 1)]
    for place, (ago, hour) in enumerate(heard):
        day = days.last - datetime.timedelta(days=ago)
        begin = day + datetime.timedelta(hours=hour)
        calls = [
            call for node in NODES for call in _calls(node, begin, place * CALLS + 1)
        ]  # fmt: skip
        at = day + LATER if ago == LATE else begin + _AFTER
        yield Hour(ago, hour, place + 1, tuple(_wrong(calls, ago, hour)), at)


def _calls(node: str, begin: datetime.datetime, first: int) -> Iterator[Call]:
    """Make the calls of a node in an hour: those of both nodes begin and end at the same times."""
    for slot, called in enumerate(_CALLED):
        seconds = 41 + 37 * slot % 75
        caller = ANNA if node == "coast-1" else BERIT
        if node == "coast-1" and called.startswith("4670"):
            caller, called = OFFICE, _LOCAL  # noqa: PLW2901  it is a call of an office
        yield Call(node, first + slot, caller, called, begin + slot * _STEP, seconds)


def _wrong(calls: list[Call], ago: int, hour: int) -> Iterator[Call]:
    """Do to calls what went wrong in an hour."""
    for place, call in enumerate(calls):
        if (ago, hour) == (LOST, 1) and place in {7, 8, 9}:
            continue
        if (ago, hour) == (LEFT, 0) and call.caller == BERIT and call.called.startswith("44"):
            yield replace(call, caller=GONE)
        elif (ago, hour) == (COPIED, 0) and call.caller == BERIT:
            yield _told_again(call)
        elif ago == SKEWED and call.caller == BERIT:
            yield replace(call, start=call.start - _BEHIND)
        else:
            yield call


def _told_again(call: Call) -> Call:
    """Tell of calls to Britain and France of the other node: the whole again, or a part."""
    if call.called.startswith("44"):
        return replace(call, caller=ANNA, start=call.start + _SECOND)
    if call.called.startswith("33"):
        return replace(call, caller=ANNA, seconds=call.seconds // 2)
    return call


def write_coast(folder: Path, days: Days) -> dict[str, int]:
    """Write the files; give when each came, microseconds UTC, by its name."""
    folder.mkdir(parents=True)
    came = {}
    for hour in hours(days):
        (folder / hour.name).write_text(hour.text())
        came[hour.name] = (hour.at - EPOCH) // MICROSECOND
    return came
