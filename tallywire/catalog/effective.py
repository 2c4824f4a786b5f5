"""What a number costs when: the longest prefix that holds, over all the dates of a tariff."""

from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import replace

from tallywire.catalog.places import Row, rows_of
from tallywire.catalog.snapshot import Price, Tariff
from tallywire.catalog.terms import Condition

Sense = tuple[Price, tuple[tuple[tuple[Condition, ...], Price], ...]]
"""A price, and the prices of its variants: not where in its tariff they stand."""


def sense(tariff: Tariff, price: Price) -> Sense:
    """Give what a price means, wherever it stands."""
    variants = tuple((one.when, tariff.prices[one.price_no]) for one in price.variants)
    return (replace(price, variants=()) if variants else price), variants


class Effective:
    """The prefixes of a tariff by their digits, and when each holds."""

    def __init__(self, tariff: Tariff) -> None:
        self.tariff = tariff
        self.rows = rows_of(tariff)
        self.by_prefix: dict[str, list[Row]] = {}
        for row in self.rows:
            self.by_prefix.setdefault(row.prefix, []).append(row)
        first: dict[Sense, int] = {}
        self._senses = [sense(tariff, price) for price in tariff.prices]
        self._same = [first.setdefault(one, number) for number, one in enumerate(self._senses)]
        self.sorted = sorted(self.by_prefix)
        self.revisions = sorted({row.revision for row in self.rows})
        self.start = min((row.valid_from_us for row in self.rows), default=0)
        self.end = max((row.valid_to_us for row in self.rows), default=0)

    def price(self, row: Row) -> Price:
        """Give what a row costs."""
        return self.tariff.prices[row.price_no]

    def alike(self, one: Row, other: Row) -> bool:
        """Tell whether two rows cost the same."""
        return self._same[one.price_no] == self._same[other.price_no]

    def sense(self, row: Row) -> Sense:
        """Give what a row costs, so that it may be compared with a row of another tariff."""
        return self._senses[row.price_no]

    def exactly(self, prefix: str, moment_us: int) -> Row | None:
        """Find the row of this very prefix that holds at an instant."""
        for row in self.by_prefix.get(prefix, ()):
            if row.valid_from_us <= moment_us < row.valid_to_us:
                return row
        return None

    def at(self, digits: str, moment_us: int) -> Row | None:
        """Find the longest prefix of some digits that holds at an instant."""
        for length in range(len(digits), -1, -1):
            row = self.exactly(digits[:length], moment_us)
            if row is not None:
                return row
        return None

    def longer(self, prefix: str) -> list[str]:
        """Give the prefixes that begin with a prefix and go on."""
        first = bisect_right(self.sorted, prefix)
        last = bisect_right(self.sorted, prefix + "~")  # after every digit
        return self.sorted[first:last]

    def parent(self, row: Row, moment_us: int) -> Row | None:
        """Find what a number of a row would match without it."""
        return self.at(row.prefix[:-1], moment_us) if row.prefix else None

    def changes(self, digits: str, start_us: int, end_us: int) -> Iterator[int]:
        """Give the instants after `start_us`, before `end_us`, at which a prefix of digits changes.

        Args:
            digits: Digits whose prefixes are asked for.
            start_us: Microseconds UTC.
            end_us: Microseconds UTC.
        """
        for length in range(len(digits) + 1):
            for row in self.by_prefix.get(digits[:length], ()):
                for moment in (row.valid_from_us, row.valid_to_us):
                    if start_us < moment < end_us:
                        yield moment
