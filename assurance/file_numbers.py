"""Numbered files: those missing, out of order, sent again with other content, numbered anew."""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any, Self

from assurance.alerts import Control, alert
from assurance.files import about
from assurance.money import worth_of
from assurance.series import Gap, Kind, Rule, Seen, Segment, Series, Taken
from assurance.usual import Each
from schemas.alerts import Alert
from schemas.feeds import FeedFile
from tallywire.catalog.expect import Expect

FILE_GAP = Control(
    "C1", "file_sequence_gap", "completeness", "critical", "under",
    "ask the sender for the missing files; they are collected whenever they come",
)  # fmt: skip
FILE_JUMP = Control(
    "C1", "file_sequence_jump", "completeness", "warning", "under",
    "ask the sender whether it numbers its files anew, or whether that many are missing",
)  # fmt: skip
FILE_NUMBER_TWICE = Control(
    "C1", "file_sequence_repeated", "completeness", "warning", "over",
    "ask the sender which of the two files holds",
)  # fmt: skip
FILE_LATE = Control(
    "C1", "file_out_of_order", "completeness", "info", "under",
    "nothing is missing: the file came after others with greater numbers",
)  # fmt: skip
FILE_ANEW = Control(
    "C1", "file_sequence_restarted", "completeness", "info", "under",
    "make sure that the sender began to number its files anew",
)  # fmt: skip
RESENT = Control(
    "C6", "resent_file", "duplicate", "warning", "over",
    "its records that were there before were not rated again; ask the sender which file holds",
)  # fmt: skip

MOST_MISSING = 1_000
"""A larger gap is no list of lost files, it is another numbering, or a broken number."""
_NAMES = 1_000
"""So many names are remembered, the newest."""

Value = Callable[[int], Each]
"""Tells what a file usually holds at an instant, microseconds UTC."""


@dataclass
class FilesMemory:
    """What is remembered of a feed's files.

    Attributes:
        series: Numbers seen and missing, by the parts of names that tell series apart.
        names: Files by name, newest last.
    """

    series: dict[str, Series] = field(default_factory=dict)
    names: dict[str, str] = field(default_factory=dict)

    def dump(self) -> dict[str, Any]:
        """Give it as plain values."""
        return {
            "series": {key: one.dump() for key, one in self.series.items()}, "names": self.names,
        }  # fmt: skip

    @classmethod
    def load(cls, content: Mapping[str, Any]) -> Self:
        """Read it back."""
        series = {key: Series.load(one) for key, one in content["series"].items()}
        return cls(series, dict(content["names"]))

    @classmethod
    def before(cls, seen: Iterable[int], missing: Iterable[int]) -> Self:
        """Make it of what was remembered before files had series: the numbers themselves."""
        numbers = sorted({*seen, *missing})
        if not numbers:
            return cls()
        series = Series()
        for number in numbers:
            if not series.segments or number - series.segments[-1].high > MOST_MISSING:
                series.segments.append(Segment(number, number))
            series.segments[-1].high = number
        for number in sorted(missing):
            series.gaps.append(
                Gap(f"{number}-{number}", number, number, [[number, number]], 0, told=True)
            )
        series.begun = len(series.segments)
        return cls({"": series})


@lru_cache(maxsize=256)
def _pattern(text: str) -> re.Pattern[str]:
    return re.compile(text)


def numbered(name: str, header: int, expect: Expect, series: str = "") -> tuple[str, int]:
    """Read the number of a file, and the series it belongs to.

    Args:
        name: Name of the file.
        header: Number that the file says of itself; -1 where it says none.
        series: Whose numbers that is one of, as the file says; a name tells it better.

    >>> tap = Expect(name="(?P<kind>[CT])D(?P<sender>.{5})(?P<to>.{5})(?P<number>[0-9]{5})")
    >>> numbered("CDDEUAANORAA00042", -1, tap), numbered("x/nv0101.csv", 101, Expect())
    (('C/DEUAA/NORAA', 42), ('', 101))
    """
    if not expect.name:
        return series, header
    found = _pattern(expect.name).search(name)
    if found is None:
        return series, header
    index = found.re.groupindex
    place = index.get("number", 1 if found.re.groups == 1 and not index else 0)
    texts = found.groups(default="")
    key = "/".join(text for at, text in enumerate(texts, start=1) if at != place) or series
    if not place:
        return key, header
    digits = texts[place - 1]
    return key, int(digits) if digits.isascii() and digits.isdecimal() and len(digits) < 19 else -1


def rule_of(expect: Expect, window_us: int) -> Rule:
    """Give the rule of a feed's files."""
    forget_us = max(window_us, expect.grace_us)
    return Rule(expect.files, MOST_MISSING, MOST_MISSING, expect.grace_us, forget_us)


