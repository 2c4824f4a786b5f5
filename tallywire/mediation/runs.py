"""The numbers seen of one session: runs without a gap, with what their ends held."""

from dataclasses import dataclass, field

from tallywire.mediation.findings import Fault, Finding, Span, median

FIRST = 1
"""Where numbers begin, unless the session's first record carries another."""


@dataclass
class Runs:
    """A session whose numbers are not plainly one after the other.

    Attributes:
        runs: First number, last number, quantity of the first, quantity of the last; ascending.
        begun: The lowest number is the session's first.
        final: Number of the record that closed it.
        due: When missing numbers are reported, by the feed's event time.
        told: Missing numbers were reported.
        added: Number of the latest record.
    """

    name: str
    service: str
    runs: list[list[int]] = field(default_factory=list)
    begun: bool = False
    final: int | None = None
    due: int | None = None
    told: bool = False
    added: int = 0

    def add(self, number: int, quantity: int) -> bool:
        """Put a number in; tell whether it is new."""
        self.added = number
        place = 0
        while place < len(self.runs) and self.runs[place][1] < number:
            place += 1
        if place < len(self.runs) and self.runs[place][0] <= number:
            return False
        self.runs.insert(place, [number, number, quantity, quantity])
        for left in (place, place - 1):  # the later pair first, so that places stay
            if 0 <= left < len(self.runs) - 1:
                self._join(left)
        return True

    def _join(self, left: int) -> None:
        one, two = self.runs[left : left + 2]
        if one[1] + 1 == two[0]:
            self.runs[left : left + 2] = [[one[0], two[1], one[2], two[3]]]

    @property
    def plain(self) -> bool:
        """Tell whether one run says everything."""
        ends = self.final is None or self.final == self.runs[-1][1]
        return ends and len(self.runs) == 1 and not self.gaps()

    def gaps(self) -> list[tuple[Span, int]]:
        """Name missing numbers, each span with the median of its neighbours."""
        found = []
        low = self.runs[0]
        if not self.begun and low[0] > FIRST:
            found.append(((FIRST, low[0] - 1), low[2]))
        for one, two in zip(self.runs, self.runs[1:], strict=False):
            found.append(((one[1] + 1, two[0] - 1), median([one[3], two[2]])))
        return found

    def missing(self) -> Finding:
        """Report the missing numbers; without any, that they have come."""
        gaps = self.gaps()
        sizes = [last - first + 1 for (first, last), _ in gaps]
        quantity = sum(size * each for size, (_, each) in zip(sizes, gaps, strict=True))
        numbers = tuple(span for span, _ in gaps)
        return Finding(
            Fault.MISSING, self.name, self.service, numbers, sum(sizes), quantity, closed=not gaps
        )

    def after_end(self) -> Finding | None:
        """Report numbers above the final one."""
        highest = self.runs[-1][1]
        if self.final is None or highest <= self.final:
            return None
        seen = tuple(
            (max(run[0], self.final + 1), run[1]) for run in self.runs if run[1] > self.final
        )
        records = sum(last - first + 1 for first, last in seen)
        return Finding(Fault.AFTER_END, self.name, self.service, seen, records)

    def repeated(self) -> Finding:
        """Report that a number came again in another record."""
        spans = ((self.added, self.added),)
        return Finding(Fault.REPEATED, self.name, self.service, spans, 1)
