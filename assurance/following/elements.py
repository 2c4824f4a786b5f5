"""What usage is counted by: feeds, and what cuts across them: nodes, trunks, cells.

A node is told by the name of the file that it wrote: by the groups of the feed's `expect.sequence`,
or by what stands before the name's first long number where the catalogue says nothing.
"""

import re
from collections.abc import Iterator
from functools import lru_cache

import polars as pl

from assurance.file_numbers import numbered
from assurance.following.control import World
from assurance.following.rows import HOUR_US, hour_of
from assurance.following.totals import BUCKET, SIGN
from tallywire.calendar import local_time
from tallywire.catalog.expect import Expect
from tallywire.catalog.snapshot import Snapshot

FEED, NODE, TRUNK, CELL = "feed", "node", "trunk", "cell"
Key = tuple[str, str, str, str, str, str]
"""Kind, tenant, feed (empty for trunks and cells), service, currency, name (empty for all)."""
_OF_FEED = ("tenant_id", "feed_id", "service", "currency")
_ACROSS = ("tenant_id", "service", "currency")
_LONG_NUMBER = re.compile(r"[-_.]?[0-9]{4,}")
_MOST_CATALOGUES = 64
Counted = tuple[Key, int, int, int]
"""Key, hour by the wall clock of the operator, records, billionths of the currency."""
UTC = "UTC"


def whole_of(key: Key) -> Key:
    """Name what an element is a part of: a node of its feed, a trunk of all trunks.

    >>> whole_of(("node", "t", "switch", "voice", "EUR", "SW1"))
    ('feed', 't', 'switch', 'voice', 'EUR', '')
    """
    return (FEED if key[0] == NODE else key[0], *key[1:5], "")


def node_of(file_name: str, expect: Expect | None) -> str:
    """Name the element that wrote a file; empty where its name does not tell.

    >>> node_of("in/SW1_000017.csv", Expect(name="(?P<node>SW[0-9]+)_(?P<number>[0-9]{6})"))
    'SW1'
    >>> node_of("in/msc-2-20260105.csv", None), node_of("0001.csv", None), node_of("a.csv", None)
    ('msc-2', '', '')
    """
    if expect is not None and expect.name:
        return numbered(file_name, -1, expect)[0]
    name = file_name.rsplit("/", 1)[-1]
    found = _LONG_NUMBER.search(name)
    return name[: found.start()] if found else ""


@lru_cache(maxsize=4_096)
def ahead(hour: int, time_zone: str) -> int:
    """Give how many whole hours a wall clock is ahead in an hour since 1970, UTC.

    >>> ahead(498_000, "Europe/Oslo"), ahead(498_000, "UTC")
    (2, 0)
    """
    offset = local_time(hour * HOUR_US, time_zone).utcoffset()
    return int(offset.total_seconds()) // 3_600 if offset else 0


class Elements:
    """Counts usage by entity and hour; remembers of catalogues what it needs of them.

    Attributes:
        zones: Time zone of each tenant, by the catalogue of its newest usage.
    """

    def __init__(self, world: World) -> None:
        self._world = world
        self._known: dict[str, tuple[str, dict[str, Expect]]] = {}
        self.zones: dict[str, str] = {}

    def counted(self, rows: pl.DataFrame) -> Iterator[Counted]:
        """Give what rows add to each entity, which may occur more than once.

        Args:
            rows: Retail usage; what was taken back counts below nothing.
        """
        sums = [SIGN.sum().cast(pl.Int64).alias("records"), pl.col("amount_nano").sum()]
        hour = hour_of("start_time").alias(BUCKET)
        written = rows.group_by(
            *_OF_FEED, "catalog_hash", "file_name", hour, maintain_order=True
        ).agg(sums)
        for tenant, feed, service, money, catalog, file, at, count, nano in written.iter_rows():
            zone, expected = self._of(catalog)
            self.zones[tenant] = zone
            hour_here = at + ahead(at, zone)
            yield (FEED, tenant, feed, service, money, ""), hour_here, count, nano
            if node := node_of(file, expected.get(feed)):
                yield (NODE, tenant, feed, service, money, node), hour_here, count, nano
        trunk = pl.when(pl.col("trunk_out") != "").then("trunk_out").otherwise("trunk_in")
        for kind, named in ((TRUNK, trunk), (CELL, pl.col("cell_id"))):
            across = rows.with_columns(named.alias("name")).filter(pl.col("name") != "")
            grouped = across.group_by(*_ACROSS, "name", hour, maintain_order=True).agg(sums)
            for tenant, service, money, name, at, count, nano in grouped.iter_rows():
                hour_here = at + ahead(at, self.zones[tenant])
                yield (kind, tenant, "", service, money, ""), hour_here, count, nano
                yield (kind, tenant, "", service, money, name), hour_here, count, nano

    def _of(self, catalog_hash: str) -> tuple[str, dict[str, Expect]]:
        """Give the time zone of a catalogue, and what it expects of feeds, as far as it is had."""
        if catalog_hash not in self._known:
            if len(self._known) >= _MOST_CATALOGUES:
                self._known.clear()
            try:
                self._known[catalog_hash] = _read(self._world.snapshots(catalog_hash))
            except (LookupError, OSError):
                self._known[catalog_hash] = UTC, {}
        return self._known[catalog_hash]


def _read(snapshot: Snapshot) -> tuple[str, dict[str, Expect]]:
    return snapshot.time_zone, {name: feed.expect for name, feed in snapshot.feeds.items()}
