"""The working of a charge: every value on the way from usage to amount."""

from collections.abc import Iterable, Iterator, Mapping
from fractions import Fraction
from typing import Any, NamedTuple

from tallywire.rating.rulebook.allowance import Drawn
from tallywire.rating.rulebook.amounts import Shared
from tallywire.rating.rulebook.balances import Paid
from tallywire.rating.rulebook.book import Found
from tallywire.rating.rulebook.discounts import Taken
from tallywire.rating.rulebook.increments import Stretch
from tallywire.rating.rulebook.spend import Spent
from tallywire.rating.rulebook.tiers import Climb

_NOTHING = Fraction(0)


class Part(NamedTuple):
    """A stretch of usage and what a unit of it costs.

    Attributes:
        way: `quantity`, `down_octets` or `up_octets`: what is counted.
        rate: Exact price per base unit.
    """

    stretch: Stretch
    way: str
    rate: Fraction


class Counted(NamedTuple):
    """Usage, counted in steps.

    Attributes:
        used: What was used, priced units.
        quantity: Charged units.
        parts: Stretches in the order they are charged.
        timed: Whether parts have instants of their own.
    """

    used: int
    quantity: int
    parts: tuple[Part, ...]
    timed: bool


class Line(NamedTuple):
    """The price of one stretch of usage.

    Attributes:
        free: Units of it that have not the tariff's price: an allowance pays or prices them.
        amount: Exact price of the others.
    """

    part: Part
    free: int
    amount: Fraction


def price_lines(parts: Iterable[Part], free: Iterable[int]) -> Iterator[Line]:
    """Price what allowances do not cover."""
    for part, units in zip(parts, free, strict=True):
        paid = part.stretch.length - units
        yield Line(part, units, paid * part.rate if paid else _NOTHING)


class Priced(NamedTuple):
    """The price of usage, before anything is taken off.

    Attributes:
        lines: Prices of stretches.
        fee: Connection fee charged, 0 where none is.
        climb: What a price over a period adds.
        shared: A share of an amount.
    """

    lines: tuple[Line, ...]
    drawn: Drawn
    fee: Fraction
    climb: Climb | None
    shared: Shared | None

    @property
    def exact(self) -> Fraction:
        """All of it."""
        total = self.fee
        for line in self.lines:
            if line.amount:
                total = total + line.amount if total else line.amount
        for draw in self.drawn.draws:
            if draw.beyond:
                total += draw.amount
        if self.climb:
            total += self.climb.amount
        return total + self.shared.amount if self.shared else total


class Working(NamedTuple):
    """From usage to amount; money is exact, in major units.

    Attributes:
        event: Fields of UsageEvent.
        month: Billing month, YYYY-MM.
        start_band: Index of the band the usage began in.
        taken: Discounts.
        cut: What the maximum charge took off.
        raised: What the minimum charge added.
        fx: Rate from the tariff's currency to `currency`; none where both are the same.
        spent: Commitments and limits.
        currency: Of the charge.
        exact: The charge before rounding.
        amount: The charge.
        paid: What prepaid balances paid of it.
        reads: What counters held, in the order they were read.
    """

    event: Mapping[str, Any]
    found: Found
    month: str
    start_band: int
    counted: Counted
    priced: Priced
    taken: tuple[Taken, ...]
    cut: Fraction
    raised: Fraction
    fx: Fraction | None
    spent: tuple[Spent, ...]
    currency: str
    exact: Fraction
    amount: Fraction
    paid: tuple[Paid, ...]
    reads: tuple[int, ...]
