"""What a feed usually brings: records and their worth, by the hour of the week.

An observation is a file of a feed of whole files, and an hour of event time of any other. Money is
what records are worth at the median prices of their services: an estimate that needs nothing but
the catalogue, so that the same input has the same worth for ever.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from fractions import Fraction
from typing import Any, Self

from tallywire.calendar import local_time
from tallywire.catalog.snapshot import Feed, Snapshot
from tallywire.worth import typical

HOUR_US = 3_600_000_000
SAME_HOUR, ANY_HOUR = "usual_hour_of_week", "usual_any_hour"
NANO = 1_000_000_000
MOST = 2**62
"""A greater number is held as this one: it fits into 64 bits."""
_KEPT = 8
"""So many observations of each hour of the week are kept: two months of weeks."""


@dataclass(frozen=True)
class Each:
    """What one missing thing stands for.

    Attributes:
        records: How many records; 0 where nothing is known.
        nano: What they are worth, in billionths of the currency; none where not known.
    """

    records: int = 0
    nano: int | None = None
    currency: str = ""
    method: str = "none"


@dataclass
class Counting:
    """An observation that is still added up: records, and base units by service."""

    records: int = 0
    quantities: dict[str, int] = field(default_factory=dict)

    def add(self, records: int, quantities: Mapping[str, int]) -> None:
        """Add records."""
        self.records += records
        for service, quantity in quantities.items():
            self.quantities[service] = min(self.quantities.get(service, 0) + quantity, MOST)


@dataclass
class Usual:
    """Observations of a feed.

    Attributes:
        hours: Hour of the week to [records, worth in nano] of its newest observations.
        hour: The hour since 1970 that is being added up, of feeds that are observed by the hour.
    """

    hours: dict[str, list[list[int]]] = field(default_factory=dict)
    hour: int = 0
    counting: Counting = field(default_factory=Counting)

    def dump(self) -> dict[str, Any]:
        """Give it as plain values."""
        return asdict(self)

    @classmethod
    def load(cls, content: dict[str, Any]) -> Self:
        """Read it back."""
        return cls(**{**content, "counting": Counting(**content["counting"])})

    def observe(self, counted: Counting, moment_us: int, feed: Feed, snapshot: Snapshot) -> None:
        """Add an observation of an instant."""
        worth = 0
        currency = _currency(feed, snapshot)
        for service, quantity in counted.quantities.items():
            rate, priced_in = snapshot.typical_rates.get(service, (Fraction(0), ""))
            if priced_in == currency:
                worth += int(rate * quantity * NANO)
        kept = self.hours.setdefault(_hour_of_week(moment_us, feed.time_zone), [])
        kept.append([min(counted.records, MOST), min(worth, MOST)])
        del kept[:-_KEPT]

    def reach(self, moment_us: int, feed: Feed, snapshot: Snapshot) -> None:
        """End the hour that is added up, where the feed's event time has left it."""
        hour = moment_us // HOUR_US
        if hour > self.hour:
            if self.counting.records:
                self.observe(self.counting, self.hour * HOUR_US, feed, snapshot)
            self.hour, self.counting = hour, Counting()

    def each(self, moment_us: int, feed: Feed, snapshot: Snapshot) -> Each:
        """Tell what one observation usually comes to: medians of the same hour of the week.

        Where nothing was seen of that hour, of all hours.
        """
        same = self.hours.get(_hour_of_week(moment_us, feed.time_zone), [])
        seen = same or [one for hour in sorted(self.hours) for one in self.hours[hour]]
        if not seen:
            return Each()
        method = SAME_HOUR if same else ANY_HOUR
        records, worth = (_median([one[place] for one in seen]) for place in (0, 1))
        currency = _currency(feed, snapshot)
        return Each(records, worth if currency else None, currency, method if currency else "none")

    def record(self, moment_us: int, feed: Feed, snapshot: Snapshot) -> Each:
        """Tell what one record is usually worth; where nothing was seen yet, by the catalogue."""
        usual = self.each(moment_us, feed, snapshot)
        if usual.records and usual.nano is not None:
            return replace(usual, records=1, nano=usual.nano // usual.records)
        amount, currency, method = typical(feed.feed_id, snapshot)
        return Each(1, None if amount is None else int(amount * NANO), currency, method)


def _currency(feed: Feed, snapshot: Snapshot) -> str:
    """Give the currency of the feed's worth: that of its service's prices."""
    return snapshot.typical_rates.get(feed.service, (0, snapshot.currency))[1]


def _hour_of_week(moment_us: int, time_zone: str) -> str:
    local = local_time(moment_us, time_zone)
    return str(24 * local.weekday() + local.hour)


def _median(numbers: list[int]) -> int:
    """Give the lower median."""
    return sorted(numbers)[(len(numbers) - 1) // 2]
