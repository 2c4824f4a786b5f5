"""What every retail offer of the bench includes, and what it counts."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Included:
    """An allowance that every retail offer has, in a size of its own.

    Attributes:
        terms: Services, zones and priority, as an offer's file says them.
        each: What one size of it holds, in `unit`.
        base: Base units of one of these.
    """

    name: str
    scope: str
    terms: str
    each: int
    unit: str
    base: int

    def text(self, plan: int) -> str:
        """Write it as an offer's file does."""
        held = f"{size_of(plan) * self.each} {self.unit}".strip()
        return f"{{id: {self.name}, scope: {self.scope}, {self.terms}, quantity: {held}}}"


ALLOWANCES = (
    Included(
        "minutes_home", "subscription",
        "services: [voice], zones: [on_net, domestic_mobile, domestic_fixed]", 60, "min", 60 * 10**6,
    ),
    Included(
        "minutes_shared", "account", 'services: [voice, roaming_voice], priority: "1"', 30, "min",
        60 * 10**6,
    ),
    Included("messages", "subscription", "services: [sms]", 50, "", 1),
    Included("data", "subscription", "services: [data]", 1, "GB", 10**9),
    Included(
        "data_shared", "hierarchy", 'services: [data, roaming_data], priority: "1"', 2, "GB", 10**9
    ),
)  # fmt: skip
"""Those of a call overlap, and so do those of data: they are drawn in the order of priority."""

TIERS = ("voice_counted", "data_counted", "messages_counted")
"""Counters of graduated tiers, each of an account."""


def size_of(plan: int) -> int:
    """Give the size of a plan's allowances."""
    return 1 + plan % 7
