"""A tariff that sells beside one that buys: where usage is sold for less than it costs."""

from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from functools import cache

from tallywire.catalog.comparing import band_name, charge_of, natural, priced_unit
from tallywire.catalog.effective import Effective
from tallywire.catalog.places import Places, Row, first_rows
from tallywire.catalog.problems import Problem, at_most
from tallywire.catalog.prose import (
    date_words,
    money_words,
    prefix_words,
    quantity_words,
)
from tallywire.catalog.snapshot import Price, Tariff

COST, UNCOMPARED = "cheaper_than_cost", "not_compared"
_DIGITS = "0123456789"


@dataclass(frozen=True)
class Loss:
    """Usage that is sold for less than it costs.

    Attributes:
        retail: Row of the tariff that sells.
        cost: Row of the tariff that buys.
        prefixes: The longest prefixes on either side for which the two rows meet.
        moment_us: First instant at which they do, microseconds UTC.
        band: Index of the band of the tariff that sells.
        cost_band: Index of the band of the tariff that buys.
        quantity: Usage, base units.
        earns: What it is sold for, exactly, before rounding.
        costs: What it costs, exactly, before rounding.
    """

    retail: Row
    cost: Row
    prefixes: tuple[str, ...]
    moment_us: int
    band: int
    cost_band: int
    quantity: int
    earns: Fraction
    costs: Fraction


@dataclass(frozen=True)
class Comparison:
    """What came of comparing two tariffs.

    Attributes:
        losses: The worst of every pair of prices that loses, by retail row, then cost row.
        note: Why they cannot be compared; empty where they were.
    """

    losses: tuple[Loss, ...]
    note: str = ""


def _note(retail: Tariff, cost: Tariff) -> str:
    if retail.currency != cost.currency:
        return f"{retail.currency} and {cost.currency} are not compared without a rate of exchange"
    if retail.unit != cost.unit:
        return f"one is counted in {retail.unit}s, the other in {cost.unit}s"
    if retail.conversion != cost.conversion:
        return "they convert usage into other units"
    if "none" not in {retail.zone_by, cost.zone_by} and retail.zone_by != cost.zone_by:
        return f"one has prefixes of the {retail.zone_by}, the other of the {cost.zone_by}"
    return ""


def _band_pairs(retail: Tariff, cost: Tariff) -> list[tuple[int, int]]:
    """Give the bands that may meet: the same ones of one calendar, else every pair."""
    if retail.calendar == cost.calendar:
        return [(band, band) for band in range(len(retail.calendar.bands))]
    return [
        (band, other)
        for band in range(len(retail.calendar.bands))
        for other in range(len(cost.calendar.bands))
    ]


def _meetings(retail: Effective, cost: Effective) -> Iterator[tuple[str, int, Row, Row]]:
    """Give the prefixes of both sides, and the rows that decide there, at each instant of change.

    A prefix stands for the numbers that have no longer prefix on either side.
    """
    prefixes = sorted(retail.by_prefix.keys() | cost.by_prefix.keys())
    start, end = max(retail.start, cost.start), min(retail.end, cost.end)
    for prefix in prefixes:
        moments = {start}
        for side in (retail, cost):
            moments |= set(side.changes(prefix, start, end))
        for moment in sorted(moments):
            sells, buys = retail.at(prefix, moment), cost.at(prefix, moment)
            if sells and buys and not _divided(prefix, moment, retail, cost):
                yield prefix, moment, sells, buys


def _divided(prefix: str, moment: int, retail: Effective, cost: Effective) -> bool:
    """Tell whether ten longer prefixes, on either side, take every number of a prefix."""
    return all(
        retail.exactly(prefix + digit, moment) or cost.exactly(prefix + digit, moment)
        for digit in _DIGITS
    )


