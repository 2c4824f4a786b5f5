"""Suspense tried again by itself: when the catalogue in use knows what was missing."""

from collections.abc import Callable
from dataclasses import dataclass, field

from cli.recycle.cured import PAGE, Cure, curable
from cli.recycle.requests import put_before_lanes
from cli.rerate.world import World
from cli.suspended import rows_of
from dataflows.settings import Home
from warehouse.client import Client


@dataclass
class Recycler:
    """Looks for cured suspense, and puts it before its lanes.

    Attributes:
        cure: What the catalogue in use knows.
        tried: Records that it put before their lanes under that catalogue: none is put twice,
            though its lane may go on under an older one.
    """

    world: World
    cure: Cure | None = None
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
        if self.cure is None or snapshot.hash != self.cure.snapshot.hash:
            self.cure, self.tried = Cure(snapshot, world.store.load), set()
        with world.way.store(world.settings) as client:
            new = self._new(client, self.cure)
            events = rows_of(client, new) if new else []
        if not events:
            return ""
        asked = put_before_lanes(Home(world.settings.home), events)
        self.tried |= set(new)
        if not asked.attempts:
            return ""
        then(asked.attempts)
        return f"recycling {len(asked.attempts):,} records that the catalogue may have cured"

    def _new(self, client: Client, cure: Cure) -> list[str]:
        """Name cured records that were not put before their lanes yet, a page of them or more."""
        new: list[str] = []
        for page in curable(client, cure.snapshot.hash):
            new += [key for key in cure.among(page) if key not in self.tried]
            if len(new) >= PAGE:
                break
        return new
