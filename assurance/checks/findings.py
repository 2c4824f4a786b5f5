"""What a check found, as alerts: one for each cause, closed by a run that finds nothing of it."""

from collections.abc import Iterator
from dataclasses import replace
from decimal import Decimal

from assurance.alerts import Control, Worth, alert
from assurance.checks.compare import Cause, Compared, Difference
from assurance.checks.models import Check
from schemas.alerts import Alert

CONTROLS = {
    cause: Control("C5", f"check_{cause}", "leakage", "warning", "under", action)
    for cause, action in (
        (Cause.ONLY_LEFT, "do what the check says; find out why the other side lacks them"),
        (Cause.ONLY_RIGHT, "do what the check says; find out why our side lacks them"),
        (Cause.DIFFERS, "do what the check says; compare both rows of the largest"),
    )
}
"""Severity and action are those of the check."""
_LARGEST = 3


def alerts_of(check: Check, made: Compared, tenant: str, at: int) -> Iterator[Alert]:
    """Give an alert for each cause: open with what was found of it, else closed.

    Whoever stores them leaves out those that close nothing.

    Args:
        at: When it ran, microseconds UTC.
    """
    for cause in Cause:
        mine = [one for one in made.differences if one.cause is cause]
        control = replace(CONTROLS[cause], severity=check.severity, action=check.action)
        found = alert(
            control, tenant_id=tenant, feed_id="", entity=("check", check.id), episode=cause,
            at=at, explanation=_sentence(check, cause, mine, made), expected=made.matched,
            observed=len(mine), unit="rows", worth=_worth(check, mine),
            evidence=[_evidence(one) for one in _ranked(mine)], evidence_count=len(mine),
            state="open" if mine else "auto_closed",
        )  # fmt: skip
        yield found.model_copy(update={"gb941_area": check.area})


def _ranked(found: list[Difference]) -> list[Difference]:
    return sorted(found, key=lambda one: (-(one.money or Decimal(0)), one.row))


def _evidence(one: Difference) -> dict[str, str]:
    keys = ", ".join(f"{name} {value}" for name, value in one.keys.items())
    return {"place": f"row {one.row}: {keys}", "why": one.told}


def _worth(check: Check, found: list[Difference]) -> Worth:
    money = [one.money for one in found if one.money is not None]
    if check.money is None or not money:
        return Worth()
    return Worth(sum(money, Decimal(0)), check.money.currency, "compared")


def _sentence(check: Check, cause: Cause, found: list[Difference], made: Compared) -> str:
    if not found:
        return f"{check.title}: nothing of it is found any more."
    of = {
        Cause.ONLY_LEFT: f"{len(found)} of {made.left} rows of {check.left.name} are not in "
        f"{check.right.name}",
        Cause.ONLY_RIGHT: f"{len(found)} of {made.right} rows of {check.right.name} are not in "
        f"{check.left.name}",
        Cause.DIFFERS: f"{len(found)} of {made.matched} rows that are in both differ",
    }[cause]
    largest = "; ".join(_evidence(one)["place"] for one in _ranked(found)[:_LARGEST])
    return f"{check.title}: {of}. The largest: {largest}."
