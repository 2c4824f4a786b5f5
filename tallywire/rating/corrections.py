"""Corrections as rows: signed reversals, their replacements, and the charges as they stand.

A charge is never changed. A correction of it is a reversal (the same row with every amount and
counted quantity negated) and, where there still is a price, a replacement with the next version.
Sums over all rows are right without knowing any of this.
"""

import polars as pl

from tallywire.hashes import hash128, to_bytes

RETAIL = "retail"
CHARGE, REVERSAL, CORRECTION, TRUE_UP = "charge", "reversal", "correction", "true_up"
SIGNED = (
    "rated_quantity", "included_quantity", "repriced", "discount", "spend_change", "connect_fee",
    "amount_numerator", "amount", "rounding_difference", "balance_paid", "fate_change",
)  # fmt: skip
"""What a reversal negates."""

LEG = ("event_id", "run", "side", "party_id")
"""What a charge and its replacement have in common."""

PLACE = ("_position", "_row")
"""Where an event stands in its lane: ledger position of its batch, place in it."""


def correction_ids(rows: pl.DataFrame) -> pl.Series:
    """Name corrections by what they correct and why: 16 bytes each, the same on every replay."""
    texts = rows.select(
        pl.concat_str(
            pl.col("event_id").bin.encode("hex"), "restatement_no", "attempt", "run", "side",
            "party_id", "op", "version", pl.col("cause_id").bin.encode("hex").fill_null(""),
            separator="\x1f",
        )
    )  # fmt: skip
    return to_bytes(*hash128(texts.to_series()))


def negated(rows: pl.DataFrame) -> pl.DataFrame:
    """Negate every amount and counted quantity of rows."""
    return rows.with_columns(
        (pl.lit(0, dtype=rows.schema[name]) - pl.col(name)).cast(rows.schema[name]).alias(name)
        for name in SIGNED
    )


def reversals(standing: pl.DataFrame, reason: str, cause_id: bytes) -> pl.DataFrame:
    """Take charges back: rows of RatedEvent which sum to nothing with those given."""
    rows = negated(standing).with_columns(
        pl.lit(REVERSAL).alias("op"),
        pl.col("rated_id").alias("supersedes"),
        pl.lit(reason).alias("reason"),
        pl.lit(cause_id).alias("cause_id"),
        pl.lit(0, dtype=pl.Int32).alias("is_billed"),
    )
    return rows.with_columns(correction_ids(rows).alias("rated_id"))


def replacements(rated: pl.DataFrame, reason: str, cause_id: bytes) -> pl.DataFrame:
    """Make charges replacements.

    Args:
        rated: Rows of RatedEvent as rated, with `supersedes` and `version` of what they replace
            (null and 0 where they replace nothing).
        reason: A CorrectionReason.
        cause_id: The request.
    """
    rows = rated.with_columns(
        pl.lit(CORRECTION).alias("op"),
        (pl.col("version") + 1).cast(pl.Int32).alias("version"),
        pl.lit(reason).alias("reason"),
        pl.lit(cause_id).alias("cause_id"),
    )
    return rows.with_columns(correction_ids(rows).alias("rated_id"))


def standing(history: pl.DataFrame) -> pl.DataFrame:
    """Give the charges as they stand, in lane order.

    Args:
        history: All rows of RatedEvent of some accounts up to some moment, in any order; more
            columns are kept.

    Returns:
        Charges and replacements that no reversal takes back, with the columns of PLACE: the place
        of the event's first charge in its lane, which a correction does not change.
    """
    token = pl.col("batch_token").str.split(":").list
    history = history.filter(pl.col("op") != TRUE_UP).with_columns(
        token.get(1, null_on_oob=True).cast(pl.Int64).fill_null(-1).alias(PLACE[0]),
        pl.col("batch_row").cast(pl.Int64).alias(PLACE[1]),
    )
    first = pl.struct(PLACE).sort_by(PLACE).first().over("event_id", "attempt")
    history = history.with_columns(first.alias("_place")).with_columns(
        pl.col("_place").struct.field(name).alias(name) for name in PLACE
    )
    reversed_ids = history.filter(pl.col("op") == REVERSAL)["supersedes"]
    gone = pl.col("rated_id").is_in(reversed_ids.implode())
    there = history.filter((pl.col("op") != REVERSAL) & ~gone)
    return there.sort(
        *PLACE, "event_id", "attempt", pl.col("run") != RETAIL, "run", "side", "party_id"
    ).drop("_place")


def upright(rows: pl.DataFrame) -> pl.DataFrame:
    """Turn reversals back into what they reversed, to be compared with what was charged."""
    back = pl.col("op") == REVERSAL
    return rows.with_columns(
        pl.when(back)
        .then(pl.lit(0, dtype=rows.schema[name]) - pl.col(name))
        .otherwise(name)
        .cast(rows.schema[name])
        .alias(name)
        for name in SIGNED
    )
