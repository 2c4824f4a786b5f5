"""A series of numbers that should be whole: gaps, what fills them, repeats, wraps, new beginnings.

Numbers are taken in the order in which they came: those that just go on many at a time, all others
one by one. A series is kept as segments, each from its least to its greatest number, and the gaps
within; a counter that began anew, or jumped, opens another segment. Within a segment numbers are
ordinals: they go on growing where the counter wraps.
"""

from collections.abc import Iterator
from dataclasses import MISSING, dataclass, field, fields
from enum import StrEnum
from typing import Any, Self

from tallywire.catalog.expect import Numbers

_NEAR = 10
"""So many numbers from its first on, a counter that fell back has begun anew."""
_SEGMENTS = 3
"""So many segments are known, the newest: late numbers of an old one are no news."""


class Kind(StrEnum):
    """What became of numbers."""

    OPENED = "opened"
    FILLED = "filled"
    LATE = "late"
    REPEATED = "repeated"
    RESTARTED = "restarted"
    JUMPED = "jumped"
    OUTSIDE = "outside"


@dataclass(frozen=True)
class Rule:
    """How a series is judged.

    Attributes:
        reorder: How far numbers may come out of order.
        most: A larger gap is no list of lost numbers, it is another numbering.
        grace_us: How far event time goes on before a gap is told.
        forget_us: How far it goes on before a gap is not waited for any more.
    """

    numbers: Numbers
    reorder: int
    most: int
    grace_us: int
    forget_us: int

    @property
    def cycle(self) -> int:
        """How many numbers there are before they repeat; 0 where they never do."""
        at = self.numbers.wraps_at
        return 0 if at is None else at - self.numbers.wraps_to + 1

    def number(self, ordinal: int) -> int:
        """Give the number that an element writes for an ordinal."""
        low = self.numbers.wraps_to
        return low + (ordinal - low) % self.cycle if self.cycle else ordinal

    def ordinal(self, number: int, near: int) -> int:
        """Give the ordinal of a number that lies nearest to another ordinal."""
        if not self.cycle:
            return number
        half = self.cycle // 2
        return near + (number - near + half) % self.cycle - half

    def newborn(self, number: int) -> bool:
        """Tell whether a counter that began anew may have come to a number."""
        first = self.numbers.first
        return 0 <= number - (self.numbers.wraps_to if first is None else first) < _NEAR


@dataclass(frozen=True)
class Taken:
    """One number.

    Attributes:
        time_us: Its event time; none where it is not known.
        before_us: Event time of the feed, as of what came before.
        start, end: The element says that its numbering begins, or ends, with this number.
        usable: A repeat of this number is a fault.
    """

    number: int
    time_us: int | None = None
    before_us: int = 0
    start: bool = False
    end: bool = False
    usable: bool = True


@dataclass
class Gap:
    """Numbers that were skipped.

    Attributes:
        name: What makes it another than all other gaps of its series.
        first, last: Ordinals.
        holes: What of it is still missing, as [first, last] ordinals.
        opened_us: The feed's event time when it was seen.
        from_us, to_us: Event times beside it; 0 where not known.
        told: A finding was written.
        final: The numbering ended behind it: it is told without grace.
        records: How many records one number stands for; 0 where nothing is known.
        worth_nano: What one number is worth, in billionths of a currency; none where not known.
        method, currency: How that was estimated.
    """

    name: str
    first: int
    last: int
    holes: list[list[int]]
    opened_us: int
    from_us: int = 0
    to_us: int = 0
    told: bool = False
    final: bool = False
    records: int = 0
    worth_nano: int | None = None
    method: str = "none"
    currency: str = ""

    @property
    def missing(self) -> int:
        """How many numbers are missing still."""
        return sum(last - first + 1 for first, last in self.holes)

    def due(self, rule: Rule, watermark_us: int) -> bool:
        """Tell whether a finding is to be written by an event time."""
        return self.final or self.opened_us + rule.grace_us <= watermark_us

    def lacks(self, ordinal: int) -> bool:
        """Tell whether an ordinal is one of those missing."""
        return any(first <= ordinal <= last for first, last in self.holes)

    def fill(self, ordinal: int) -> None:
        """Take an ordinal out of those missing."""
        holes = []
        for first, last in self.holes:
            if not first <= ordinal <= last:
                holes.append([first, last])
                continue
            holes += [[a, b] for a, b in ((first, ordinal - 1), (ordinal + 1, last)) if a <= b]
        self.holes = holes


