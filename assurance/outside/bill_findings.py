"""C20: what a provider bills otherwise than was rated, as findings."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal

from assurance.alerts import Control, Worth, alert
from assurance.outside.bill import Cause, Gap
from schemas.alerts import Alert

_ACTIONS = {
    Cause.NO_CUSTOMER: "find out whose resource it is: bill the customer, or have it stopped",
    Cause.NEVER_RATED: "have its usage sent to the feed, rate it, and bill the customer",
    Cause.QUANTITY: "compare both sides of the days; rate what is missing, or dispute the rest",
    Cause.PRICE: "compare the price with what was agreed; dispute the bill, or change the resale "
    "price",
}
CONTROLS = {
    cause: Control("C20", f"provider_{cause}", "leakage", "warning", "under", action)
    for cause, action in _ACTIONS.items()
}
CRITICAL = Decimal("0.005")
"""Share of the bill's cost above which what differs for one cause is critical."""
_NANO = Decimal("0.000000001")
_WORDS = {
    Cause.NO_CUSTOMER: "no customer of the catalogue pays for it",
    Cause.NEVER_RATED: "nothing of it was rated in all this time",
    Cause.QUANTITY: "{rated} were rated",
    Cause.PRICE: "at another price than was agreed, or than the other lines have",
}


def told(
    gaps: Sequence[Gap], cost: Mapping[str, Decimal], tenant_id: str,
    midnight: Callable[[date], int], at: int,
) -> Iterator[Alert]:  # fmt: skip
    """Tell every gap; all of a cause are critical where together they are above the share.

    Args:
        cost: Of the whole bill, by currency.
        midnight: Gives the beginning of a day, microseconds UTC.
    """
    sums: dict[tuple[Cause, str], Decimal] = {}
    for one in gaps:
        key = one.cause, one.currency
        sums[key] = sums.get(key, Decimal(0)) + one.money
    for one in gaps:
        critical = sums[one.cause, one.currency] > CRITICAL * abs(cost[one.currency])
        control = replace(
            CONTROLS[one.cause], severity="critical" if critical else "warning",
            direction="under" if one.more else "over",
        )  # fmt: skip
        yield _alert(control, one, tenant_id, midnight, at)


def _alert(
    control: Control, one: Gap, tenant_id: str, midnight: Callable[[date], int], at: int
) -> Alert:
    first, last = one.days[0], one.days[-1]
    when = f"on {first}" if first == last else f"on {len(one.days)} days from {first} to {last}"
    rest = _WORDS[one.cause].format(rated=f"{one.rated.normalize():f}")
    text = (
        f"The bill has {one.billed.normalize():f} of {one.sku} for {one.customer} {when}; {rest}."
    )
    return alert(
        control, tenant_id=tenant_id, feed_id="",
        entity=("resource", f"{one.customer}/{one.sku}"), episode=f"{first:%Y-%m}", at=at,
        explanation=text, expected=len(one.days), observed=len(one.days), unit="days",
        worth=Worth(one.money.quantize(_NANO), one.currency, "provider_cost"),
        evidence=[{"place": f"{day}", "why": one.cause} for day in one.days[:50]],
        evidence_count=len(one.days),
        window=(midnight(first), midnight(last + timedelta(days=1))),
    )  # fmt: skip
