"""How much of some usage an amount of money still pays for: what online charging asks."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from tallywire.rating.rulebook import RETAIL, Charge, CounterKey, Refusal, Rulebook
from tallywire.rating.rulebook.tally import Series, no_series


@dataclass(frozen=True)
class Affordable:
    """What can be paid.

    Attributes:
        quantity: Base units of usage, at most what was asked for.
        charge: What that costs; none where not even a start can be paid.
    """

    quantity: int
    charge: Charge | None


def affordable(
    book: Rulebook,
    event: Mapping[str, Any],
    money: Fraction,
    used: Callable[[CounterKey], int],
    series: Series = no_series,
) -> Affordable | Refusal:
    """Find the largest quantity whose retail charge is not more than an amount.

    More usage never costs less, volume tiers apart: where a tier makes all of it cheaper, the
    answer is a quantity that can be paid, and the next larger one cannot.

    Args:
        book: Rulebook of the catalogue.
        event: Fields of UsageEvent; its quantity is the most that is asked for.
        money: What there is, in the currency of the charge.
        used: What counters hold.
        series: The points of a series.

    Returns:
        The quantity, 0 where nothing can be paid; or why the usage has no price at all.
    """

    def charge(quantity: int) -> Charge | Refusal:
        made = book.rate({**event, "quantity": quantity, "runs": RETAIL}, used, series)
        return made.charges[0] if made.charges else made.refusals[0]

    whole = charge(event["quantity"])
    if isinstance(whole, Refusal):
        return whole
    if whole.working.amount <= money:
        return Affordable(event["quantity"], whole)
    paid, low, high = None, 0, event["quantity"]
    while high - low > 1:
        middle = (low + high) // 2
        found = charge(middle)
        if isinstance(found, Charge) and found.working.amount <= money:
            low, paid = middle, found
        else:
            high = middle
    return Affordable(low, paid)
