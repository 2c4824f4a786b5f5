"""What changed prices mean for everyday usage: a call of one minute, a hundred megabytes, a piece.

Samples are rated, not computed from the price: whatever a price is made of is in them.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from decimal import Decimal
from functools import cache
from typing import Any

import polars as pl

from schemas.columns import rows_to_frame
from schemas.services import Unit
from schemas.usage import UsageEvent
from tallywire.calendar import band, next_change
from tallywire.catalog.snapshot import Calendar, Offer, Snapshot, Tariff
from tallywire.money import DISPLAY_SCALE
from tallywire.rating.counters import Counters
from tallywire.rating.dispatch import Rater
from tallywire.rating.shock import EXACT, percent

QUANTITIES: Mapping[str, tuple[tuple[str, int], ...]] = {
    Unit.MICROSECOND: (("1 min", 60_000_000), ("3 min", 180_000_000)),
    Unit.OCTET: (("1 MB", 1_000_000), ("100 MB", 100_000_000)),
    Unit.COUNT: (("1 piece", 1),),
}
_LOOK_US = 400 * 86_400_000_000
"""How far bands are looked for: every weekday and a year of holidays."""


@dataclass(frozen=True)
class Sample:
    """The charge of a sample of usage under a price that is changed.

    Attributes:
        tariff_id, zone_id: Of the price.
        prefix: One of its prefixes, with which the sample was rated.
        start_us: Start of the sample: within the validity of the price, microseconds UTC.
        time_zone: Of the tariff's calendar.
        bands: Names of the bands it starts in, now and under the draft.
        usage: Its size in words.
        currency_now, currency_draft: ISO 4217 codes.
        now, draft: What it costs, rounded as the tariff says; `None` without a price.
    """

    tariff_id: str
    zone_id: str
    prefix: str
    start_us: int
    time_zone: str
    bands: tuple[str, str]
    usage: str
    currency_now: str
    currency_draft: str
    now: Decimal | None
    draft: Decimal | None

    @property
    def difference(self) -> Decimal | None:
        """Draft less now; `None` without both charges in one currency."""
        if self.now is None or self.draft is None or self.currency_now != self.currency_draft:
            return None
        return EXACT.subtract(self.draft, self.now)

    @property
    def percent(self) -> Decimal | None:
        """The change in percent; `None` without a difference, or from nothing."""
        if self.now is None or self.draft is None or self.difference is None:
            return None
        return percent(*(int(one.scaleb(DISPLAY_SCALE, EXACT)) for one in (self.now, self.draft)))


@dataclass(frozen=True)
class _Asked:
    """A sample that is to be rated.

    Attributes:
        number: Names it in both batches.
        another: The price itself changed, not only how the tariff rounds or divides time.
    """

    number: int
    another: bool
    place: tuple[Tariff, Tariff]
    zone_id: str
    prefix: str
    start_us: int
    usage: str
    quantity: int


def _terms(tariff: Tariff) -> tuple[object, ...]:
    return tariff.calendar, tariff.rounding, tariff.straddle, tariff.currency, tariff.conversion


def _prices(tariff: Tariff) -> dict[tuple[str, int], dict[str, tuple[int, int]]]:
    """Give (zone, valid from) to prefix to number of price and valid to."""
    found: dict[tuple[str, int], dict[str, tuple[int, int]]] = {}
    rows = tariff.prefixes.select("zone_id", "valid_from_us", "prefix", "price_no", "valid_to_us")
    for zone, start, prefix, number, end in rows.iter_rows():
        found.setdefault((zone, start), {})[prefix] = (number, end)
    return found


def _changed_prices(now: Tariff, draft: Tariff) -> Iterator[tuple[bool, str, str, int, int]]:
    """Give (another price, zone, prefix, valid from, valid to) once for each way of a change."""
    before, after = _prices(now), _prices(draft)
    other_terms = _terms(now) != _terms(draft)
    equal = cache(lambda old, new: now.prices[old] == draft.prices[new])
    for zone, start in sorted(before.keys() & after.keys()):
        old, new = before[zone, start], after[zone, start]
        seen: set[tuple[int, int]] = set()
        for prefix in sorted(old.keys() & new.keys()):
            numbers = (old[prefix][0], new[prefix][0])
            another = not equal(*numbers)
            if (another or other_terms) and numbers not in seen:
                seen.add(numbers)
                yield another, zone, prefix, start, min(old[prefix][1], new[prefix][1])


def _starts(now: Calendar, draft: Calendar, first: int, until: int) -> Iterator[int]:
    """Give the first instant of each pair of bands that occurs in a period."""
    moment = first
    seen: set[tuple[int, int]] = set()
    every = len(now.bands) if now == draft else len(now.bands) * len(draft.bands)
    while moment < until and len(seen) < every:
        pair = (band(now, moment), band(draft, moment))
        if pair not in seen:
            seen.add(pair)
            yield moment
        moment = min(next_change(one, moment, until) for one in (now, draft))


def _asked(now: Snapshot, draft: Snapshot) -> Iterator[_Asked]:
    number = 0
    for tariff_id in sorted(now.tariffs.keys() & draft.tariffs.keys()):
        old, new = now.tariffs[tariff_id], draft.tariffs[tariff_id]
        if (old.service, old.zone_by) != (new.service, new.zone_by):
            continue  # the same usage does not come to both
        known: dict[tuple[int, int], list[int]] = {}
        for another, zone, prefix, first, last in _changed_prices(old, new):
            period = (first, min(last, first + _LOOK_US))
            if period not in known:
                known[period] = list(_starts(old.calendar, new.calendar, *period))
            for start in known[period]:
                for usage, quantity in QUANTITIES[new.unit]:
                    yield _Asked(number, another, (old, new), zone, prefix, start, usage, quantity)
                    number += 1


def _event(asked: _Asked) -> UsageEvent:
    tariff, name = asked.place[1], f"sample-{asked.number}"
    digits: dict[str, Any] = {}
    if tariff.zone_by != "none":
        digits[tariff.zone_by] = asked.prefix
    return UsageEvent(
        record_no=asked.number, service=tariff.service, unit=tariff.unit, offer_id=tariff.tariff_id,
        account_id=name, subscription_id=name, routing_id=name, start_time=asked.start_us,
        quantity=asked.quantity, **digits,
    )  # fmt: skip


def _charges(snapshot: Snapshot, usage: pl.DataFrame) -> dict[int, tuple[str, Decimal]]:
    """Rate samples under offers of one tariff each, without allowances, discounts or partners."""
    offers = {
        name: Offer(name, {(tariff.service, "mo"): name})
        for name, tariff in snapshot.tariffs.items()
    }
    plain = replace(snapshot, offers=offers, overrides={}, partners=(), grants={})
    rated = Rater(plain).rate(usage, Counters()).rated
    rows = rated.select("record_no", "currency", "amount").iter_rows()
    return {number: (currency, amount) for number, currency, amount in rows}


def samples(now: Snapshot, draft: Snapshot) -> list[Sample]:
    """Rate samples of usage under every price that is in both catalogues and changed.

    A zone whose prefixes change in different ways has samples for each way; a price by bands of
    time has samples in each band. Where only the tariff's calendar, rounding, straddling policy,
    conversion or currency changes, samples that cost the same are left out.
    """
    asked = list(_asked(now, draft))
    usage = rows_to_frame([_event(one) for one in asked], UsageEvent)
    before, after = _charges(now, usage), _charges(draft, usage)
    return [
        _sample(one, before.get(one.number), after.get(one.number))
        for one in asked
        if one.another or before.get(one.number) != after.get(one.number)
    ]


def _sample(
    asked: _Asked, now: tuple[str, Decimal] | None, draft: tuple[str, Decimal] | None
) -> Sample:
    old, new = asked.place
    names = [
        one.calendar.bands[band(one.calendar, asked.start_us)]
        if len(one.calendar.bands) > 1
        else ""
        for one in asked.place
    ]
    return Sample(
        tariff_id=new.tariff_id, zone_id=asked.zone_id, prefix=asked.prefix,
        start_us=asked.start_us, time_zone=new.calendar.time_zone,
        bands=(names[0], names[1]), usage=asked.usage,
        currency_now=old.currency, currency_draft=new.currency,
        now=now[1] if now else None, draft=draft[1] if draft else None,
    )  # fmt: skip