def take_file(
    memory: FilesMemory,
    file: FeedFile,
    expect: Expect,
    rule: Rule,
    watermark_us: int,
    value: Value,
    series: str = "",
) -> Iterator[Alert]:
    """Hold a file's name and number against those seen.

    Args:
        watermark_us: The feed's event time, this file included.
        value: What a file usually holds.
        series: Whose numbers the file's number is one of, as it says itself.
    """
    resent = memory.names.get(file.file_name, file.file_id) != file.file_id
    memory.names.pop(file.file_name, None)
    memory.names[file.file_name] = file.file_id
    for name in list(memory.names)[:-_NAMES]:
        del memory.names[name]
    if resent:
        yield about(
            RESENT, file, file.file_id,
            f"{file.file_name} came again with other content: {file.duplicates} of its "
            f"{file.records} records had been seen before.", observed=file.duplicates,
            unit="records",
        )  # fmt: skip
    key, number = numbered(file.file_name, file.sequence, expect, series)
    if number >= 0:
        one = memory.series.setdefault(key, Series())
        taken = Taken(number, file.first_event_time, watermark_us)
        for seen in one.take(rule, taken):
            if seen.kind is Kind.OPENED and seen.gap is not None:
                _valued(seen.gap, value)
            elif not (seen.kind is Kind.REPEATED and resent):
                yield from _told(file, key, rule, seen)
    for name, kept in memory.series.items():
        for gap in kept.due(rule, watermark_us):
            yield from _missing(file, name, rule, gap)
        kept.forget(rule, watermark_us)


def _valued(gap: Gap, value: Value) -> None:
    beside = [moment for moment in (gap.from_us, gap.to_us) if moment]
    each = value(sum(beside) // len(beside) if beside else gap.opened_us)
    gap.records, gap.worth_nano = each.records, each.nano
    gap.currency, gap.method = each.currency, each.method


def _told(file: FeedFile, key: str, rule: Rule, seen: Seen) -> Iterator[Alert]:
    """Say what a file's number tells, beside numbers that are missing."""
    number, name = seen.number, file.file_name
    if seen.kind is Kind.FILLED and seen.gap is not None and seen.gap.told:
        yield _gap(file, key, seen.gap, rule.ordinal(number, seen.gap.last), number, "auto_closed")
    if seen.kind in {Kind.FILLED, Kind.LATE}:
        yield about(
            FILE_LATE, file, f"number-{number}",
            f"{name} carries number {number} and came after others with greater numbers.",
        ).model_copy(update={"state": "auto_closed"})  # fmt: skip
    if seen.kind is Kind.REPEATED:
        yield about(
            FILE_NUMBER_TWICE, file, f"number-{number}",
            f"{name} carries number {number}, as another file with other content did.",
        )  # fmt: skip
    if seen.kind is Kind.RESTARTED:
        yield about(
            FILE_ANEW, file, f"number-{number}",
            f"{name} carries number {number}: the sender numbers its files anew.",
        ).model_copy(update={"state": "auto_closed"})  # fmt: skip
    if seen.kind is Kind.JUMPED:
        yield about(
            FILE_JUMP, file, f"number-{number}",
            f"{name} carries number {number}, the one before it was {seen.expected - 1}.",
            expected=seen.expected, observed=number, unit="number",
        )  # fmt: skip
    if seen.kind is Kind.OUTSIDE:
        yield about(
            FILE_JUMP, file, f"number-{number}",
            f"{name} carries number {number}, which is none from {rule.numbers.wraps_to} to "
            f"{rule.numbers.wraps_at}.", observed=number, unit="number",
        )  # fmt: skip


def _missing(file: FeedFile, key: str, rule: Rule, gap: Gap) -> Iterator[Alert]:
    for first, last in gap.holes:
        for ordinal in range(first, last + 1):
            yield _gap(file, key, gap, ordinal, rule.number(ordinal), "open")


def _gap(file: FeedFile, key: str, gap: Gap, ordinal: int, number: int, state: str) -> Alert:
    age, colon, _ = gap.name.rpartition(":")
    whose = f"{file.feed_id}/{key}" if key else file.feed_id
    words = "is missing" if state == "open" else "was missing and has come"
    usual = f"; a file of that hour usually holds {gap.records} records" if gap.records else ""
    return alert(
        FILE_GAP, tenant_id=file.tenant_id, feed_id=file.feed_id,
        entity=("feed", whose), episode=f"number-{age}{colon}{ordinal}", at=file.collected_at,
        expected=1, observed=int(state != "open"), unit="files", state=state,
        window=(gap.from_us or None, gap.to_us or None),
        worth=worth_of(gap.worth_nano, gap.currency, gap.method),
        features={"series": key, "number": number, "records": gap.records},
        evidence=[{"place": file.file_name, "why": f"carries number {file.sequence}"}],
        explanation=f"File {number} of feed {whose} {words}{usual if state == 'open' else ''}.",
    )  # fmt: skip
