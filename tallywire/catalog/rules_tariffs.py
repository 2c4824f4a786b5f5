"""Tariffs: known zones and bands, prices in the service's unit, groups that ascend."""

from collections.abc import Iterator, Sequence
from itertools import pairwise

from schemas.services import Unit
from tallywire.catalog.compile_prices import priced_unit
from tallywire.catalog.entries import Entries, Placed, Result, unit_of
from tallywire.catalog.models import PriceEntry, RevisionEntry, TariffEntry, ZonePlan
from tallywire.catalog.models_terms import EVERY_BAND, UplinkEntry
from tallywire.catalog.pricing import (
    HasGroups,
    Written,
    has_other_price,
    in_units,
    written_groups,
)
from tallywire.catalog.pricing_terms import compiled_tiers, conditions
from tallywire.catalog.problems import Problem
from tallywire.catalog.yaml_text import Path

ONE_BAND = ("standard",)
"""Bands of a tariff without calendar."""

_EXAMPLE = {Unit.MICROSECOND: "60s", Unit.OCTET: "1 MB", Unit.COUNT: "1"}
Found = Iterator[tuple[Path, str]]


def bands_of(entries: Entries, tariff: TariffEntry) -> Sequence[str]:
    """Give the bands of a tariff's calendar."""
    calendar = entries.calendar(tariff.calendar)
    return calendar.bands if calendar else ONE_BAND


def _rates(one: Written, bands: Sequence[str] | None) -> Found:
    path = (*one.path, "rate")
    if bands is None or EVERY_BAND in one.rates:
        return
    for band in one.rates:
        if band not in bands:
            text = f"{band!r} is not a band of the calendar: {', '.join(bands)}"
            yield (*path, band), text
    for band in one.bands or bands:
        if band not in one.rates:
            yield path, f"has no rate for the band {band!r}; add it"


def _sizes(one: Written, unit: Unit, step_key: str) -> Found:
    example = _EXAMPLE[unit]
    for key, size in ((step_key, one.step), ("per", one.per)):
        if size is None:
            yield (*one.path, key), f"is missing or not in {unit}s; write for example {example}"
        elif size == 0:
            yield (*one.path, key), f"must be greater than 0; write for example {example}"


def _by_band(groups: Sequence[Written], bands: Sequence[str]) -> Found:
    """Check groups that are for some bands only: each band has groups of its own, from 0 on."""
    for one in groups:
        if not one.bands:
            yield (*one.path, "bands"), "is missing where other groups name bands; name its bands"
        for band in one.bands:
            if band not in bands:
                text = f"{band!r} is not a band of the calendar: {', '.join(bands)}"
                yield (*one.path, "bands"), text
    for band in bands:
        own = [one for one in groups if band in one.bands]
        if not own:
            yield ("groups",), f"no group is for the band {band!r}; write one"
        yield from _order(own) if own else ()


def _order(groups: Sequence[Written]) -> Found:
    if groups[0].start != 0:
        yield (*groups[0].path, "from"), "the first group must begin at 0"
    for before, one in pairwise(groups):
        if one.start is None:
            yield (*one.path, "from"), "is not in the unit of the service"
        elif before.start is not None and one.start <= before.start:
            yield (*one.path, "from"), "must be greater than that of the group above it"


def price_faults(price: PriceEntry, unit: Unit, bands: Sequence[str] | None) -> Found:
    """Find what is wrong in a price: (path within the price, message)."""
    if price.groups and (price.rate or price.per or price.increment):
        yield ("groups",), "stands beside rate, per or increment; write one or the other"
        return
    if not price.groups and price.rate is None and not has_other_price(price):
        yield (), "has neither rate nor groups; write rate, per and increment"
        return
    yield from _other_prices(price, unit)
    yield from conditions(price.when, price.origins)[1]
    if price.uplink is not None:
        yield from _uplink(price.uplink, unit, bands)
    if price.maximum_charge is not None and price.maximum_charge < price.minimum_charge:
        yield ("maximum_charge",), "is less than the minimum charge; correct one of them"
    if price.free is not None and in_units(price.free, unit) is None:
        yield ("free",), f"is not in {unit}s; write for example {_EXAMPLE[unit]}"
    if price.free is not None and any(one.bands for one in price.groups):
        yield ("free",), "stands beside groups of some bands; write a group at rate 0 instead"
    yield from _groups(price, unit, bands)


