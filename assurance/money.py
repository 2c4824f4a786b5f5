"""Worth of what is missing: whole billionths of a currency as an amount."""

from collections.abc import Iterable
from decimal import Context, Decimal

from assurance.alerts import Worth


def worth_of(nano: int | None, currency: str, method: str, count: int = 1) -> Worth:
    """Give the worth of things.

    Args:
        nano: Worth of each, billionths of the currency; none where it is not known.

    >>> worth_of(1_500_000_000, "EUR", "usual_hour_of_week", 2).amount
    Decimal('3.000000000')
    """
    if nano is None:
        return Worth()
    return Worth(Decimal(nano * count).scaleb(-9), currency, method)


_WIDE = Context(prec=60)
"""Digits of sums: more than the store keeps of any amount."""


def added(amounts: Iterable[Decimal]) -> Decimal:
    """Add amounts up without losing a digit.

    >>> added([Decimal("99999999999999999999999999999.000000001"), Decimal("0.000000002")])
    Decimal('99999999999999999999999999999.000000003')
    """
    total = Decimal(0)
    for amount in amounts:
        total = _WIDE.add(total, amount)
    return total


def expected_loss(at_risk: Decimal | None, confidence: int) -> Decimal | None:
    """Weigh money at risk with the confidence in the finding, percent; none where nothing is known.

    >>> expected_loss(Decimal("10"), 25)
    Decimal('2.50')
    """
    return None if at_risk is None else _WIDE.multiply(at_risk, Decimal(confidence).scaleb(-2))
