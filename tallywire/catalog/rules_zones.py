"""Zone plans: every prefix in one zone."""

from collections.abc import Iterator

from tallywire.catalog.entries import Entries, Placed, Result
from tallywire.catalog.models import ZonePlan
from tallywire.catalog.problems import Problem


def _plan(placed: Placed[ZonePlan]) -> Iterator[Problem]:
    zones: set[str] = set()
    owner: dict[str, str] = {}
    if not placed.value.zones:
        yield placed.problem(("zones",), "has no zone; write at least one")
    for number, zone in enumerate(placed.value.zones):
        path = ("zones", number)
        if zone.id in zones:
            yield placed.problem((*path, "id"), f"the zone {zone.id!r} is given twice in this plan")
        zones.add(zone.id)
        if not zone.prefixes:
            yield placed.problem((*path, "prefixes"), "has no prefix; write digits, or any")
        for index, prefix in enumerate(zone.prefixes):
            if prefix in owner:
                text = (
                    f"the prefix {prefix or 'any'} is already in zone {owner[prefix]!r}; keep one"
                )
                yield placed.problem((*path, "prefixes", index), text)
            owner.setdefault(prefix, zone.id)


def zone_plans(entries: Entries) -> Result:
    """Check every zone plan."""
    return entries, [problem for one in entries.zone_plans for problem in _plan(one)]
