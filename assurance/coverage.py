"""How much revenue the controls watch, by leakage area: those count that have fired lately."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal

from assurance.alerts import Control
from assurance.families import Area

_VOICE_ONLY = {"near_copy", "part_beside_whole"}
_SERVICES = {"C17": {"voice", "interconnect"}, "C20": {"cloud"}}
"""Services that controls of a number watch, where that is not all of them."""


@dataclass(frozen=True)
class Covered:
    """One leakage area.

    Attributes:
        controls: How many controls there are.
        proved: How many of them have fired lately, on a planted fault or a real one.
        revenue: Revenue of the services that a proved control watches, as far as all of it.
        share: Percent of all revenue, whole; 0 where there is none.
    """

    area: Area
    controls: int
    proved: int
    revenue: Decimal
    share: int


def coverage(
    controls: Sequence[Control], fired: Collection[str], revenue: Mapping[str, Decimal]
) -> list[Covered]:
    """Weigh every area by the revenue of the services that its proved controls watch.

    Args:
        fired: Patterns that have fired lately.
        revenue: Amount by service, one currency.
    """
    total = sum(revenue.values(), Decimal(0))
    found = []
    for area in Area:
        mine = [one for one in controls if one.family.area is area]
        proved = [one for one in mine if one.pattern in fired]
        services = {name for name in revenue for one in proved if _watches(one, name)}
        watched = sum((revenue[name] for name in sorted(services)), Decimal(0))
        share = int(100 * watched / total) if total > 0 else 0
        found.append(Covered(area, len(mine), len(proved), watched, share))
    return found


def _watches(control: Control, service: str) -> bool:
    if control.control_id in _SERVICES:
        return service in _SERVICES[control.control_id]
    return service == "voice" or control.pattern not in _VOICE_ONLY
