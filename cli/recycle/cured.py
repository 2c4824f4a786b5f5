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
from warehouse.client import Client

PAGE = 50_000
_OF_IDENTIFIERS = frozenset({Reason.ACCOUNT_UNKNOWN.value, Reason.SUBSCRIPTION_INACTIVE.value})
_PRICED = frozenset({"normalise", "rate"})
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

    def among(self, page: Sequence[Row]) -> list[str]:
        """Name the records of a page to try again.

        A number that was unknown is looked up first; what could not be read is tried only where
        its feed is described in another way now; what had no price is tried.
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
        keys = pl.Series([row["missing_ref"] for row in found], dtype=pl.String)
        moments = np.array([row["event_time"] or 0 for row in found], np.int64)
        place, _ = self._identifiers.find(keys, moments)
        return [row for row, at in zip(found, place.tolist(), strict=True) if at >= 0]

    def _may_be_taken(self, row: Row) -> bool:
        """Tell whether a record had no price, or could not be taken as its feed was described."""
        if row["stage"] in _PRICED and row["reason"] not in _OF_IDENTIFIERS:
            return True
        asked = row["feed_id"], row["tried_under"]
        if asked not in self._changed:
            before = self.load(row["tried_under"]).feeds.get(row["feed_id"])
            now = self.snapshot.feeds.get(row["feed_id"])
            self._changed[asked] = now is not None and before != now
        return self._changed[asked]
