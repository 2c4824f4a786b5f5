"""Stored charges derived again, column by column: usage, archived snapshot, counters in the row."""

from dataclasses import dataclass

import polars as pl

from schemas.columns import conform
from schemas.rated import RatedEvent
from tallywire.rating.corrections import CORRECTION, REVERSAL, correction_ids, upright
from tallywire.rating.explain import retrace
from tallywire.rating.rulebook import Refusal, Rulebook

NOT_DERIVED = (
    "run", "op", "version", "supersedes", "reason", "cause_id", "is_billed", "rater", "ledgered_at",
    "batch_token", "batch_row",
)  # fmt: skip
"""Who made the row, why, when and in which batch: not what was charged."""


@dataclass(frozen=True)
class Difference:
    """A stored value that is not what its row gives when it is rated again.

    Attributes:
        event_id, rated_id: 16 bytes each.
        column: Name; `price` where nothing can be derived at all.
        stored, derived: Both values as text.
    """

    event_id: bytes
    rated_id: bytes
    column: str
    stored: str
    derived: str


def replay(book: Rulebook, stored: pl.DataFrame) -> list[Difference]:
    """Rate stored charges again, by the rulebook, whoever made them.

    Args:
        book: Rulebook of the snapshot that `catalog_hash` of the rows names.
        stored: Rows of RatedEvent. A reversal is held against what it takes back; a row may be
            booked in a later period than its own, where that was closed.

    Returns:
        What differs, by column and row; nothing where every byte is the same.
    """
    derived, refused = [], []
    stored = upright(stored)
    for row in stored.iter_rows(named=True):
        charge = retrace(book, row)
        if isinstance(charge, Refusal):
            words = f"{charge.reason.value}: {charge.detail}"
            refused.append(
                Difference(row["event_id"], row["rated_id"], "price", str(row["amount"]), words)
            )
        else:
            kept = {name: row[name] for name in NOT_DERIVED}
            derived.append({**charge.row, **kept})
    lost = [one.rated_id for one in refused]
    there = stored.filter(~pl.col("rated_id").is_in(lost)) if lost else stored
    if not derived:
        return refused
    schema = {name: stored.schema[name] for name in derived[0]}
    again = conform(pl.DataFrame(derived, schema=schema, orient="row"), RatedEvent)
    again = again.with_columns(
        pl.when(pl.col("op").is_in([REVERSAL, CORRECTION])).then(correction_ids(again))
        .otherwise("rated_id")
        .alias("rated_id"),
        pl.max_horizontal("bill_period", there["bill_period"]).alias("bill_period"),
    )  # fmt: skip
    return refused + [
        one for name in stored.columns for one in _differences(name, there, again[name])
    ]


def _differences(name: str, stored: pl.DataFrame, derived: pl.Series) -> list[Difference]:
    wrong = stored[name].ne_missing(derived)
    if not wrong.any():
        return []
    rows = stored.filter(wrong).select("event_id", "rated_id", pl.col(name).alias("stored"))
    return [
        Difference(event, rated, name, _text(value), _text(again))
        for (event, rated, value), again in zip(
            rows.iter_rows(), derived.filter(wrong).to_list(), strict=True
        )
    ]


def _text(value: object) -> str:
    return value.hex() if isinstance(value, bytes) else str(value)
