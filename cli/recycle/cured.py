"""Which suspense the catalogue in use may have cured since it was last tried."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import polars as pl

from dashboards.queries import rows
from schemas.reasons import CURED_BY_CATALOGUE, Reason
from tallywire.catalog.snapshot import Snapshot
from tallywire.mediation.resolve import IdentifierIndex
from warehouse.client import Client

_MOST = 50_000
_OF_IDENTIFIERS = frozenset({Reason.ACCOUNT_UNKNOWN.value, Reason.SUBSCRIPTION_INACTIVE.value})
_PRICED = frozenset({"normalise", "rate"})
Row = Mapping[str, Any]
Load = Callable[[str], Snapshot]


def cured(client: Client, snapshot: Snapshot, load: Load) -> list[str]:
    """Name records to try again: each at most once under one catalogue.

    A number that was unknown is looked up first; what could not be read is tried only where its
    feed is described in another way now; what had no price is tried.

    Args:
        client: Reads the store.
        snapshot: The catalogue in use.
        load: Gives another catalogue by its hash.

    Raises:
        StoreUnavailable: If the store does not answer.
    """
    asked = {
        "reasons": [reason.value for reason in CURED_BY_CATALOGUE], "catalog": snapshot.hash,
        "limit": _MOST,
    }  # fmt: skip
    found = rows(client, "suspense_curable", asked)
    parties: list[Row] = []
    others: list[Row] = []
    for row in found:
        named = row["reason"] in _OF_IDENTIFIERS and row["missing_ref"]
        (parties if named else others).append(row)
    kept = [*_known_now(parties, snapshot), *_described_anew(others, snapshot, load)]
    return sorted(row["suspense_id"] for row in kept)


def _known_now(found: Sequence[Row], snapshot: Snapshot) -> list[Row]:
    """Keep those whose served party has an account at the time of the usage."""
    if not found:
        return []
    keys = pl.Series([row["missing_ref"] for row in found], dtype=pl.String)
    moments = np.array([row["event_time"] or 0 for row in found], np.int64)
    place, _ = IdentifierIndex(snapshot.identifiers).find(keys, moments)
    return [row for row, at in zip(found, place.tolist(), strict=True) if at >= 0]


def _described_anew(found: Sequence[Row], snapshot: Snapshot, load: Load) -> list[Row]:
    """Keep what had no price, and of what could not be taken that of feeds that were changed."""
    changed: dict[tuple[str, str], bool] = {}

    def differs(feed_id: str, name: str) -> bool:
        if (feed_id, name) not in changed:
            before, now = load(name).feeds.get(feed_id), snapshot.feeds.get(feed_id)
            changed[feed_id, name] = now is not None and before != now
        return changed[feed_id, name]

    return [
        row for row in found
        if (row["stage"] in _PRICED and row["reason"] not in _OF_IDENTIFIERS)
        or differs(row["feed_id"], row["tried_under"])
    ]  # fmt: skip
