"""Counters as one leg of one event sees them: read through, written aside until it is charged."""

from collections.abc import Callable, Mapping

CounterKey = tuple[str, ...]
"""What a counter belongs to. Subscription, allowance, billing month for a plain allowance;
otherwise kind, scope, holder, name, period."""

Point = tuple[int, int, int]
"""A measured value or instant, the number of the event in its series, and a level from then on."""
MEASURED = "measured"
"""Last part of the key of what a series came to: no counter holds it."""
CARRIED = -(2**31)
"""Number of the first point that a series begins with, of what went on from an earlier period: it
stands before any event of its instant. Where that is corrected the next number follows."""
FIELD_OF_SCOPE = {
    "subscription": "subscription_id", "account": "account_id", "hierarchy": "routing_id",
}  # fmt: skip
"""The field of usage that owns the counters of a scope."""
Series = Callable[[CounterKey], tuple[Point, ...]]


def no_series(_key: CounterKey) -> tuple[Point, ...]:
    """Hold nothing, whatever is asked for."""
    return ()


class Tally:
    """What is read of the counters, and what will be written.

    Args:
        used: Gives what a counter holds; 0 where nothing was counted.
        series: Gives the points that a series holds, ascending.

    Attributes:
        reads: What counters held when they were first read, in that order.
        writes: What they hold now.
        points: Points added to series.
    """

    def __init__(self, used: Callable[[CounterKey], int], series: Series = no_series) -> None:
        self._used, self._series = used, series
        self.reads: dict[CounterKey, int] = {}
        self.writes: dict[CounterKey, int] = {}
        self.points: dict[CounterKey, list[Point]] = {}

    def used(self, key: CounterKey) -> int:
        """Read a counter."""
        if key in self.writes:
            return self.writes[key]
        if key not in self.reads:
            self.reads[key] = self._used(key)
        return self.reads[key]

    def write(self, key: CounterKey, value: int) -> None:
        """Write a counter."""
        self.writes[key] = value

    def series(self, key: CounterKey) -> tuple[Point, ...]:
        """Read a series: its points, ascending."""
        return tuple(sorted([*self._series(key), *self.points.get(key, ())]))

    def add(self, key: CounterKey, point: Point) -> None:
        """Add a point to a series."""
        self.points.setdefault(key, []).append(point)

    def measured(self, key: CounterKey, measure: Callable[[], int]) -> int:
        """Measure a series, and remember it as read."""
        self.reads[*key, MEASURED] = found = measure()
        return found

    def take(
        self, writes: Mapping[CounterKey, int], points: Mapping[CounterKey, list[Point]]
    ) -> None:
        """Take over what a leg wrote."""
        self.writes.update(writes)
        for key, added in points.items():
            self.points.setdefault(key, []).extend(added)


def holder(event: Mapping[str, str], scope: str) -> str:
    """Name who owns the counters of a scope: the subscription, its account, or the top of all."""
    return event[FIELD_OF_SCOPE[scope]]


def counter_key(kind: str, scope: str, owner: str, name: str, period: str) -> CounterKey:
    """Name a counter."""
    return (kind, scope, owner, name, period)
