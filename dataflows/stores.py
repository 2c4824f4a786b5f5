"""Having a store: the configured one, one that runs already, or one of one's own."""

from collections.abc import Iterator
from contextlib import contextmanager

from dataflows.settings import Home, Settings
from warehouse.client import opened
from warehouse.configuration import ServerPlan
from warehouse.migrate import migrate
from warehouse.server import Running, find, free_port, start


@contextmanager
def store_of(settings: Settings) -> Iterator[Running | None]:
    """Have a store: the configured one, one that already runs, or one started for this time."""
    home = Home(settings.home)
    if settings.store_url or find(home.store) is not None:
        yield None
        return
    plan = ServerPlan(
        home.store.resolve(),
        settings.http_port or free_port(),
        settings.tcp_port or free_port(),
        memory_bytes=settings.store_memory_bytes,
        database=settings.database,
    )
    running = start(plan)
    try:
        yield running
    finally:
        running.stop()


def prepare_store(settings: Settings) -> list[str]:
    """Bring the store's tables to this version; give the migrations that were applied."""
    home = Home(settings.home)
    with opened(settings.store_url, home.store, role="owner") as client:
        return migrate(client, settings.database)
