"""All warnings of a catalogue that was read without problems."""

from tallywire.catalog.effective import Effective
from tallywire.catalog.lint.found import Hits, told
from tallywire.catalog.lint.groups import cliffs, uneven_groups
from tallywire.catalog.lint.prefixes import redundant, redundant_in_zones, unreachable
from tallywire.catalog.lint.revised import deletions_within, revised
from tallywire.catalog.places import Places
from tallywire.catalog.problems import Problem, at_most
from tallywire.catalog.reading import Reading
from tallywire.catalog.rules_mqtt import uncertain


def warnings(reading: Reading, hits: Hits | None = None) -> list[Problem]:
    """Find what is allowed and yet seldom meant.

    Args:
        reading: A reading without problems; one with problems has no warnings.
        hits: Usage events by tariff and prefix, where usage was given.

    Returns:
        Warnings by file and line.
    """
    entries, snapshot = reading.entries, reading.snapshot
    if snapshot is None or entries.operator is None:
        return []
    places = Places(entries)
    percent = entries.operator.value.max_change_percent
    found: list[Problem] = list(uncertain(entries.feeds))
    for plan in entries.zone_plans:
        found += at_most(redundant_in_zones(plan), "redundant prefixes")
    for _, tariff in sorted(snapshot.tariffs.items()):
        effective = Effective(tariff)
        found += redundant(effective, places)
        found += at_most(unreachable(effective, places), "unreachable prefixes")
        found += at_most(uneven_groups(effective, places), "uneven groups")
        found += at_most(cliffs(effective, places), "cliffs")
        found += revised(effective, places, percent)
        found += told(list(deletions_within(effective)), places, hits)
    return sorted(set(found))
