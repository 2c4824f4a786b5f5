"""Which rater takes which rows: the only module that knows both."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
import numpy.typing as npt
import polars as pl

from schemas.columns import conform, polars_schema
from schemas.rated import RatedEvent
from schemas.usage import UsageEvent
from tallywire.catalog.snapshot import Snapshot
from tallywire.rating.columnar import ColumnarRater, Found, TooLargeError, is_constant
from tallywire.rating.counters import Counters
from tallywire.rating.rulebook import Refusal, Rulebook

Ints = npt.NDArray[np.int64]
Row = Mapping[str, Any]
RULEBOOK = "rulebook"

_REFUSED = pl.Schema(
    {
        **polars_schema(UsageEvent),
        **dict.fromkeys(("reason", "detail", "missing_ref", "run"), pl.String()),
        "records": pl.Int64(),
    }
)


@dataclass(frozen=True)
class Outcome:
    """What rating made of a batch.

    Attributes:
        rated: Rows of RatedEvent without ledger time and token: of each account in input order and
            in that by leg; accounts that the rulebook rated come last.
        refused: Input rows with reason, detail, missing_ref, run and records, in input order. A
            refusal with a run is of that leg alone: the usage is rated, `records` is 0, and the
            row's `runs` asks for it when it is tried again.
    """

    rated: pl.DataFrame
    refused: pl.DataFrame


@dataclass(frozen=True)
class _Made:
    """What one rater made of its rows.

    Attributes:
        lost: For each refused row the place of its usage, ascending.
    """

    rated: pl.DataFrame
    refused: pl.DataFrame
    lost: Ints


class Rater:
    """Rates batches under one snapshot.

    All rows of an account that touches something the columnar rater may not take go, whole and in
    order, to the rulebook; the others are charged in columns. Accounts share no counters, so the
    two halves do not meet.

    Args:
        book_only: All rows go to the rulebook, as where the raters disagree.
    """

    def __init__(self, snapshot: Snapshot, *, book_only: bool = False) -> None:
        self._columnar = ColumnarRater(snapshot)
        self._rulebook = Rulebook(snapshot)
        self._book_only = book_only

    def rate(self, batch: pl.DataFrame, counters: Counters) -> Outcome:
        """Rate a batch of UsageEvent rows in their order."""
        if self._book_only:
            slowly = self._by_book(batch, counters)
            return Outcome(slowly.rated, slowly.refused)
        found = self._columnar.find(batch)
        if found.takeable.all():
            made = self._in_columns(found, counters)
            return Outcome(made.rated, made.refused)
        slow_accounts = batch.filter(pl.Series(~found.takeable))["routing_id"].unique()
        slow = batch["routing_id"].is_in(slow_accounts.implode())
        in_columns = self._in_columns(found.only(~slow.to_numpy()), counters)
        by_book = self._by_book(batch.filter(slow), counters)
        return _merged(in_columns, by_book, slow.arg_true().to_numpy())

    def _in_columns(self, found: Found, counters: Counters) -> _Made:
        try:
            rated = self._columnar.charge(found, counters)
        except TooLargeError:
            made = self._by_book(found.batch[found.asked_for], counters)
            return _Made(made.rated, made.refused, found.asked_for[made.lost])
        refused, lost = self._columnar.refusals(found)
        return _Made(rated, refused, lost)

    def _by_book(self, usage: pl.DataFrame, counters: Counters) -> _Made:
        rows: list[Row] = []
        refused: list[Row] = []
        lost: list[int] = []
        for number, event in enumerate(usage.iter_rows(named=True)):
            charged, without = self.rate_one(event, counters)
            rows += charged
            refused += without
            lost += [number] * len(without)
        outcome = outcome_of(rows, refused)
        return _Made(outcome.rated, outcome.refused, np.array(lost, np.int64))

    def runs(self, event: Row) -> list[str]:
        """List the runs that an event is rated for, or refused."""
        return self._rulebook.runs(event)

    def rate_one(
        self, event: Row, counters: Counters, amounts: dict[str, tuple[int, str]] | None = None
    ) -> tuple[list[Row], list[Row]]:
        """Rate one event by the rulebook: rows of `rated` and of `refused` of an Outcome.

        Args:
            amounts: What other legs of the event came to, where they are rated apart; its own are
                added.
        """
        made = self._rulebook.rate(event, counters.used, counters.series, amounts)
        counters.keep(made.writes, made.points)
        refused = [_refused(event, refusal) for refusal in made.refusals]
        return [charge.row for charge in made.charges], refused


def by_the_book(
    catalogs: Callable[[str], tuple[Rater, Snapshot]],
) -> Callable[[str], tuple[Rater, Snapshot]]:
    """Give the same catalogues, with raters that ask the rulebook about every row."""

    @cache
    def found(name: str) -> tuple[Rater, Snapshot]:
        snapshot = catalogs(name)[1]
        return Rater(snapshot, book_only=True), snapshot

    return found


def outcome_of(rows: Sequence[Row], refused: Sequence[Row]) -> Outcome:
    """Put rows of the rulebook into columns."""
    every = polars_schema(RatedEvent)
    names = list(rows[0]) if rows else list(every)
    columns = {name: pl.Series(name, [row[name] for row in rows], every[name]) for name in names}
    rated = conform(pl.DataFrame(columns), RatedEvent)
    return Outcome(rated, pl.DataFrame(refused, schema=_REFUSED, orient="row"))


def _merged(in_columns: _Made, by_book: _Made, slow: Ints) -> Outcome:
    """Put rows of both raters together.

    Args:
        in_columns: Its places are of the batch.
        by_book: Its places are of `slow`.
        slow: Places in the batch of the usage that the rulebook rated.
    """
    lost = np.argsort(np.concatenate([in_columns.lost, slow[by_book.lost]]), kind="stable")
    refused = pl.concat([in_columns.refused.select(_REFUSED.names()), by_book.refused])
    return Outcome(_stacked(in_columns.rated, by_book.rated), refused[lost])


def _stacked(many: pl.DataFrame, few: pl.DataFrame) -> pl.DataFrame:
    """Put two frames below each other; what is the same everywhere stays one value."""
    columns: list[pl.Expr] = []
    for name in many.columns:
        above, below = many[name], few[name]
        if is_constant(below) and is_constant(above) and above[0] == below[0]:
            columns.append(pl.lit(below[0], dtype=below.dtype).alias(name))
        else:
            columns.append(pl.lit(pl.concat([above, below])).alias(name))
    height = many.height + few.height
    return pl.DataFrame({"": pl.Series([0]).new_from_index(0, height)}).select(columns)


def _refused(event: Row, refusal: Refusal) -> Row:
    return {
        **event,
        "runs": refusal.run or event["runs"],
        "reason": refusal.reason.value,
        "detail": refusal.detail,
        "missing_ref": refusal.missing_ref,
        "run": refusal.run,
        "records": 0 if refusal.run else 1,
    }
