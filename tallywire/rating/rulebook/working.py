"""The working of a charge: every value on the way from usage to amount."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from tallywire.catalog.snapshot import Price
from tallywire.rating.rulebook.allowance import Draw
from tallywire.rating.rulebook.book import Found
from tallywire.rating.rulebook.increments import Stretch


@dataclass(frozen=True, slots=True)
class Line:
    """The price of one stretch of usage.

    Attributes:
        stretch: Charged units of one group in one band.
        free: Units of it that an allowance pays for: the first.
        rate: Exact price per base unit.
        amount: Exact price of the units that are not free.
    """

    stretch: Stretch
    free: int
    rate: Fraction
    amount: Fraction


def price_lines(price: Price, parts: Iterable[Stretch], covered: int) -> Iterator[Line]:
    """Price what an allowance does not cover: it covers the first units used."""
    left = covered
    for part in parts:
        free = min(left, part.length)
        left -= free
        rate = price.groups[part.group].rates[part.band]
        yield Line(part, free, rate, (part.length - free) * rate)


@dataclass(frozen=True, slots=True)
class Working:
    """From usage to amount; money is exact, in major units of the tariff's currency.

    Attributes:
        event: Fields of UsageEvent.
        month: Billing month, YYYY-MM.
        start_band: Index of the band the usage began in.
        quantity: Charged base units.
        fee: Connection fee charged, 0 where none is.
        cut: What the maximum charge took off.
        raised: What the minimum charge added.
        exact: The charge before rounding.
        amount: The charge.
    """

    event: Mapping[str, Any]
    found: Found
    month: str
    start_band: int
    timed: bool
    lines: tuple[Line, ...]
    quantity: int
    draw: Draw
    fee: Fraction
    cut: Fraction
    raised: Fraction
    exact: Fraction
    amount: Fraction
