"""Money that is no rate: shares of an amount, and amounts in another currency."""

from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from schemas.reasons import Reason
from tallywire.calendar import local_day
from tallywire.catalog.snapshot import Price, Snapshot
from tallywire.catalog.terms import CARRIED
from tallywire.money import NANO
from tallywire.rating.rulebook.book import Found, Refusal
from tallywire.rating.rulebook.tally import Tally

_AS_IT_IS = Fraction(1)

Amounts = Mapping[str, tuple[int, str]]
"""What earlier legs of the event came to, by run: 10^-9 of a currency, and the currency."""


@dataclass(frozen=True, slots=True)
class Shared:
    """A share of an amount.

    Attributes:
        of: What the amount is: `source_amount`, or a run.
        base: The amount, in the tariff's currency.
        amount: The share of it.
    """

    of: str
    base: Fraction
    amount: Fraction


def nano_of(amount: Fraction) -> int:
    """Count an amount in whole 10^-9 of its currency; what is smaller is not counted.

    >>> nano_of(Fraction(-5, 4))
    -1250000000
    """
    return amount.numerator * NANO // amount.denominator


def exchange(snapshot: Snapshot, source: str, target: str, moment_us: int) -> Fraction | None:
    """Give the exact rate from one currency to another, or none where no rate holds.

    A table from the target to the source serves turned over.
    """
    if source == target:
        return _AS_IT_IS
    rate = _dated(snapshot, source, target, moment_us)
    if rate is not None:
        return rate
    turned = _dated(snapshot, target, source, moment_us)
    return None if turned is None else 1 / turned


def _dated(snapshot: Snapshot, source: str, target: str, moment_us: int) -> Fraction | None:
    """Give the rate that began last while it holds, in days of the wall clock."""
    found = None
    for since, rate in snapshot.fx.get((source, target), ()):
        if since <= moment_us:
            found = since, rate
    if found is None:
        return None
    since, rate = found
    days = local_day(moment_us, snapshot.time_zone) - local_day(since, snapshot.time_zone)
    return rate if days.days < snapshot.fx_days else None


def no_rate(source: str, target: str) -> Refusal:
    """Refuse for want of an exchange rate."""
    detail = f"there is no exchange rate from {source} to {target} for that day"
    return Refusal(Reason.FX_RATE_MISSING, detail, f"{source}/{target}")


def share(
    event: Mapping[str, Any], found: Found, price: Price, snapshot: Snapshot, amounts: Amounts,
    tally: Tally,
) -> Shared | Refusal | None:  # fmt: skip
    """Take the share of an amount that a price charges, if it does.

    Args:
        amounts: Earlier legs; what is read of them is told to the tally.
    """
    if price.share is None:
        return None
    currency = found.tariff.currency
    if price.share_of != CARRIED:
        leg = amounts.get(price.share_of)
        if leg is None or leg[1] != currency:
            detail = f"the leg {price.share_of} has no charge in {currency} to take a share of"
            return Refusal(Reason.AMOUNT_MISSING, detail, price.share_of)
        tally.reads["amount", price.share_of] = leg[0]
        base = Fraction(leg[0], NANO)
        return Shared(price.share_of, base, base * price.share)
    amount = carried(event, currency, snapshot, found.tariff.tariff_id)
    return amount if isinstance(amount, Refusal) else Shared(CARRIED, amount, amount * price.share)


def carried(
    event: Mapping[str, Any], currency: str, snapshot: Snapshot, tariff_id: str
) -> Fraction | Refusal:
    """Give the amount that usage carries, in a currency; why not, where it cannot be known.

    Args:
        event: Fields of UsageEvent.
        currency: The tariff's; an amount that names none is in it.
        tariff_id: What misses an amount.
    """
    if event["source_amount"] is None:
        detail = "the usage carries no amount, and its price depends on one"
        return Refusal(Reason.AMOUNT_MISSING, detail, tariff_id)
    source = event["source_currency"] or currency
    rate = exchange(snapshot, source, currency, event["start_time"])
    return no_rate(source, currency) if rate is None else Fraction(event["source_amount"]) * rate
