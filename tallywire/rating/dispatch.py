"""Which rater takes which rows: the only module that knows both."""

import numpy as np
import polars as pl

from schemas.columns import conform, polars_schema
from schemas.rated import RatedEvent
from tallywire.catalog.snapshot import Snapshot
from tallywire.rating.columnar import ColumnarRater, Found, Outcome
from tallywire.rating.counters import Counters
from tallywire.rating.rulebook import Charge, Rulebook

_ROW = "_row"


class Rater:
    """Rates batches under one snapshot.

    All rows of an account that touches something the columnar rater may not take go, whole and in
    order, to the rulebook; the others are charged in columns. Accounts share no counters, so the
    two halves do not meet.
    """

    def __init__(self, snapshot: Snapshot) -> None:
        self._columnar = ColumnarRater(snapshot)
        self._rulebook = Rulebook(snapshot)

    def rate(self, batch: pl.DataFrame, counters: Counters) -> Outcome:
        """Rate a batch of UsageEvent rows in their order."""
        found = self._columnar.find(batch)
        if found.takeable.all():
            return Outcome(self._columnar.charge(found, counters), found.refused)
        return self._mixed(found, counters)

    def _mixed(self, found: Found, counters: Counters) -> Outcome:
        usage = found.usage.with_row_index(_ROW)
        slow_accounts = usage.filter(pl.Series(~found.takeable))["routing_id"].unique()
        slow = usage["routing_id"].is_in(slow_accounts.implode())
        columnar = self._columnar.find(usage.filter(~slow).drop(_ROW))
        charged = self._columnar.charge(columnar, counters)
        rated = pl.concat([charged, self._by_book(usage.filter(slow).drop(_ROW), counters)])
        places = np.concatenate(
            [usage.filter(~slow)[_ROW].to_numpy(), usage.filter(slow)[_ROW].to_numpy()]
        )
        return Outcome(rated[np.argsort(places, kind="stable")], found.refused)

    def _by_book(self, usage: pl.DataFrame, counters: Counters) -> pl.DataFrame:
        rows = []
        for event in usage.iter_rows(named=True):
            charge = self._rulebook.rate(event, counters.used)
            if not isinstance(charge, Charge):
                msg = f"the raters disagree whether event {event['event_id'].hex()} has a price"
                raise AssertionError(msg)  # noqa: TRY004  a broken promise, not a wrong type
            if charge.counter is not None:
                counters.set(charge.counter, charge.used_after)
            rows.append(charge.row)
        schema = {name: polars_schema(RatedEvent)[name] for name in (rows[0] if rows else ())}
        return conform(pl.DataFrame(rows, schema=schema, orient="row"), RatedEvent)
