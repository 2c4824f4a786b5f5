"""`--topics-only`: usage that is taken must not lie where no other machine collects it."""

from collections.abc import Callable

from dataflows.catalogs import CatalogStore
from dataflows.ingest.log import IngestMisuse
from dataflows.settings import Home, Settings
from tallywire.catalog.feed import Feed


def check_topics(settings: Settings, takes: Callable[[Feed], object]) -> None:
    """Make sure that no feed's usage would lie on this machine's disk.

    Args:
        takes: Tells whether a feed is served.

    Raises:
        IngestMisuse: If that of one would.
    """
    catalogs = CatalogStore(Home(settings.home).catalogs)
    feeds = catalogs.load(catalogs.current()).feeds
    local = sorted(name for name, feed in feeds.items() if takes(feed) and not feed.topic)
    if local:
        msg = (
            f"usage of {', '.join(local)} would lie on this machine's disk, where no other machine "
            "collects it: give each a `topic`, or serve without --topics-only"
        )
        raise IngestMisuse(msg)
