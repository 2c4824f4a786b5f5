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
    quantity, name = NATURAL[Unit(new_tariff.unit)]
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
