"""Worth of what is missing: whole billionths of a currency as an amount."""

from decimal import Decimal

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