@dataclass
class Segment:
    """Numbers without a break in numbering, from the least to the greatest."""

    low: int
    high: int


@dataclass(frozen=True)
class Seen:
    """Something that happened to a series.

    Attributes:
        number: Where, as the element wrote it.
        gap: The gap that was opened, or filled in part or whole.
        expected: The number that should have come, of a jump.
    """

    kind: Kind
    number: int
    gap: Gap | None = None
    expected: int = 0


@dataclass
class Series:
    """What is remembered of one series.

    Attributes:
        segments: Oldest first; the last is the one that goes on.
        time_us: Latest event time seen; 0 before any.
        seen_us: The feed's event time when a number came last; 0 before it has any.
        ended: The element said that its numbering ends.
        begun: How many segments there were.
        repeats: How many numbers came again.
    """

    segments: list[Segment] = field(default_factory=list)
    gaps: list[Gap] = field(default_factory=list)
    time_us: int = 0
    seen_us: int = 0
    ended: bool = False
    begun: int = 0
    repeats: int = 0

    def dump(self) -> dict[str, Any]:
        """Give it as plain values, without what has no content."""
        rest = {
            name: value for name, value in vars(self).items()
            if value and name not in {"segments", "gaps"}
        }  # fmt: skip
        gaps = {"gaps": [_plain(gap) for gap in self.gaps]} if self.gaps else {}
        return {"segments": [[one.low, one.high] for one in self.segments], **gaps, **rest}

    @classmethod
    def load(cls, content: dict[str, Any]) -> Self:
        """Read it back."""
        segments = [Segment(*bounds) for bounds in content["segments"]]
        gaps = [Gap(**gap) for gap in content.get("gaps", [])]
        return cls(**{**content, "segments": segments, "gaps": gaps})

    def go_on(self, rule: Rule, number: int, count: int) -> int:
        """Take numbers in a row that just go on; give how many of them do."""
        if not self.segments or number != rule.number(self.segments[-1].high + 1):
            return 0
        step = min(count, (rule.numbers.wraps_at or 0) - number + 1) if rule.cycle else count
        self.segments[-1].high += step
        self.ended = False
        return step

    def passed(self, time_us: int | None, before_us: int) -> None:
        """Note how far event time has come."""
        self.time_us = max(self.time_us, time_us or 0)
        self.seen_us = max(self.seen_us, before_us, time_us or 0)

    def take(self, rule: Rule, taken: Taken) -> Iterator[Seen]:
        """Take one number."""
        if not self.go_on(rule, taken.number, 1):
            yield from self._one(rule, taken.number, taken)
        self.passed(taken.time_us, taken.before_us)
        self.ended = self.ended or taken.end
        for gap in self.gaps if taken.end else ():
            gap.final = True

    def due(self, rule: Rule, watermark_us: int) -> list[Gap]:
        """Give the gaps that are to be told by now, and were not."""
        found = []
        for gap in self.gaps:
            if not gap.told and gap.due(rule, watermark_us):
                gap.told = True
                found.append(gap)
        return found

    def forget(self, rule: Rule, watermark_us: int) -> None:
        """Drop gaps that were told and are not waited for any more."""
        if self.gaps:
            self.gaps = [
                one for one in self.gaps if not one.told or _waits(one, rule, watermark_us)
            ]

    def _one(self, rule: Rule, number: int, taken: Taken) -> Iterator[Seen]:
        """Take one number that does not just go on."""
        numbers = rule.numbers
        if rule.cycle and not numbers.wraps_to <= number <= (numbers.wraps_at or 0):
            yield Seen(Kind.OUTSIDE, number)
            return
        if not self.segments:
            self._begin(number)
            return
        lacking = self._lacking(rule, number, taken)
        if lacking is not None:
            yield self._filled(rule, lacking, number, taken)
            return
        here = self._segment_of(rule, number, taken)
        ordinal = rule.ordinal(number, self.segments[-1].high)
        if taken.start or self.ended or self._restarted(rule, number, ordinal, taken):
            if taken.start and here is not None and self._old(here, rule, number, taken):
                return
            yield from self._anew(rule, number, taken)
        elif here is None:
            expected = rule.number(self.segments[-1].high + 1)
            self._begin(number)
            yield Seen(Kind.JUMPED, number, expected=expected)
        else:
            yield from self._placed(rule, here, number, taken)

    def _begin(self, number: int) -> Segment:
        segment = Segment(number, number)
        self.segments = [*self.segments, segment][-_SEGMENTS:]
        self.begun += 1
        self.ended = False
        return segment

    def _anew(self, rule: Rule, number: int, taken: Taken) -> Iterator[Seen]:
        """Begin a segment where the element began to count anew."""
        fell = not taken.start and not self.ended
        segment = self._begin(number)
        yield Seen(Kind.RESTARTED, number)
        first = rule.numbers.first
        if fell and first is not None and first < number:
            segment.low = first
            yield self._open(rule, first, number - 1, taken)

    def _lacking(self, rule: Rule, number: int, taken: Taken) -> Gap | None:
        for gap in reversed(self.gaps):
            lacks = gap.lacks(rule.ordinal(number, gap.last))
            if lacks and _waits(gap, rule, taken.before_us):
                return gap
        return None

    def _filled(self, rule: Rule, gap: Gap, number: int, taken: Taken) -> Seen:
        gap.told = gap.told or gap.due(rule, taken.before_us)
        gap.fill(rule.ordinal(number, gap.last))
        if not gap.holes:
            self.gaps.remove(gap)
        return Seen(Kind.FILLED, number, gap)

    def _restarted(self, rule: Rule, number: int, ordinal: int, taken: Taken) -> bool:
        """Tell whether a counter fell back to its beginning, and did not only wrap."""
        if not rule.newborn(number) or taken.time_us is None or taken.time_us <= self.time_us:
            return False
        ahead = ordinal - self.segments[-1].high
        return not 0 < ahead <= (rule.reorder if rule.cycle else rule.most)

    def _old(self, segment: Segment, rule: Rule, number: int, taken: Taken) -> bool:
        """Tell whether a mark says again what it said before."""
        inside = segment.low <= rule.ordinal(number, segment.high) <= segment.high
        return inside and (taken.time_us is None or taken.time_us <= self.time_us)

    def _segment_of(self, rule: Rule, number: int, taken: Taken) -> Segment | None:
        """Find the segment that a number belongs to.

        One of before is it only for what is late, or when the newest is no more than one number.
        """
        newest, older = self.segments[-1], self.segments[-2::-1]
        alone = newest.low == newest.high
        if taken.time_us is not None and taken.time_us > self.time_us and not alone:
            older = []
        for segment, before, after in (
            (newest, rule.reorder, rule.reorder),
            *((one, 0, rule.reorder) for one in older),
            (newest, rule.reorder, rule.most),
        ):
            ordinal = rule.ordinal(number, segment.high)
            if segment.low - before <= ordinal <= segment.high + after:
                if alone and segment is not newest:
                    self.segments.sort(key=lambda one: one is segment)
                return segment
        return None

    def _placed(self, rule: Rule, segment: Segment, number: int, taken: Taken) -> Iterator[Seen]:
        """Put a number into a segment."""
        ordinal = rule.ordinal(number, segment.high)
        if ordinal > segment.high:
            below, segment.high = segment.high, ordinal
            if ordinal > below + 1:
                yield self._open(rule, below + 1, ordinal - 1, taken)
        elif ordinal < segment.low:
            above, segment.low = segment.low, ordinal
            yield Seen(Kind.LATE, number)
            if ordinal < above - 1:
                yield self._open(rule, ordinal + 1, above - 1, taken)
        elif taken.usable:
            self.repeats += 1
            yield Seen(Kind.REPEATED, number)

    def _open(self, rule: Rule, first: int, last: int, taken: Taken) -> Seen:
        age = f"{self.begun}:" if self.begun > 1 else ""
        gap = Gap(
            f"{age}{first}-{last}", first, last, [[first, last]],
            max(taken.before_us, taken.time_us or 0), self.time_us, taken.time_us or 0,
        )  # fmt: skip
        self.gaps.append(gap)
        return Seen(Kind.OPENED, rule.number(first), gap)


def _waits(gap: Gap, rule: Rule, watermark_us: int) -> bool:
    return gap.opened_us + rule.forget_us >= watermark_us


def _plain(gap: Gap) -> dict[str, Any]:
    """Give a gap without what is as by default."""
    return {
        one.name: getattr(gap, one.name)
        for one in fields(gap)
        if one.default is MISSING or getattr(gap, one.name) != one.default
    }
