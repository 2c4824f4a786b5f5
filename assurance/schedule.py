"""Files on a schedule: event time that no file covers; by the files alone, never by a clock."""

from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, field
from typing import Any, Self

from assurance.alerts import Control, alert
from assurance.money import worth_of
from assurance.usual import Each
from schemas.alerts import Alert
from schemas.feeds import FeedFile
from tallywire.calendar import band
from tallywire.catalog.expect import Expect
from tallywire.catalog.snapshot import Calendar

SCHEDULE_GAP = Control(
    "C1", "file_schedule_gap", "completeness", "critical", "under",
    "ask the sender for the files of that time, or whether there was nothing to send",
)  # fmt: skip
_MOST = 1_000
"""So many files at most are told missing at once."""


@dataclass
class Lost:
    """Time in which files were expected and none came.

    Attributes:
        from_us, to_us: Event time, from the end of a file to the start of the next.
        expected, came: Files that belong there, and those that came late.
        each: Worth of one, and what it is based on.
    """

    from_us: int
    to_us: int
    expected: int
    came: int = 0
    records: int = 0
    nano: int | None = None
    currency: str = ""
    method: str = "none"


@dataclass
class ScheduleMemory:
    """What is remembered of a feed's schedule.

    Attributes:
        covered_us: Event time up to which there are files; 0 before the first.
    """

    covered_us: int = 0
    lost: list[Lost] = field(default_factory=list)

    def dump(self) -> dict[str, Any]:
        """Give it as plain values."""
        return asdict(self)

    @classmethod
    def load(cls, content: dict[str, Any]) -> Self:
        """Read it back."""
        return cls(content["covered_us"], [Lost(**one) for one in content["lost"]])


def expected_between(from_us: int, to_us: int, expect: Expect, calendar: Calendar | None) -> int:
    """Count the files that are expected from one instant to another, both left out.

    >>> expected_between(0, 3_600_000_000, Expect(every_us=900_000_000), None)
    3
    """
    count = max(0, (to_us - from_us - 1) // expect.every_us)
    if calendar is None:
        return min(count, _MOST)
    wanted = {calendar.bands.index(name) for name in expect.bands}
    moments = (from_us + number * expect.every_us for number in range(1, min(count, _MOST) + 1))
    return sum(band(calendar, moment) in wanted for moment in moments)


def take_time(
    memory: ScheduleMemory,
    file: FeedFile,
    expect: Expect,
    calendar: Calendar | None,
    value: Callable[[int], Each],
    *,
    numbered: bool,
) -> Iterator[Alert]:
    """Hold a file's event times against the schedule.

    A file without records has none: it stands for one time of the schedule.

    Args:
        numbered: Its number tells which files are missing, its times need not.
    """
    if not expect.every_us:
        return
    first, last = file.first_event_time, file.last_event_time
    if first is None or last is None:
        if memory.covered_us:
            memory.covered_us += expect.every_us
        return
    yield from _came(memory, file, first, last)
    covered, memory.covered_us = memory.covered_us, max(memory.covered_us, last)
    if numbered or not covered or first - covered <= expect.every_us + expect.grace_us:
        return
    count = expected_between(covered, first, expect, calendar)
    if count:
        each = value(covered + (first - covered) // 2)
        lost = Lost(covered, first, count, 0, each.records, each.nano, each.currency, each.method)
        memory.lost = [*memory.lost[-_MOST:], lost]
        yield _alert(file, lost)


def _came(memory: ScheduleMemory, file: FeedFile, first: int, last: int) -> Iterator[Alert]:
    """Take a file of a time that was told missing."""
    for lost in memory.lost:
        if lost.from_us < last and first < lost.to_us:
            lost.came += 1
            yield _alert(file, lost)
    memory.lost = [one for one in memory.lost if one.came < one.expected]


def _alert(file: FeedFile, lost: Lost) -> Alert:
    missing = lost.expected - lost.came
    return alert(
        SCHEDULE_GAP, tenant_id=file.tenant_id, feed_id=file.feed_id,
        entity=("feed", file.feed_id), episode=f"since-{lost.from_us}", at=file.collected_at,
        expected=lost.expected, observed=lost.came, unit="files",
        state="open" if missing else "auto_closed", window=(lost.from_us, lost.to_us),
        worth=worth_of(lost.nano, lost.currency, lost.method, missing),
        features={"records": lost.records * missing},
        evidence=[{"place": file.file_name, "why": "is the first file after that time"}],
        explanation=f"Of {lost.expected} files that feed {file.feed_id} should have for a time "
        f"without any, {missing} are missing.",
    )  # fmt: skip


def overdue_since(
    last_us: int, now_us: int, expect: Expect, calendar: Calendar | None
) -> int | None:
    """Tell since when a file is overdue; none where none is, or none is expected.

    Args:
        last_us: When the last file came.
        now_us: The clock of whoever asks.

    >>> overdue_since(0, 3_600_000_000, Expect(every_us=900_000_000, grace_us=60_000_000), None)
    900000000
    """
    if not expect.every_us:
        return None
    wanted = {calendar.bands.index(name) for name in expect.bands} if calendar else set()
    for number in range(1, _MOST + 1):
        moment = last_us + number * expect.every_us
        if moment + expect.grace_us >= now_us:
            return None
        if calendar is None or band(calendar, moment) in wanted:
            return moment
    return last_us + expect.every_us
