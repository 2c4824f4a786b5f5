"""Prices of a rate deck's rows, compiled; each distinct text is read once, as decks repeat them."""

from collections.abc import Callable, Mapping, Sequence
from fractions import Fraction
from functools import cache

from schemas.services import Unit
from tallywire.catalog.deck import RATE
from tallywire.catalog.models import DeckEntry
from tallywire.catalog.models_terms import EVERY_BAND
from tallywire.catalog.pricing import after_free, in_units, increment_groups
from tallywire.catalog.snapshot import Group, Price

SIZES = ("increment", "initial", "subsequent", "included")
"""Columns of sizes, in seconds, octets or pieces."""

_SECOND_US = 1_000_000


def exact_rate(text: str, per: int) -> Fraction:
    """Give the price of one base unit.

    Args:
        text: Price as decimal text, without a sign.
        per: Base units that it pays for.

    >>> exact_rate("0.10", 60)
    Fraction(1, 600)
    """
    whole, _, decimals = text.partition(".")
    return Fraction(int(whole + decimals), 10 ** len(decimals) * per)


class DeckPrices:
    """Makes the prices of one deck.

    Args:
        deck: What the tariff says about the deck; lint has passed.
        unit: The service's base unit.
        bands: Bands of the tariff's calendar.
    """

    def __init__(self, deck: DeckEntry, unit: Unit, bands: Sequence[str]) -> None:
        every = EVERY_BAND in deck.columns.rate
        self._rates = tuple(RATE + (EVERY_BAND if every else band) for band in bands)
        self._deck, self._unit = deck, unit
        self._per = in_units(deck.per, unit) or 1
        self._exact: Callable[[str], Fraction] = cache(lambda text: exact_rate(text, self._per))
        self._money: Callable[[str], Fraction] = cache(Fraction)
        self._groups = cache(self._compiled)

    def price(self, row: Mapping[str, str]) -> Price:
        """Make the price of a row of money and size columns."""
        deck, money = self._deck, self._money
        most = row.get("maximum_charge")
        return Price(
            money(row["connect_fee"]) if "connect_fee" in row else deck.connect_fee,
            money(row["minimum_charge"]) if "minimum_charge" in row else deck.minimum_charge,
            self._groups(
                tuple(row[name] for name in self._rates), tuple(row.get(name) for name in SIZES)
            ),
            deck.maximum_charge if most is None else money(most),
        )

    def _size(self, text: str) -> int:
        return int(text) * (_SECOND_US if self._unit is Unit.MICROSECOND else 1)

    def _compiled(self, rates: tuple[str, ...], sizes: tuple[str | None, ...]) -> tuple[Group, ...]:
        increment, initial, subsequent, included = sizes
        first, then = increment or initial, increment or subsequent
        if first is not None and then is not None:
            start, following = self._size(first), self._size(then)
            steps = [(0, start), *([(start, following)] if start != following else [])]
        else:
            written = increment_groups(self._deck.increment, self._unit)
            steps = [(begin or 0, step or 1) for begin, step in written]
        exact = tuple(self._exact(text) for text in rates)
        groups = tuple(Group(begin, step, exact) for begin, step in steps)
        return after_free(groups, self._size(included or "0"))
