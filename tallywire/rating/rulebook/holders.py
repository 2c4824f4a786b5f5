"""What a snapshot knows of customers: since when a subscription is, which offers an account has."""

from functools import cached_property

import polars as pl

from tallywire.catalog.snapshot import Snapshot


class Holders:
    """Looks customers up; each table is made when it is first asked for."""

    def __init__(self, snapshot: Snapshot) -> None:
        self._identifiers = snapshot.identifiers

    @cached_property
    def _began(self) -> dict[str, int]:
        first = self._identifiers.group_by("subscription_id").agg(pl.col("valid_from_us").min())
        return dict(first.iter_rows())

    @cached_property
    def _offers(self) -> dict[str, list[tuple[str, int, int]]]:
        found: dict[str, list[tuple[str, int, int]]] = {}
        columns = ("account_id", "offer_id", "valid_from_us", "valid_to_us")
        for account, *span in self._identifiers.select(columns).unique().iter_rows():
            found.setdefault(account, []).append((span[0], span[1], span[2]))
        return found

    def began(self, subscription_id: str) -> int:
        """Give the first instant of a subscription, microseconds UTC; 0 where it always was."""
        return self._began.get(subscription_id, 0)

    def offers(self, account_id: str, moment_us: int) -> frozenset[str]:
        """Give the offers that an account's subscriptions have at an instant."""
        return frozenset(
            offer
            for offer, first, last in self._offers.get(account_id, ())
            if first <= moment_us < last
        )
