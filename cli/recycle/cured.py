"""Which suspense the catalogue in use may have cured since it was last tried."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
import polars as pl

from dashboards.queries import rows
from schemas.reasons import CURED_BY_CATALOGUE, Reason
from tallywire.catalog.snapshot import Snapshot
from tallywire.mediation.resolve import IdentifierIndex
from tallywire.reference import ReferenceTable
from warehouse.client import Client

PAGE = 50_000
_OF_IDENTIFIERS = frozenset({Reason.ACCOUNT_UNKNOWN.value, Reason.SUBSCRIPTION_INACTIVE.value})
_PRICED = frozenset({"normalise", "rate"})
_DIALLED_BY = "trunks"
"""This table says by which rules numbers were dialled, whatever a feed looks up."""
Row = Mapping[str, Any]
Load = Callable[[str], Snapshot]


def curable(client: Client, catalog: str) -> Iterator[list[Row]]:
    """Read the open suspense that a catalogue may cure, in pages in the order of ids.

    Args:
        client: Reads the store.
        catalog: Hash of the catalogue in use; what was tried under it is left out.

    Raises:
        StoreUnavailable: If the store does not answer.
    """
    asked = {
        "reasons": [reason.value for reason in CURED_BY_CATALOGUE], "catalog": catalog,
        "limit": PAGE, "after": "",
    }  # fmt: skip
    while page := rows(client, "suspense_curable", asked):
        yield list(page)
        asked["after"] = page[-1]["suspense_id"]


@dataclass(frozen=True)
class Cure:
    """What one catalogue knows that earlier ones did not.

    Attributes:
        snapshot: The catalogue in use.
        load: Gives another catalogue by its hash.
    """

    snapshot: Snapshot
    load: Load
    _changed: dict[tuple[str, str], bool] = field(default_factory=dict)
    _tables: dict[tuple[str, str], bool] = field(default_factory=dict)

    def among(self, page: Sequence[Row]) -> list[str]:
        """Name the records of a page to try again.

        A number that was unknown is looked up first, and tried as well where its feed, or a table
        that the feed looks things up in, is another now: an alias may lead to an account. What
        could not be read is tried only where its feed is described in another way now; what had
        no price, or lacked a row of a table, is tried.
        """
        parties: list[Row] = []
        others: list[Row] = []
        for row in page:
            named = row["reason"] in _OF_IDENTIFIERS and row["missing_ref"]
            (parties if named else others).append(row)
        kept = [*self._known_now(parties), *filter(self._may_be_taken, others)]
        return sorted(row["suspense_id"] for row in kept)

    @cached_property
    def _identifiers(self) -> IdentifierIndex:
        return IdentifierIndex(self.snapshot.identifiers)

    def _known_now(self, found: Sequence[Row]) -> list[Row]:
        """Keep those whose served party has an account at the time of the usage."""
        if not found:
            return []
        learned = [row for row in found if self._learned(row)]
        found = [row for row in found if not self._learned(row)]
        keys = pl.Series([row["missing_ref"] for row in found], dtype=pl.String)
        moments = np.array([row["event_time"] or 0 for row in found], np.int64)
        place, _ = self._identifiers.find(keys, moments)
        return [*learned, *(row for row, at in zip(found, place.tolist(), strict=True) if at >= 0)]

    def _may_be_taken(self, row: Row) -> bool:
        """Tell whether a record had no price, or could not be taken as its feed was described."""
        if row["stage"] in _PRICED and row["reason"] not in _OF_IDENTIFIERS:
            return True
        return self._described_anew(row)

    def _described_anew(self, row: Row) -> bool:
        """Tell whether a record's feed is described in another way than when it was tried."""
        asked = row["feed_id"], row["tried_under"]
        if asked not in self._changed:
            before = self.load(row["tried_under"]).feeds.get(row["feed_id"])
            now = self.snapshot.feeds.get(row["feed_id"])
            self._changed[asked] = now is not None and before != now
        return self._changed[asked]

    def _learned(self, row: Row) -> bool:
        """Tell whether a record's number may be read as another one than when it was tried."""
        return self._described_anew(row) or self._other_tables(row)

    def _other_tables(self, row: Row) -> bool:
        """Tell whether a table that a record's feed looks things up in has other rows now."""
        asked = row["feed_id"], row["tried_under"]
        if asked not in self._tables:
            feed = self.snapshot.feeds.get(row["feed_id"])
            names = {one.table for one in feed.enrichments} | {_DIALLED_BY} if feed else set()
            before, now = self.load(row["tried_under"]).reference, self.snapshot.reference
            self._tables[asked] = any(_differ(before.get(one), now.get(one)) for one in names)
        return self._tables[asked]


def _differ(before: ReferenceTable | None, now: ReferenceTable | None) -> bool:
    if before is None or now is None:
        return before is not now
    return before.keys != now.keys or not before.rows.equals(now.rows)
