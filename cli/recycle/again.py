"""Suspense tried again by itself: when the catalogue in use knows what was missing."""

from collections.abc import Callable
from dataclasses import dataclass, field

from cli.recycle.cured import cured
from cli.recycle.requests import put_before_lanes
from cli.rerate.world import World
from cli.suspended import rows_of
from dataflows.settings import Home


@dataclass
class Recycler:
    """Looks for cured suspense, and puts it before its lanes.

    Attributes:
        tried: Records that it put before their lanes under `catalog`: none is put twice, though
            its lane may go on under an older catalogue.
    """

    world: World
    catalog: str = ""
    tried: set[str] = field(default_factory=set)

    def look(self, then: Callable[[dict[str, int]], None] = lambda _attempts: None) -> str:
        """Look once.

        Args:
            then: Called with the attempt of each record that was put before its lane.

        Returns:
            What was done, in a sentence; nothing where nothing was cured.

        Raises:
            StoreUnavailable: If the store does not answer.
        """
        world = self.world
        snapshot = world.catalogs(world.store.current())[1]
        if snapshot.hash != self.catalog:
            self.catalog, self.tried = snapshot.hash, set()
        with world.way.store(world.settings) as client:
            found = cured(client, snapshot, world.store.load)
            new = [key for key in found if key not in self.tried]
            events = rows_of(client, new) if new else []
        if not events:
            return ""
        asked = put_before_lanes(Home(world.settings.home), events)
        self.tried |= set(new)
        if not asked.attempts:
            return ""
        then(asked.attempts)
        return f"recycling {len(asked.attempts):,} records that the catalogue may have cured"
