"""What a snapshot knows of customers: since when, and which offers they have."""

from functools import cached_property

import polars as pl

from tallywire.catalog.snapshot import Snapshot
from tallywire.catalog.terms import Allowance
from tallywire.rating.rulebook.tally import FIELD_OF_SCOPE


class Holders:
    """Looks customers up; each table is made when it is first asked for."""

    def __init__(self, snapshot: Snapshot) -> None:
        self._snapshot = snapshot
        self._first: dict[str, dict[tuple[str, str], int]] = {}

    @cached_property
    def _began(self) -> dict[str, int]:
        rows = self._snapshot.identifiers.group_by("subscription_id")
        return dict(rows.agg(pl.col("valid_from_us").min()).iter_rows())

    @cached_property
    def _offers(self) -> dict[str, list[tuple[str, int, int]]]:
        found: dict[str, list[tuple[str, int, int]]] = {}
        columns = ("account_id", "offer_id", "valid_from_us", "valid_to_us")
        for account, *span in self._snapshot.identifiers.select(columns).unique().iter_rows():
            found.setdefault(account, []).append((span[0], span[1], span[2]))
        return found

    @cached_property
    def _with(self) -> dict[tuple[str, str], list[str]]:
        """Offers by scope and id of the allowances they have."""
        found: dict[tuple[str, str], list[str]] = {}
        for name, offer in self._snapshot.offers.items():
            for one in offer.allowances:
                found.setdefault((one.scope, one.allowance_id), []).append(name)
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

    def since(self, allowance: Allowance, owner: str) -> int:
        """Give the first instant at which somebody had an offer with an allowance.

        Args:
            allowance: Known by its scope and id.
            owner: Who owns its counters: a subscription, an account, the top of a hierarchy.

        Returns:
            Microseconds UTC; 0 where nothing is known of the owner.
        """
        held = self._held(allowance.scope)
        offers = self._with.get((allowance.scope, allowance.allowance_id), ())
        return min((held[owner, one] for one in offers if (owner, one) in held), default=0)

    def _held(self, scope: str) -> dict[tuple[str, str], int]:
        """Give since when each owner of a scope has each offer."""
        if scope not in self._first:
            field = FIELD_OF_SCOPE[scope]
            rows = self._snapshot.identifiers.group_by(field, "offer_id")
            first = rows.agg(pl.col("valid_from_us").min())
            self._first[scope] = {(owner, offer): us for owner, offer, us in first.iter_rows()}
        return self._first[scope]
