"""Late usage put into the order of its time by itself: looked for, read, corrected."""

import uuid
from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from cli.printed import money
from cli.rerate.marks import Stretch, read_marks, stretches, write_marks
from cli.rerate.materialise import Correction, identity, lane_names, materialised
from cli.rerate.preview import BY, preview, totals
from cli.rerate.selection import Selection
from cli.rerate.work import stale, worked
from cli.rerate.world import World
from dashboards.queries import rows
from dataflows.requests import Asked, settled
from dataflows.settings import Home
from schemas.requests import CorrectionReason
from tallywire.catalog.snapshot import Snapshot
from tallywire.rating.rerate import EVENT_TIME
from warehouse.client import Client

LATE = Correction(Selection(), CorrectionReason.LATE_USAGE, "")
"""Asks for each event by the catalogue that it was charged by, and for nothing in particular."""


@dataclass(frozen=True)
class Late:
    """What looking for late usage led to.

    Attributes:
        content: What would change, as `rerate` shows it.
        outcome: What became of the request, for each routing id.
    """

    content: dict[str, Any]
    outcome: Sequence[Mapping[str, Any]] = ()

    @property
    def written(self) -> int:
        """Rows that were written."""
        return sum(row["rows"] for row in self.outcome)


def timed(snapshot: Snapshot) -> list[str]:
    """Name the tariffs whose usage is charged in the order of its time."""
    return sorted(key for key, one in snapshot.tariffs.items() if one.order == EVENT_TIME)


def late_usage(
    client: Client, snapshot: Snapshot, tariffs: Sequence[str], stretch: Stretch
) -> dict[str, int]:
    """Ask the store for usage that stands behind usage which began later.

    Args:
        client: Reads the store.
        snapshot: The catalogue in use: months are those of its offers' time zones.
        tariffs: Whose usage.
        stretch: Where in the lanes' ledgers it is looked for.

    Returns:
        Routing ids, each with the start of the earliest such usage, microseconds UTC.

    Raises:
        StoreUnavailable: If the store does not answer.
    """
    zones = {
        key: offer.time_zone
        for key, offer in sorted(snapshot.offers.items())
        if offer.time_zone != snapshot.time_zone
    }
    asked = {
        "tariffs": list(tariffs), "lanes": list(stretch),
        "after": [after for after, _ in stretch.values()],
        "until": [until for _, until in stretch.values()],
        "offers": list(zones), "zones": list(zones.values()), "zone": snapshot.time_zone,
    }  # fmt: skip
    return {row["routing_id"]: row["first_us"] for row in rows(client, "late_usage", asked)}


@dataclass(frozen=True)
class _Work:
    """Accounts with late usage, to be read and corrected.

    Attributes:
        found: Routing ids with the start of their earliest late usage.
        parts: What each request that was read would change.
    """

    world: World
    request_id: uuid.UUID
    found: Mapping[str, int]
    dry_run: bool
    parts: list[dict[str, Any]] = field(default_factory=list)

    def read(self, only: Sequence[str] | None) -> Iterator[Asked]:
        """Read requests one after the other: those that change something, or those asked again."""
        world, chosen = self.world, set(self.found if only is None else only)
        touched = {key: first for key, first in self.found.items() if key in chosen}
        current = world.catalogs(world.store.current())[1]
        with world.way.store(world.settings) as client:
            for one in materialised(
                client, world.settings, LATE, self.request_id, world.catalogs, current, touched
            ):
                if only is None:
                    self.parts.append(preview(world, [one]))
                if only is not None or (self.parts[-1]["rows"] and not self.dry_run):
                    yield one

    def content(self) -> dict[str, Any]:
        """Tell what all requests together change, as one preview."""
        found = [row for part in self.parts for row in part["differences"]]
        return {
            "request_id": str(self.request_id),
            "dry_run": self.dry_run,
            "rows": sum(part["rows"] for part in self.parts),
            "differences": sorted(found, key=lambda row: [row[name] for name in BY]),
            "totals": totals(found),
            "refused": [row for part in self.parts for row in part["refused"]],
        }


def late_corrected(world: World, *, dry_run: bool = False) -> Late:
    """Look for late usage of tariffs in the order of event time, and correct what it changes.

    How far it was looked is kept, so that the next time only accounts with charges behind that are
    read; not where nothing may be written, or where charges kept changing.

    Raises:
        StoreUnavailable: If the store does not answer: what was put before the lanes by then stays.
    """
    settings, home = world.settings, Home(world.settings.home)
    snapshot = world.catalogs(world.store.current())[1]
    tariffs = timed(snapshot)
    entries = settled(home, lane_names(settings)) if tariffs else {}
    reached = {lane: rows[-1].position for lane, rows in entries.items() if rows}
    marks = read_marks(home, tariffs)
    found: dict[str, int] = {}
    for stretch in stretches(entries, marks):
        with world.way.store(settings) as client:
            for key, first in late_usage(client, snapshot, tariffs, stretch).items():
                found[key] = min(first, found.get(key, first))
    work = _Work(world, identity(LATE, settings), found, dry_run)
    outcome: Sequence[Mapping[str, Any]] = ()
    if found and dry_run:
        deque(work.read(None), maxlen=0)
    elif found:
        outcome = worked(settings, work.request_id, work.read, world.way)
    if tariffs and reached != marks and not dry_run and not stale(outcome):
        write_marks(home, tariffs, reached)
    return Late(work.content(), outcome)


def in_money(world: World, late: Late) -> str:
    """Say in a line what was corrected; nothing where nothing was."""
    if not late.written:
        return ""
    with world.way.store(world.settings) as client:
        sums = rows(client, "request_money", {"id": late.content["request_id"]})
    amounts = [
        f"{'+' if row['difference'] > 0 else ''}{money(row['difference'])} {row['currency']}"
        f"{' of costs' if row['is_cost'] else ''}"
        for row in sums
    ]
    accounts = sum(1 for row in late.outcome if row["rows"])
    return (
        f"late usage put into the order of its time: {', '.join(amounts)} "
        f"({late.written:,} rows, {accounts:,} {'account' if accounts == 1 else 'accounts'}, "
        f"request {late.content['request_id']})"
    )
