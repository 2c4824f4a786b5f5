"""A comparison added up: a fold over entries that keeps sums, and the largest of each cause."""

from collections.abc import Sequence

import polars as pl

from assurance.overlay.causes import Cause
from assurance.overlay.frames import MONEY, ZERO
from assurance.overlay.judging import ENTRY, RECOVERABLE, TIME_BARRED
from assurance.overlay.matching import EXACT, KEY, NEAR

LARGEST = 10
_MONEY = ("ours", "billed", "under", "over", "unverified")
_COUNTS = ("used", "lined", "matched")
_PIECE = 100_000


class Sums:
    """Sums by key, added to batch by batch.

    Args:
        keys: Names of text columns.
        values: Names of counts and of money.
    """

    def __init__(self, keys: Sequence[str], values: pl.Schema) -> None:
        self._keys = list(keys)
        schema = dict.fromkeys(keys, pl.String()) | dict(values)
        self._sums = pl.DataFrame(schema=schema)
        self._added: list[pl.DataFrame] = []

    def add(self, rows: pl.DataFrame) -> None:
        """Add rows that have at least its columns."""
        self._added.append(self._grouped(rows.select(self._sums.columns)))
        if sum(one.height for one in self._added) > max(_PIECE, self._sums.height):
            self.frame()

    def _grouped(self, rows: pl.DataFrame) -> pl.DataFrame:
        return rows.group_by(self._keys).agg(pl.exclude(self._keys).sum())

    def frame(self) -> pl.DataFrame:
        """Give all sums, by key."""
        both = pl.concat([self._sums, *(one.cast(self._sums.schema) for one in self._added)])
        self._sums, self._added = self._grouped(both), []
        return self._sums.sort(self._keys)


def _schema(counts: Sequence[str], money: Sequence[str]) -> pl.Schema:
    return pl.Schema(dict.fromkeys(counts, pl.Int64()) | dict.fromkeys(money, MONEY))


class Report:
    """What a comparison comes to."""

    def __init__(self) -> None:
        split = ("under_recoverable", "under_time_barred", "over_recoverable", "over_time_barred")
        money = (*_MONEY, *split, "estimate")
        self._causes = Sums(("cause", "currency"), _schema(("records",), money))
        self._notes = Sums(("cause", "currency", "note"), _schema(("records",), _MONEY[2:]))
        self._all = Sums(("currency",), _schema(_COUNTS, (*_MONEY, *split)))
        self._months = Sums(("month", "service", "currency"), _schema(_COUNTS, _MONEY))
        self._accounts = Sums(
            ("account", "currency"), _schema((*_COUNTS, "findings"), (*_MONEY, *split[:2]))
        )
        self._matches = Sums(("match",), _schema(("records", "ambiguous"), ()))
        self._largest = pl.DataFrame(schema=ENTRY)

    def take(self, entries: pl.DataFrame) -> pl.DataFrame:
        """Add rows of ENTRY; give those that are findings, in a fixed order."""
        one = _counted(entries)
        found = one.filter(pl.col("cause") != "")
        self._causes.add(found)
        self._notes.add(found.filter(pl.col("cause").is_in(_TOLD)).with_columns(_kind_of_note()))
        for sums in (self._all, self._months, self._accounts):
            sums.add(one)
        self._matches.add(one.filter(pl.col("match") != ""))
        findings = entries.filter(pl.col("cause") != "").sort(_FINDING_ORDER, nulls_last=True)
        self._largest = _largest(pl.concat([self._largest, findings]))
        return findings

    @property
    def causes(self) -> pl.DataFrame:
        """Give `cause`, `currency`, `records` and money, largest loss first in each currency."""
        size = pl.col("under") + pl.col("over") + pl.col("unverified")
        return self._causes.frame().sort("currency", -size, "cause")

    @property
    def notes(self) -> pl.DataFrame:
        """Give findings by what is said of them: which revision, which zone, which increment."""
        return self._notes.frame().sort("currency", "cause", -pl.col("records"), "note")

    @property
    def currencies(self) -> pl.DataFrame:
        """Give by currency what was used, billed and matched, and money."""
        return self._all.frame()

    @property
    def months(self) -> pl.DataFrame:
        """Give the same by month and service."""
        return self._months.frame()

    @property
    def accounts(self) -> pl.DataFrame:
        """Give the same by account, the largest loss first in each currency."""
        size = pl.col("under") + pl.col("over")
        return self._accounts.frame().sort("currency", -size, "account")

    @property
    def matches(self) -> pl.DataFrame:
        """Give how many pairs were found in each way, and how many of them are ambiguous."""
        order = {KEY: 0, EXACT: 1, NEAR: 2}
        place = pl.col("match").replace_strict(order, return_dtype=pl.Int64)
        return self._matches.frame().sort(place)

    @property
    def largest(self) -> pl.DataFrame:
        """Give the largest findings of each cause and currency: rows of ENTRY."""
        return self._largest


_TOLD = [
    one.value
    for one in (
        Cause.OTHER_REVISION, Cause.OTHER_INCREMENT, Cause.OTHER_ZONE, Cause.ROUNDING,
        Cause.OTHER_CURRENCY, Cause.UNPRICED,
    )
]  # fmt: skip
"""Causes of which there are few kinds, whatever the number of records."""


def _kind_of_note() -> pl.Expr:
    """Take of usage without a price the reason alone."""
    reason = pl.col("note").str.extract("^([a-z_]+): ", 1)
    unpriced = pl.col("cause") == Cause.UNPRICED.value
    return pl.when(unpriced).then(pl.coalesce(reason, "note")).otherwise("note").alias("note")


def _counted(entries: pl.DataFrame) -> pl.DataFrame:
    """Add what is counted and added up; a record in two entries is counted in one."""
    flags = {
        "used": pl.col("usage_file").is_not_null() & (pl.col("part") != "bill"),
        "lined": pl.col("billed_file").is_not_null() & (pl.col("part") != "usage"),
        "matched": (pl.col("match") != "") & (pl.col("part") != "bill"),
        "records": pl.col("part") != "bill",
        "findings": (pl.col("cause") != "") & (pl.col("part") != "bill"),
        "ambiguous": pl.col("ambiguous") & (pl.col("part") != "bill"),
    }
    return entries.with_columns(
        *(flag.cast(pl.Int64).alias(name) for name, flag in flags.items()),
        *(
            pl.when(pl.col("age") == age).then(side).otherwise(ZERO).alias(f"{side}_{age}")
            for side in ("under", "over")
            for age in (RECOVERABLE, TIME_BARRED)
        ),
    )


_FINDING_ORDER = (
    "cause", "currency", "start_time", "account", "called", "key", "billed", "ours", "usage_file",
    "usage_record", "billed_file", "billed_line",
)  # fmt: skip


def _largest(findings: pl.DataFrame) -> pl.DataFrame:
    size = pl.col("under") + pl.col("over") + pl.col("unverified")
    ordered = findings.sort("cause", "currency", -size, *_FINDING_ORDER[2:], nulls_last=True)
    top = ordered.group_by("cause", "currency", maintain_order=True).head(LARGEST)
    return top.select(ENTRY.names())
