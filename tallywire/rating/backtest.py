"""Usage rated under two catalogues: what a draft would change, in money, where and for whom.

`Backtest.take` is a fold over batches of usage in their order; what it keeps grows with accounts,
services and prices, never with events. Every sum is of rounded charges, exact, per currency.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import polars as pl

from tallywire.catalog.snapshot import Snapshot
from tallywire.mediation.normalise import resolve
from tallywire.mediation.resolve import IdentifierIndex
from tallywire.rating.close import closing_charges, held_in
from tallywire.rating.counters import Counters
from tallywire.rating.dispatch import Rater
from tallywire.rating.periods import usage_months

MONEY = pl.Decimal(38, 9)
_EVENT = "record_no"
"""Numbers the events of one batch; nothing that is rated depends on it."""
_LEG = (_EVENT, "run")
_CHARGE = (*_LEG, "side", "currency", "service", "tariff_id", "zone_id", "offer_id", "amount")
_HOLDER = ("account_id", "subscription_id", "offer_id", "routing_id")
_PLACE = ("tariff_id", "zone_id", "offer_id", "account_id")
_ZERO = pl.lit(0).cast(MONEY)
_PIECE = 100_000
_NO_REFUSALS = pl.DataFrame(schema={_EVENT: pl.Int64(), "run": pl.String(), "reason": pl.String()})


@dataclass(frozen=True)
class Side:
    """What one catalogue makes of a batch.

    Attributes:
        charges: One row for each event and leg: columns of `_CHARGE`, and `account_id` of who
            pays or is paid, the partner of a leg that has one.
        refused: `record_no`, `run` and `reason` of events, or single legs, without a price.
    """

    charges: pl.DataFrame
    refused: pl.DataFrame


class Under:
    """Usage as one catalogue takes it: its accounts, prices and allowances, at first untouched.

    Args:
        snapshot: The catalogue.
    """

    def __init__(self, snapshot: Snapshot) -> None:
        self.snapshot = snapshot
        self._rater = Rater(snapshot)
        self._index = IdentifierIndex(snapshot.identifiers)
        self._counters = Counters()

    def rate(self, usage: pl.DataFrame) -> Side:
        """Rate a batch of UsageEvent rows, numbered by `record_no`, in their order."""
        placed, lost = self._placed(usage)
        outcome = self._rater.rate(placed, self._counters)
        self._counters.changes()  # nobody journals them: let them go
        who = pl.when(pl.col("party_id") != "").then("party_id").otherwise("account_id")
        charges = outcome.rated.select(*_CHARGE, who.alias("account_id"))
        refused = pl.concat([one.select(*_LEG, "reason") for one in (lost, outcome.refused)])
        return Side(charges, refused)

    def close(self, month: str) -> pl.DataFrame:
        """Charge what a month leaves to be charged: rows of RatedEvent."""
        holdings = held_in(self.snapshot, month)
        made = closing_charges(self.snapshot, holdings, month, self._counters)
        self._counters.changes()
        return made

    def _placed(self, usage: pl.DataFrame) -> tuple[pl.DataFrame, pl.DataFrame]:
        """Find whose usage it is in this catalogue; usage that names nobody keeps its offer."""
        named = resolve(usage, self._index)
        nobody = pl.Series((usage["served_identifier"] == "") & (usage["offer_id"] != ""))
        reason = named["reason"].cast(pl.String)
        lost = reason.is_not_null() & ~nobody
        holder = [
            pl.when(nobody).then(usage[name]).otherwise(named[name]).alias(name) for name in _HOLDER
        ]
        missing = usage.filter(lost).with_columns(
            reason.filter(lost).alias("reason"), pl.lit("").alias("run")
        )
        return usage.with_columns(holder).filter(~lost), missing


class Sums:
    """Sums by key, added to batch by batch; what was added is put together now and then.

    Args:
        keys: Names of text columns.
        counts: Names of counts, beside money `now` and `draft`.
    """

    def __init__(self, keys: Sequence[str], counts: Sequence[str]) -> None:
        self._keys = list(keys)
        schema = dict.fromkeys(keys, pl.String()) | dict.fromkeys(counts, pl.Int64())
        self._sums = pl.DataFrame(schema=schema | {"now": MONEY, "draft": MONEY})
        self._added: list[pl.DataFrame] = []

    def add(self, rows: pl.DataFrame) -> None:
        """Add rows that have at least its columns."""
        summed = self._grouped(rows.select(self._sums.columns))
        self._added.append(summed)
        if sum(one.height for one in self._added) > max(_PIECE, self._sums.height):
            self._together()

    def _grouped(self, rows: pl.DataFrame) -> pl.DataFrame:
        return rows.group_by(self._keys).agg(pl.exclude(self._keys).sum())

    def _together(self) -> None:
        self._sums = self._grouped(pl.concat([self._sums, *self._added]))
        self._added.clear()

    def frame(self) -> pl.DataFrame:
        """Give all sums, by key."""
        self._together()
        return self._sums.sort(self._keys)


class Backtest:
    """Two catalogues over the same usage.

    Attributes:
        now: The catalogue that is compared with, usually the one in use.
        draft: The other.
        events: Usage events taken.
    """

    def __init__(self, now: Snapshot, draft: Snapshot) -> None:
        self.now, self.draft = now, draft
        self._now, self._draft = Under(now), Under(draft)
        self.events = 0
        self._months: set[str] = set()
        self._services = Sums(("side", "currency", "service"), ("events_now", "events_draft"))
        self._accounts = Sums(("currency", "account_id"), ())
        self._refused = Sums(("reason", "run", "currency"), ("events",))
        self._priced = Sums(("reason", "run", "currency"), ("events",))
        self._changes = Sums(("side", "currency", *_PLACE), ("events",))

    @property
    def services(self) -> pl.DataFrame:
        """Give `currency`, `service`, `events_now`, `events_draft`, and money `now`, `draft`."""
        return _of_side(self._services, "revenue")

    @property
    def costs(self) -> pl.DataFrame:
        """Give the same of legs that cost: what partners are owed."""
        return _of_side(self._services, "cost")

    @property
    def accounts(self) -> pl.DataFrame:
        """Give `currency`, `account_id`, and totals, money `now`, `draft`: what each pays.

        A partner that owes us for its legs is an account here.
        """
        return self._accounts.frame()

    @property
    def refused(self) -> pl.DataFrame:
        """Give what only the draft refuses: `reason`, `run`, `currency`, `events`, money `now`.

        A refusal with a run is of that leg alone. Currency and money are those of the revenue that
        is lost.
        """
        return self._refused.frame().drop("draft")

    @property
    def priced(self) -> pl.DataFrame:
        """Give what only the draft prices: `reason`, `run`, `currency`, `events`, money `draft`.

        The reason is that of the refusal now.
        """
        return self._priced.frame().drop("now")

    @property
    def changes(self) -> pl.DataFrame:
        """Give the charges that differ: by price, offer and account, as they are now.

        Columns `side` (`revenue` or `cost`), `currency`, `tariff_id`, `zone_id`, `offer_id`,
        `account_id`, `events`, money `now`, `draft`. Where there is no charge now, tariff,
        zone, offer and account are the draft's.
        """
        return self._changes.frame()

    def take(self, usage: pl.DataFrame) -> None:
        """Rate a batch under both catalogues and add what comes of it.

        Args:
            usage: Rows of UsageEvent, in the order in which they draw from allowances.
        """
        numbered = usage.with_columns(pl.int_range(pl.len(), dtype=pl.Int64).alias(_EVENT))
        now, draft = self._now.rate(numbered), self._draft.rate(numbered)
        self.events += usage.height
        self._months.update(usage_months(usage, self.now).unique().to_list())
        self._add(now, draft)

    def close_months(self) -> None:
        """Close every month that had usage, after all of it: minimums, commitments, first tiers."""
        for month in sorted(self._months):
            rows = self._now.close(month), self._draft.close(month)
            events = pl.concat([one.select("event_id") for one in rows]).unique(maintain_order=True)
            numbers = events.with_row_index(_EVENT).cast({_EVENT: pl.Int64})
            sides = [
                Side(one.join(numbers, on="event_id").select(*_CHARGE, "account_id"), _NO_REFUSALS)
                for one in rows
            ]
            self._add(*sides)

    def _add(self, now: Side, draft: Side) -> None:
        both = pl.concat([_one_side(now, "now"), _one_side(draft, "draft")])
        self._services.add(both)
        self._accounts.add(both.filter(pl.col("side") == "revenue"))
        self._refused.add(_only(draft, now, "now", "draft"))
        self._priced.add(_only(now, draft, "draft", "now"))
        self._changes.add(_changed(now, draft))


def _one_side(side: Side, name: str) -> pl.DataFrame:
    """Give charges with their amount in the column of their side, and 0 in the other."""
    columns = []
    for one in ("now", "draft"):
        mine = one == name
        columns += [
            (pl.col("amount").cast(MONEY) if mine else _ZERO).alias(one),
            pl.lit(int(mine), dtype=pl.Int64()).alias(f"events_{one}"),
        ]
    return side.charges.with_columns(columns)


def _of_side(sums: Sums, side: str) -> pl.DataFrame:
    return sums.frame().filter(pl.col("side") == side).drop("side")


def _only(refusing: Side, pricing: Side, priced_as: str, none_as: str) -> pl.DataFrame:
    """Give what one side refuses and the other does not, with the revenue of the legs concerned."""
    found = refusing.refused.join(pricing.refused, on=_LEG, how="anti")
    revenue = pricing.charges.filter(pl.col("side") == "revenue").select(
        *_LEG, "currency", pl.col("amount").cast(MONEY)
    )
    lost = revenue.join(refusing.charges, on=_LEG, how="anti")
    whole = found.filter(pl.col("run") == "").join(lost.drop("run"), on=_EVENT, how="left")
    legs = found.filter(pl.col("run") != "").join(lost, on=_LEG, how="left")
    first = pl.struct(_LEG).is_first_distinct()  # an event with several legs is one event
    return pl.concat([whole, legs]).select(
        "reason", "run", pl.col("currency").fill_null(""), first.cast(pl.Int64).alias("events"),
        pl.col("amount").fill_null(_ZERO).alias(priced_as), _ZERO.alias(none_as),
    )  # fmt: skip


def _changed(now: Side, draft: Side) -> pl.DataFrame:
    """Give each charge that is another, or is there on one side only, under its price of now."""
    joined = now.charges.join(draft.charges, on=_LEG, how="full", coalesce=True, suffix="_draft")
    same_currency = pl.col("currency").eq_missing(pl.col("currency_draft"))
    same = same_currency & pl.col("amount").eq_missing(pl.col("amount_draft"))
    joined = joined.filter(~same)
    place = [pl.coalesce(name, f"{name}_draft").alias(name) for name in ("side", *_PLACE)]
    before = joined.filter(pl.col("currency").is_not_null()).select(
        "currency", *place, pl.lit(1, dtype=pl.Int64()).alias("events"),
        pl.col("amount").cast(MONEY).alias("now"), _ZERO.alias("draft"),
    )  # fmt: skip
    after = joined.filter(pl.col("currency_draft").is_not_null()).select(
        pl.col("currency_draft").alias("currency"), *place,
        (~same_currency).cast(pl.Int64).alias("events"),
        _ZERO.alias("now"), pl.col("amount_draft").cast(MONEY).alias("draft"),
    )  # fmt: skip
    return pl.concat([before, after])