def cheaper_than_cost(retail: Tariff, cost: Tariff) -> Comparison:
    """Find where a tariff sells for less than another tariff costs.

    Numbers are compared by the longest prefix on either side, in every band, at one first
    increment of the tariff that sells and at one minute, megabyte or piece. Allowances and
    discounts are left out of account, on both sides.

    Args:
        retail: The tariff that sells.
        cost: The tariff that buys.
    """
    note = _note(retail, cost)
    if note:
        return Comparison((), note)
    bands = _band_pairs(retail, cost)
    usual, _ = natural(retail)

    @cache
    def worst(sold: int, bought: int) -> tuple[Fraction, int, int, int, Fraction, Fraction] | None:
        price, paid = retail.prices[sold], cost.prices[bought]
        if not (_alone(price) and _alone(paid)):
            return None
        found = list(_losing(price, paid, bands, usual))
        return max(found) if found else None

    sells, buys = Effective(retail), Effective(cost)
    met: dict[tuple[Row, Row], tuple[int, list[str]]] = {}
    for prefix, moment, row, other in _meetings(sells, buys):
        if worst(row.price_no, other.price_no) is not None:
            met.setdefault((row, other), (moment, []))[1].append(prefix)
    losses = []
    for (row, other), (moment, prefixes) in sorted(met.items()):
        found = worst(row.price_no, other.price_no)
        assert found is not None  # noqa: S101  only losing pairs were kept
        _, band, cost_band, quantity, earns, costs = found
        names = tuple(dict.fromkeys(prefixes))
        losses.append(Loss(row, other, names, moment, band, cost_band, quantity, earns, costs))
    return Comparison(tuple(losses))


def _alone(price: Price) -> bool:
    """Tell whether usage has this one price, whatever was used before, sent, or carried."""
    return not (
        price.tiers or price.uplink or price.variants or price.only_variants
        or price.share is not None
    )  # fmt: skip


def _losing(
    price: Price, paid: Price, bands: list[tuple[int, int]], usual: int
) -> Iterator[tuple[Fraction, int, int, int, Fraction, Fraction]]:
    for quantity in sorted({price.groups[0].increment, usual}):
        for band, other in bands:
            earns, costs = charge_of(price, band, quantity), charge_of(paid, other, quantity)
            if earns < costs:
                yield costs - earns, band, other, quantity, earns, costs


def cost_warnings(retail: Tariff, cost: Tariff, places: Places) -> list[Problem]:
    """Tell where a tariff sells for less than another costs, one finding for each retail price.

    Args:
        retail: The tariff that sells.
        cost: The tariff that buys.
        places: Where the prices of the tariff that sells were written.
    """
    comparison = cheaper_than_cost(retail, cost)
    if comparison.note:
        first = Effective(retail).rows[0]
        text = f"not compared with {cost.tariff_id}: {comparison.note}"
        return [places.problem(retail.tariff_id, first, text, UNCOMPARED)]
    merged: dict[tuple[object, ...], list[Loss]] = {}
    for loss in comparison.losses:
        key = (loss.retail.zone_id, loss.retail.price_no, loss.cost.price_no, loss.moment_us)
        merged.setdefault(key, []).append(loss)
    found = [_told(retail, cost, losses, places) for losses in merged.values()]
    return [*at_most(found, "prices below cost"), *_left_out(retail, cost, places)]


def _left_out(retail: Tariff, cost: Tariff, places: Places) -> Iterator[Problem]:
    """Say once for each tariff that some of its prices were not compared."""
    for tariff in (retail, cost):
        for number, row in first_rows(tariff).items():
            price = tariff.prices[number]
            unpriced = price.only_variants and not price.variants
            if not _alone(price) and not unpriced:
                text = (
                    "not compared: this price, and perhaps others of the tariff, depends on tiers, "
                    "attributes, amounts or the direction of octets"
                )
                yield places.problem(tariff.tariff_id, row, text, UNCOMPARED)
                break


def _band_words(tariff: Tariff, row: Row, band: int) -> str:
    """Name a band where the price is not the same in all of them."""
    groups = tariff.prices[row.price_no].groups
    return "" if all(len(set(group.rates)) == 1 for group in groups) else band_name(tariff, band)


def _told(retail: Tariff, cost: Tariff, losses: list[Loss], places: Places) -> Problem:
    loss = losses[0]
    prefixes = sorted({prefix for one in losses for prefix in one.prefixes})
    since = date_words(loss.moment_us, retail.calendar.time_zone)
    used = quantity_words(loss.quantity, priced_unit(retail))
    text = (
        f"{used}{_band_words(retail, loss.retail, loss.band)} to "
        f"{prefix_words(prefixes)} is sold for {money_words(loss.earns)} and costs "
        f"{money_words(loss.costs)} {retail.currency} by {cost.tariff_id} "
        f"{loss.cost.zone_id}{_band_words(cost, loss.cost, loss.cost_band)}"
        f"{f', from {since} on' if since else ''}"
    )
    return places.problem(retail.tariff_id, loss.retail, text, COST)