def _groups(price: HasGroups, unit: Unit, bands: Sequence[str] | None) -> Found:
    groups = written_groups(price, unit)
    banded = any(one.bands for one in groups)
    if banded and bands is not None:
        yield from _by_band(groups, bands)
    elif price.groups and not banded:
        yield from _order(groups)
    for one in groups if price.groups else groups[:1]:
        yield from _rates(one, bands)
        yield from _sizes(one, unit, "step" if price.groups else "increment")
    if not price.groups and len(groups) > 1 and not groups[1].step:
        yield ("increment",), f"must be two sizes greater than 0, in {unit}s"


def _uplink(price: UplinkEntry, unit: Unit, bands: Sequence[str] | None) -> Found:
    if unit != Unit.OCTET:
        yield ("uplink",), "only octets are sent and received; remove it"
    elif bool(price.groups) == (price.rate is not None):
        yield ("uplink",), "needs either groups, or rate, per and increment"
    else:
        for path, text in _groups(price, unit, bands):
            yield ("uplink", *path), text


def _other_prices(price: PriceEntry, unit: Unit) -> Found:
    if price.tiers is not None:
        for path, text in compiled_tiers(price.tiers, unit, "")[1]:
            yield ("tiers", *path), text
        if price.minimum_charge or price.maximum_charge is not None:
            text = (
                "an event's minimum or maximum would undo what tiers add; limit the spend instead"
            )
            yield ("tiers",), text
    if price.percent is not None and price.multiplier is not None:
        yield ("multiplier",), "stands beside percent; write one of them"
    if price.of is not None and price.percent is None and price.multiplier is None:
        yield ("of",), "is written with percent or multiplier"


def _by_bands(price: PriceEntry) -> bool:
    sent = price.uplink.groups if price.uplink is not None else ()
    return any(one.bands for one in (*price.groups, *sent))


