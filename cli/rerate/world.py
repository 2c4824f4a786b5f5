"""What a correction is worked with: settings, catalogues, the way to the store and to the lanes."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

from cli.reading import reader
from cli.rerate.lanes import by_a_run
from dataflows.catalogs import CatalogStore
from dataflows.settings import Home, Settings
from dataflows.shares import check_whole
from tallywire.rating.dispatch import Rater
from tallywire.rating.in_order import Catalogs
from warehouse.client import Client


@dataclass(frozen=True)
class Way:
    """How the store is read, and how lanes come to work what is put before them.

    Attributes:
        store: Opens the store for reading.
        lanes: Gives the lanes a while to work; called again and again until they have.
    """

    store: Callable[[Settings], AbstractContextManager[Client]] = reader
    lanes: Callable[[Settings], None] = by_a_run


@dataclass(frozen=True)
class World:
    """What a correction is worked with."""

    settings: Settings
    catalogs: Catalogs
    store: CatalogStore
    way: Way = field(default_factory=Way)


def world_of(settings: Settings, way: Way | None = None) -> World:
    """Open the archive of catalogues.

    Raises:
        GroupsWrong: If the home owns a share of the lanes: the ledgers of others are not here.
    """
    check_whole(Home(settings.home))
    store = CatalogStore(Home(settings.home).catalogs)

    @lru_cache(maxsize=8)
    def catalogs(name: str) -> tuple[Rater, Any]:
        snapshot = store.load(name)
        return Rater(snapshot), snapshot

    return World(settings, catalogs, store, way or Way())
