"""Allowances: included usage pays for the first units charged, bucket after bucket."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from fractions import Fraction
from typing import Any, NamedTuple

from tallywire.calendar import period_end, period_of, periods_before
from tallywire.catalog.snapshot import Offer, Snapshot, Tariff
from tallywire.catalog.terms import Allowance
from tallywire.rating.rulebook.conditions import holds
from tallywire.rating.rulebook.increments import Stretch
from tallywire.rating.rulebook.tally import CounterKey, Tally, counter_key, holder


class Bucket(NamedTuple):
    """Included units that one counter counts.

    Attributes:
        key: Its counter.
        limit: Base units it holds in all.
        carried: Part of `limit` that earlier periods left.
        period: Name of the period, or of the grant.
        expires_us: When it ends, microseconds UTC.
        granted: It is a top-up.
    """

    allowance: Allowance
    key: CounterKey
    limit: int
    carried: int
    period: str
    expires_us: int
    granted: bool = False


class Draw(NamedTuple):
    """What a bucket pays for: the first `covered` base units that are left when it is its turn.

    Attributes:
        before: What was left before.
        covered: What it pays for now.
        beyond: Units beyond a fair-use quantity, charged at the allowance's own price.
    """

    bucket: Bucket
    before: int
    covered: int
    beyond: int = 0

    @property
    def after(self) -> int:
        """What is left, base units."""
        return self.before - self.covered

    @property
    def amount(self) -> Fraction:
        """What the units beyond cost."""
        return self.beyond * (self.bucket.allowance.overage or Fraction(0))


class Drawn(NamedTuple):
    """What all buckets pay for.

    Attributes:
        draws: Buckets that were asked, in that order.
        free: Units of each stretch that have not the tariff's price: paid, or beyond fair use.
        covered: Included units.
        beyond: Units beyond fair use.
    """

    draws: tuple[Draw, ...]
    free: tuple[int, ...]
    covered: int
    beyond: int


class Allowances:
    """Finds the buckets of usage in one snapshot.

    Args:
        snapshot: Has the grants.
        since: Gives the first instant at which the owner of an allowance's counters had it, 0
            where it always had.
    """

    def __init__(self, snapshot: Snapshot, since: Callable[[Allowance, str], int]) -> None:
        self._snapshot, self._since = snapshot, since

    def draw(
        self, event: Mapping[str, Any], offer: Offer, tariff: Tariff, zone_id: str,
        parts: Sequence[Stretch], tally: Tally,
    ) -> Drawn:  # fmt: skip
        """Draw from bucket after bucket until nothing is left to pay for.

        The first bucket is asked even for nothing, so that a charge tells what is left.
        """
        left = [part.length for part in parts]
        draws: list[Draw] = []
        buckets = self._buckets(event, offer, tariff, zone_id, tally)
        last = {bucket.allowance.allowance_id: bucket for bucket in buckets}
        for bucket in buckets:
            if draws and not any(left):
                break
            allowance = bucket.allowance
            wanted = _wanted(allowance, tariff.calendar.bands, parts, left)
            asked, held = sum(wanted), tally.used(bucket.key)
            before = max(0, bucket.limit - held)
            covered = min(before, asked)
            tally.write(bucket.key, held + covered)
            fair = allowance.overage is not None and last[allowance.allowance_id] is bucket
            beyond = asked - covered if fair else 0
            if covered or beyond:
                left = list(_taken(left, wanted, covered + beyond))
            draws.append(Draw(bucket, before, covered, beyond))
        free = tuple(part.length - units for part, units in zip(parts, left, strict=True))
        return Drawn(
            tuple(draws), free, sum(one.covered for one in draws), sum(one.beyond for one in draws)
        )

    def _buckets(
        self, event: Mapping[str, Any], offer: Offer, tariff: Tariff, zone_id: str, tally: Tally
    ) -> list[Bucket]:
        found = [
            bucket
            for allowance in offer.allowances
            if _pays(allowance, event, tariff, zone_id)
            for bucket in self._of(allowance, event, offer.time_zone, tally)
        ]
        if len(found) > 1:
            found.sort(key=lambda one: (one.allowance.priority, one.expires_us))
        return found

    def _of(
        self, allowance: Allowance, event: Mapping[str, Any], time_zone: str, tally: Tally
    ) -> Iterator[Bucket]:
        start, owner = event["start_time"], holder(event, allowance.scope)
        if allowance.quantity or not allowance.topped_up:
            period = period_of(start, time_zone, allowance.period)
            carried = self._carried(allowance, event, time_zone, tally)
            ends = min(period_end(start, time_zone, allowance.period), allowance.valid_to_us)
            yield Bucket(
                allowance, allowance_key(allowance, owner, period), allowance.quantity + carried,
                carried, period, ends,
            )  # fmt: skip
        place = (allowance.scope, owner, allowance.allowance_id)
        for grant in self._snapshot.grants.get(place, ()) if allowance.topped_up else ():
            if grant.valid_from_us <= start < grant.valid_to_us:
                name = grant.grant_id
                key = counter_key("grant", *place, name)
                ends = min(grant.valid_to_us, allowance.valid_to_us)
                yield Bucket(allowance, key, grant.quantity, 0, name, ends, granted=True)

    def _carried(
        self, allowance: Allowance, event: Mapping[str, Any], time_zone: str, tally: Tally
    ) -> int:
        """Add up what earlier periods left, oldest first, each at most the cap."""
        rollover = allowance.rollover
        if rollover is None:
            return 0
        start, owner = event["start_time"], holder(event, allowance.scope)
        since = max(self._since(allowance, owner), allowance.valid_from_us)
        first = period_of(since, time_zone, allowance.period)
        carried = 0
        names = periods_before(start, time_zone, allowance.period, rollover.periods)
        for period in reversed(names):
            if period >= first:
                held = tally.used(allowance_key(allowance, owner, period))
                carried = min(rollover.cap, max(0, allowance.quantity + carried - held))
        return carried


def allowance_key(allowance: Allowance, owner: str, period: str) -> CounterKey:
    """Name the counter of an allowance in a period."""
    if allowance.scope == "subscription":
        return (owner, allowance.allowance_id, period)
    return counter_key("allowance", allowance.scope, owner, allowance.allowance_id, period)


def _pays(allowance: Allowance, event: Mapping[str, Any], tariff: Tariff, zone_id: str) -> bool:
    return (
        event["service"] in allowance.services
        and (not allowance.zones or zone_id in allowance.zones)
        and allowance.valid_from_us <= event["start_time"] < allowance.valid_to_us
        and holds(allowance.when, event, tariff)
    )


def _wanted(
    allowance: Allowance, bands: Sequence[str], parts: Sequence[Stretch], left: Sequence[int]
) -> Sequence[int]:
    """Give the units of each stretch that an allowance may pay for."""
    if not allowance.bands:
        return left
    return [
        units if bands[part.band] in allowance.bands else 0
        for part, units in zip(parts, left, strict=True)
    ]


def _taken(left: Sequence[int], wanted: Sequence[int], units: int) -> Iterator[int]:
    """Take units from the front of what was wanted."""
    for have, asked in zip(left, wanted, strict=True):
        part = min(asked, units)
        units -= part
        yield have - part
