"""Discounts: what is taken off a charge once it has a price."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import pairwise
from typing import Any

from tallywire.calendar import period_of, whole_months
from tallywire.catalog.snapshot import Offer
from tallywire.catalog.terms import Discount
from tallywire.money import NANO
from tallywire.rating.rulebook.amounts import nano_of
from tallywire.rating.rulebook.book import Found
from tallywire.rating.rulebook.conditions import holds
from tallywire.rating.rulebook.tally import CounterKey, Tally, counter_key, holder

_HUNDRED = 100
_NOTHING = Fraction(0)


@dataclass(frozen=True, slots=True)
class Taken:
    """A discount taken.

    Attributes:
        key: Counter of what it depends on.
        before: The charge before it.
        amount: What it takes off, not negative for a charge that is not.
        counted: What its counter held, base units or 10^-9 of the currency; -1 without one.
        period: Period of that counter.
    """

    discount: Discount
    key: CounterKey
    before: Fraction
    amount: Fraction
    counted: int
    period: str


class Discounts:
    """Finds and takes the discounts of an offer.

    Args:
        began: Gives the first instant of a subscription, 0 where it always was.
        offers: Gives the offers that an account holds at an instant.
    """

    def __init__(
        self, began: Callable[[str], int], offers: Callable[[str, int], frozenset[str]]
    ) -> None:
        self._began, self._offers = began, offers

    def take(
        self, event: Mapping[str, Any], found: Found, exact: Fraction, units: int, tally: Tally
    ) -> tuple[Taken, ...]:
        """Take discount after discount, each off what the one before left; a partner has none.

        Args:
            event: Fields of UsageEvent.
            found: Where the price was found.
            exact: The charge so far.
            units: Charged units that no allowance pays for.
            tally: Counters of what discounts depend on; usage is counted here, spend where
                charges are rounded.
        """
        taken = []
        for discount in found.offer.discounts:
            if self._applies(discount, event, found):
                one = _one(discount, event, found.offer, exact, units, tally)
                exact = exact - one.amount if one.amount else exact
                taken.append(one)
        return tuple(taken)

    def _applies(self, discount: Discount, event: Mapping[str, Any], found: Found) -> bool:
        start = event["start_time"]
        return (
            (not discount.services or event["service"] in discount.services)
            and (not discount.zones or found.entry.zone_id in discount.zones)
            and discount.valid_from_us <= start < discount.valid_to_us
            and discount.currency in {"", found.tariff.currency}
            and holds(discount.when, event, found.tariff)
            and self._tenure(discount, event, found.offer)
            and (
                not discount.requires
                or bool(discount.requires & self._offers(event["account_id"], start))
            )
        )

    def _tenure(self, discount: Discount, event: Mapping[str, Any], offer: Offer) -> bool:
        if not discount.tenure_from and discount.tenure_to is None:
            return True
        began = self._began(event["subscription_id"])
        months = whole_months(began, event["start_time"], offer.time_zone)
        most = discount.tenure_to
        return discount.tenure_from <= months and (most is None or months < most)


def _one(
    discount: Discount, event: Mapping[str, Any], offer: Offer, exact: Fraction, units: int,
    tally: Tally,
) -> Taken:  # fmt: skip
    period = period_of(event["start_time"], offer.time_zone, discount.period)
    owner = holder(event, discount.scope)
    key = counter_key("discount", discount.scope, owner, discount.discount_id, period)
    if discount.amount is not None:
        held = tally.used(key)
        left = Fraction(int(discount.amount * NANO) - held, NANO)
        off = max(_NOTHING, min(exact, left))
        tally.write(key, held + nano_of(off))
        return Taken(discount, key, exact, off, held, period)
    if not discount.measure:
        return Taken(discount, key, exact, exact * discount.steps[0].percent / _HUNDRED, -1, period)
    held = tally.used(key)
    if discount.measure == "usage":
        tally.write(key, held + units)
        size, base = Fraction(units), Fraction(held)
    else:
        size, base = exact, Fraction(held, NANO)
    percent = _part(discount, base, size)
    amount = exact * percent / _HUNDRED if percent else _NOTHING
    return Taken(discount, key, exact, amount, held, period)


def _part(discount: Discount, base: Fraction, size: Fraction) -> Fraction:
    """Average the percentages over what is counted from `base` on, in proportion."""
    scale = NANO if discount.measure == "spend" else 1
    starts = [Fraction(step.start, scale) for step in discount.steps]
    here = _reached(starts, base)
    if here + 1 == len(starts) or base + size <= starts[here + 1]:
        return discount.steps[here].percent
    total = _NOTHING
    for step, (start, end) in zip(discount.steps, pairwise([*starts, base + size]), strict=True):
        total += step.percent * max(_NOTHING, min(end, base + size) - max(start, base))
    return total / size


def _reached(starts: Sequence[Fraction], base: Fraction) -> int:
    return max(number for number, start in enumerate(starts) if number == 0 or start <= base)
