"""Prices set against each other: what a minute, a megabyte or a piece costs, exactly."""

from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction

from schemas.services import Unit
from tallywire.catalog.prose import NATURAL, money_words, number_words
from tallywire.catalog.snapshot import Price, Tariff
from tallywire.money import rounded

_FIRST = {"min": ("for the first min", 1), "MB": ("for the first MB", 1), "each": ("for one", 1)}
_MUCH = {"min": ("for an hour", 60), "MB": ("for a GB", 1_000), "each": ("for 1000", 1_000)}
_ENDLESS = Fraction(10**40)
"""More percent than any two prices that can be written lie apart."""


def charge_of(price: Price, band: int, quantity: int) -> Fraction:
    """Charge one usage that lies in one band: no allowance, and before it is rounded.

    Args:
        price: A compiled price.
        band: Index into the bands of its calendar.
        quantity: Base units, more than 0.
    """
    exact, charged = price.connect_fee, 0
    for index, group in enumerate(price.groups):
        end = price.groups[index + 1].start if index + 1 < len(price.groups) else quantity
        first, last = max(group.start, charged), min(quantity, end)
        if last > first:
            counted = -((first - last) // group.increment) * group.increment
            exact += counted * group.rates[band]
            charged = first + counted
    if price.maximum_charge is not None:
        exact = min(exact, price.maximum_charge)
    return max(exact, price.minimum_charge)


def priced_unit(tariff: Tariff) -> str:
    """Name the base unit that is priced: pieces, where a tariff converts usage."""
    return Unit.COUNT.value if tariff.conversion else tariff.unit


def natural(tariff: Tariff) -> tuple[int, str]:
    """Give the quantity that prices of a tariff are said for, base units, and its name."""
    return NATURAL[Unit(priced_unit(tariff))]


def band_name(tariff: Tariff, band: int) -> str:
    """Name a band where a tariff has several: `in peak`; else nothing."""
    bands = tariff.calendar.bands
    return f" in {bands[band]}" if len(bands) > 1 else ""


@dataclass(frozen=True)
class Move:
    """How far a price moves.

    Attributes:
        what: What is compared, for people, for example `per min in peak`.
        old: Money before, in major units.
        new: Money after.
    """

    what: str
    old: Fraction
    new: Fraction

    def beyond(self, percent: Fraction) -> bool:
        """Tell whether it moves by more than a percentage of the old price; from 0 always."""
        return abs(self.new - self.old) * 100 > percent * self.old

    @property
    def size(self) -> Fraction:
        """The move in percent of the old price; where that was 0, more than any other."""
        return abs(self.new - self.old) * 100 / self.old if self.old else _ENDLESS

    def words(self, currency: str) -> str:
        """Write it: `0.10 → 0.25 EUR per min (+150 %)`."""
        by = "it was free"
        if self.old:
            percent = rounded((self.new - self.old) * 100 / self.old, mode="half_up", scale=1)
            sign = "+" if percent > 0 else "-"
            by = f"{sign}{number_words(abs(percent))} %"
        return f"{money_words(self.old)} → {money_words(self.new)} {currency} {self.what} ({by})"


def moves(old: Price, old_tariff: Tariff, new: Price, new_tariff: Tariff) -> Iterator[Move]:
    """Compare two prices in every band: the last rate, and what little and much usage costs.

    Args:
        old: A price.
        old_tariff: Its tariff: calendar and unit.
        new: Another.
        new_tariff: Its tariff; a band that the old one has not is compared with the default band.
    """
    quantity, name = natural(new_tariff)
    bands = list(_matched(old_tariff, new_tariff))
    rates = [
        (old.groups[-1].rates[other] * quantity, new.groups[-1].rates[band] * quantity)
        for band, other in bands
    ]
    yield from _by_band("each" if name == "each" else f"per {name}", "", rates, new_tariff)
    for what, pieces in (_FIRST[name], _MUCH[name]):
        used = pieces * quantity
        charges = [
            (charge_of(old, other, used), charge_of(new, band, used)) for band, other in bands
        ]
        yield from _by_band(what, ", fees included", charges, new_tariff)
    yield from _of_terms(old, old_tariff, new, new_tariff)


def _of_terms(old: Price, old_tariff: Tariff, new: Price, new_tariff: Tariff) -> Iterator[Move]:
    """Compare shares of amounts, tiers step by step, and variants with the same conditions."""
    if old.share is not None and new.share is not None:
        yield Move("of every 100 of the amount", old.share * 100, new.share * 100)
    if old.tiers is not None and new.tiers is not None:
        for number, (one, other) in enumerate(zip(old.tiers.steps, new.tiers.steps, strict=False)):
            where = f"in tier {number + 1}"
            quantity, name = natural(new_tariff) if new.tiers.measure == "sum" else (1, "unit")
            yield Move(f"per {name} {where}", one.rate * quantity, other.rate * quantity)
            yield Move(f"flat {where}", one.flat, other.flat)
    before = {variant.when: old_tariff.prices[variant.price_no] for variant in old.variants}
    for variant in new.variants:
        if variant.when in before:
            price = new_tariff.prices[variant.price_no]
            yield from moves(before[variant.when], old_tariff, price, new_tariff)


def _matched(old: Tariff, new: Tariff) -> Iterator[tuple[int, int]]:
    """Give each band of the new tariff with that of the old: by name, or the default band."""
    bands = old.calendar.bands
    for band, label in enumerate(new.calendar.bands):
        yield band, bands.index(label) if label in bands else 0


def _by_band(
    what: str, after: str, pairs: list[tuple[Fraction, Fraction]], tariff: Tariff
) -> Iterator[Move]:
    """Give a move for each band; one for all where they move alike."""
    if len(set(pairs)) == 1:
        yield Move(f"{what}{after}", *pairs[0])
        return
    for band, pair in enumerate(pairs):
        yield Move(f"{what}{band_name(tariff, band)}{after}", *pair)