class _Tariffs:
    """Looks references up while tariffs are checked."""

    def __init__(self, entries: Entries) -> None:
        self.entries = entries
        self.plans = {one.value.id: one.value for one in entries.zone_plans}
        self.known_plans = entries.known("zones", entries.zone_plans)
        self.known_calendars = entries.known("calendars", entries.calendars)

    def tariff(self, placed: Placed[TariffEntry]) -> Iterator[Problem]:
        tariff = placed.value
        calendar = tariff.calendar
        if calendar is not None and calendar not in self.known_calendars:
            text = f"there is no calendar {calendar!r}; add it or correct the id"
            yield placed.problem(("calendar",), text)
        for path, text in self._origins(tariff):
            yield placed.problem(path, text)
        sound = calendar is None or self.entries.calendar(calendar) is not None
        bands = bands_of(self.entries, tariff) if sound else None
        for number, revision in enumerate(tariff.revisions):
            for path, text in self._revision(tariff, revision, bands):
                yield placed.problem(("revisions", number, *path), text)

    def _origins(self, tariff: TariffEntry) -> Found:
        if tariff.convert and unit_of(tariff.service) == Unit.MICROSECOND:
            yield ("convert",), "time is counted by increments; remove it"
        if tariff.convert and not tariff.convert.multiply * tariff.convert.divide:
            yield ("convert",), "multiply and divide must be more than 0"
        if tariff.origins is not None and tariff.origins not in self.known_plans:
            text = f"there is no zone plan {tariff.origins!r}; add it or correct the id"
            yield ("origins",), text
        plan = self.plans.get(tariff.origins or "")
        zones = {zone.id for zone in plan.zones} if plan else None
        for number, revision in enumerate(tariff.revisions):
            for index, price in enumerate(revision.prices):
                for place, name in enumerate(price.origins):
                    path = ("revisions", number, "prices", index, "from", place)
                    if tariff.origins is None:
                        yield path, "the tariff has no origins: name the zone plan of callers"
                    elif zones is not None and name not in zones:
                        yield path, f"there is no zone {name!r} in the plan {tariff.origins!r}"

    def _revision(
        self, tariff: TariffEntry, revision: RevisionEntry, bands: Sequence[str] | None
    ) -> Found:
        unit = priced_unit(tariff, unit_of(tariff.service))
        if bool(revision.prices) == (revision.deck is not None):
            yield (), "needs either prices or a deck"
        for index, price in enumerate(revision.prices):
            for path, text in price_faults(price, unit, bands):
                yield ("prices", index, *path), text
            if tariff.straddle != "start_band" and _by_bands(price):
                text = "groups of some bands need the tariff's straddle to be start_band"
                yield ("prices", index, "groups"), text
        if tariff.zone_by == "none":
            yield from self._single(revision)
        elif revision.prices:
            yield from self._zoned(revision)

    def _single(self, revision: RevisionEntry) -> Found:
        if revision.zones or revision.deck:
            yield (), "zone_by is none: no zones and no deck can apply; remove them"
        asked = [_asked(price) for price in revision.prices]
        for index, one in enumerate(asked):
            if one in asked[:index]:
                text = (
                    "zone_by is none: two prices apply to the same usage; tell them apart by when"
                )
                yield ("prices", index), text
        for index, price in enumerate(revision.prices):
            if price.zone is not None:
                yield ("prices", index, "zone"), "zone_by is none: remove the zone"

    def _zoned(self, revision: RevisionEntry) -> Found:
        if revision.zones is None:
            yield ("zones",), "is missing: name the zone plan whose zones are priced"
            return
        if revision.zones not in self.known_plans:
            text = f"there is no zone plan {revision.zones!r}; add it or correct the id"
            yield ("zones",), text
        plan = self.plans.get(revision.zones)
        if plan is not None:
            yield from _coverage(revision, plan)


def _asked(price: PriceEntry) -> object:
    """Give the conditions of a price, to compare."""
    return (frozenset((field, frozenset(values)) for field, values in price.when.items()),
            frozenset(price.origins))  # fmt: skip


def _coverage(revision: RevisionEntry, plan: ZonePlan) -> Found:
    zones = {zone.id for zone in plan.zones}
    priced: set[str] = set()
    seen: set[tuple[str | None, object]] = set()
    for index, price in enumerate(revision.prices):
        path = ("prices", index, "zone")
        if price.zone is None:
            yield path, "is missing; name the zone"
        elif price.zone not in zones:
            yield path, f"there is no zone {price.zone!r} in the plan {plan.id!r}"
        elif (price.zone, _asked(price)) in seen:
            yield path, f"the zone {price.zone!r} is priced twice; keep one, or tell them apart"
        seen.add((price.zone, _asked(price)))
        priced.add(price.zone or "")
    for index, name in enumerate(revision.unpriced):
        if name not in zones or name in priced:
            text = f"{name!r} is no zone of the plan, or has a price; remove it here"
            yield ("unpriced", index), text
    if not priced <= zones:
        return  # the zone that is misspelt would be reported again, as unpriced
    for name in sorted(zones - priced - set(revision.unpriced)):
        text = f"has no price for the zone {name!r}; add one, or list the zone in unpriced"
        yield ("prices",), text


def tariffs(entries: Entries) -> Result:
    """Check every tariff."""
    checker = _Tariffs(entries)
    return entries, [problem for one in entries.tariffs for problem in checker.tariff(one)]
