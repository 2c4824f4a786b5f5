"""The process that sends canaries while a run follows; `python -m cli.canary.follow`.

It may be killed at any instant: what it had not sent did not happen, and the next one says so.
"""

import sys
from collections.abc import Callable

from cli.following import Around, follow
from dataflows.beside import Beside, Newest
from dataflows.canaries.sender import sender_of
from dataflows.catalogs import CatalogStore
from dataflows.settings import Home, Settings
from dataflows.wall_clock import now_us
from warehouse.client import opened

CANARIES = Beside("canaries", "cli.canary.follow", lambda snapshot: bool(snapshot.canaries))


def _prepare(settings: Settings, _around: Around) -> tuple[Callable[[], str], float]:
    home = Home(settings.home)
    catalogs = CatalogStore(home.catalogs)
    newest = Newest(catalogs, catalogs.load(catalogs.current()))
    sender = sender_of(home, now_us)

    def look() -> str:
        snapshot = newest.snapshot()
        if not sender.waits(snapshot):
            return ""
        with opened(settings.store_url, home.store, database=settings.database) as client:
            sent = sender.look(client, snapshot)
        return (
            f"sent {', '.join(f'{one.canary_id} {one.sequence}' for one in sent)}" if sent else ""
        )

    return look, settings.canaries_s


if __name__ == "__main__":
    follow(sys.argv[1:], "canaries could not be sent", _prepare)
