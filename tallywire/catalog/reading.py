"""Read a catalogue: files in, a snapshot or all its problems out."""

from collections.abc import Mapping
from dataclasses import dataclass

from tallywire.catalog.compile_snapshot import compile_snapshot
from tallywire.catalog.deck import decks
from tallywire.catalog.entries import Entries, Pass
from tallywire.catalog.holdings import holdings
from tallywire.catalog.places import Places
from tallywire.catalog.problems import Problem
from tallywire.catalog.reference_tables import reference
from tallywire.catalog.rules_accounts import hierarchy, subscriptions
from tallywire.catalog.rules_assertions import assertions
from tallywire.catalog.rules_calendars import calendars
from tallywire.catalog.rules_canaries import canaries
from tallywire.catalog.rules_feed_rules import feed_rules
from tallywire.catalog.rules_feeds import HasOptions, feeds
from tallywire.catalog.rules_ids import unique_ids
from tallywire.catalog.rules_offers import offers, plans
from tallywire.catalog.rules_overflow import overflow
from tallywire.catalog.rules_partner_tiers import partner_tiers
from tallywire.catalog.rules_partners import overrides, partners
from tallywire.catalog.rules_revisions import revisions
from tallywire.catalog.rules_shared import counters, shares
from tallywire.catalog.rules_tariffs import tariffs
from tallywire.catalog.rules_terms import terms
from tallywire.catalog.rules_zones import zone_plans
from tallywire.catalog.snapshot import Snapshot
from tallywire.catalog.sources import load
from tallywire.catalog.tables_money import exchange, top_ups


@dataclass(frozen=True)
class Reading:
    """What came of reading a catalogue.

    Attributes:
        snapshot: The compiled catalogue; none where there are problems.
        problems: Everything to correct, by file and line.
        entries: What was read, with its places: what warnings and assertions are found in.
    """

    snapshot: Snapshot | None
    problems: list[Problem]
    entries: Entries


def passes(files: Mapping[str, bytes], formats: Mapping[str, HasOptions]) -> tuple[Pass, ...]:
    """Give the lint passes in their order: decks before offers, holdings before accounts.

    Reference tables come after holdings, which name partners, and before the feeds that use them.
    """
    return (
        unique_ids,
        calendars,
        zone_plans,
        revisions,
        decks(files),
        tariffs,
        plans,
        offers,
        terms,
        partners,
        overrides,
        counters,
        shares,
        partner_tiers,
        top_ups,
        exchange,
        feeds(formats),
        holdings,
        reference,
        feed_rules,
        hierarchy,
        subscriptions,
        assertions,
        canaries,
    )


def read(files: Mapping[str, bytes], formats: Mapping[str, HasOptions]) -> Reading:
    """Read, check and compile a catalogue. Pure; never raises for what the files say.

    Args:
        files: File name within the catalogue folder (`/` between parts) to bytes.
        formats: Usage formats by name, whose models validate the feeds' options.

    Returns:
        The snapshot, or all problems at once.
    """
    entries, problems = load(files)
    for check in passes(files, formats):
        entries, found = check(entries)
        problems += found
    if problems:
        return Reading(None, sorted(set(problems)), entries)
    snapshot = compile_snapshot(entries, files)
    problems = overflow(snapshot, Places(entries))
    return Reading(None if problems else snapshot, sorted(set(problems)), entries)
