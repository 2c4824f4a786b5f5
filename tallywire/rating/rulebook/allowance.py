"""Allowances: included usage pays for the first units charged, until it is used up."""

from collections.abc import Callable
from dataclasses import dataclass

from tallywire.catalog.snapshot import Allowance, Offer

CounterKey = tuple[str, str, str]
"""Subscription, allowance, billing month: what a counter of used base units belongs to."""


@dataclass(frozen=True, slots=True)
class Draw:
    """What an allowance pays for: the first `covered` base units charged.

    Attributes:
        allowance: The allowance, `None` where none matches.
        counter: Its counter, `None` without one.
        used: What the counter held before, base units.
        before: What was left before; -1 without an allowance.
        covered: What it pays for now.
    """

    allowance: Allowance | None
    counter: CounterKey | None
    used: int
    before: int
    covered: int

    @property
    def after(self) -> int:
        """What is left, base units; -1 without an allowance."""
        return self.before - self.covered


NO_DRAW = Draw(None, None, 0, -1, 0)


def matching(offer: Offer, service: str, zone_id: str) -> Allowance | None:
    """Find the first allowance of an offer that pays for a service in a zone."""
    for allowance in offer.allowances:
        if service in allowance.services and (not allowance.zones or zone_id in allowance.zones):
            return allowance
    return None


def draw(
    allowance: Allowance | None,
    quantity: int,
    subscription_id: str,
    month: str,
    used: Callable[[CounterKey], int],
) -> Draw:
    """Draw what is left of an allowance, at most the charged quantity.

    Args:
        allowance: The allowance that matches, if any.
        quantity: Charged base units.
        subscription_id: Whose counter it is.
        month: Billing month, YYYY-MM.
        used: What a counter holds, base units.
    """
    if allowance is None:
        return NO_DRAW
    counter = (subscription_id, allowance.allowance_id, month)
    held = used(counter)
    left = max(0, allowance.quantity - held)
    return Draw(allowance, counter, held, left, min(quantity, left))
