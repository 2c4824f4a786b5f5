"""Rows of TAP files: events as usage with the sender's charges, heads and audits as controls.

Source: GSMA TAP 3.12, by its public ASN.1; which fields decide is in docs/reference/formats.md.
"""

from collections.abc import Sequence

import numpy as np
import polars as pl

from schemas.reasons import Reason
from tallywire.catalog.snapshot import Feed
from tallywire.mediation.ber import Octets, framed
from tallywire.mediation.ber.reader import read
from tallywire.mediation.decoded import (
    MAX_RECORD_BYTES,
    Decoded,
    Frames,
    check_world,
    complete,
    in_prologue,
    places,
    refuse,
)
from tallywire.mediation.decoders.tap import audit, tags
from tallywire.mediation.decoders.tap.charges import decimal_text
from tallywire.mediation.decoders.tap.checks import charged_columns, held_against_rules
from tallywire.mediation.decoders.tap.events import READ, Events
from tallywire.mediation.decoders.tap.head import Head, head_of
from tallywire.mediation.decoders.tap.options import TapOptions
from tallywire.mediation.decoders.tap.rules import naming
from tallywire.mediation.values import attributes

_SEPARATOR = "\x1f"
_CONTROLS = [tags.AUDIT, tags.NOTIFICATION, tags.MESSAGE_TEXTS, tags.OPERATOR_SPECIFIC]
_SAID = (
    "tag", "imsi", "start_us", "length_s", "a_raw", "b_raw", "linked_id", "charging_id",
    "usage_type", "down_octets", "up_octets",
)  # fmt: skip
_FLAGS = ("bad_number", "bad_offset", "no_quantity", "wrong")


def decode(frames: Frames, feed: Feed) -> Decoded:
    """Decode a piece of a TAP file."""
    return decode_with(frames, TapOptions.model_validate(feed.options))


def decode_with(frames: Frames, options: TapOptions) -> Decoded:
    """Decode a piece of a TAP file."""
    base = places(frames)
    if not len(frames):
        return Decoded(complete(base))
    octets = Octets(frames.data)
    head = head_of(frames.prologue)
    hidden = base.select(in_prologue(frames)).to_series().to_numpy()
    tag, value, short = framed(octets, frames.starts, frames.lengths)
    tag = np.where(hidden, 0, tag)
    broken = np.zeros(len(frames), bool)
    parts: list[pl.DataFrame] = []
    kinds: list[Events] = []
    for one in np.unique(tag).tolist():
        if one not in READ:
            continue
        rows = np.flatnonzero(tag == one)
        reader = read(octets, value.take(rows))
        broken[rows] = reader.broken
        found = READ[one](reader, head)
        kinds.append(found)
        columns = [pl.Series("row", rows[found.owner]), *charged_columns(found)]
        parts.append(found.rows.with_columns(columns))
    told = audit.told(frames, tag, hidden, head)
    place = base.with_columns(
        pl.int_range(pl.len()).alias("row"), pl.Series("head", hidden), pl.Series("short", short),
        pl.Series("broken", broken), pl.Series("tag", tag),
        pl.Series("told", [told.said.get(row, "") for row in range(len(frames))], dtype=pl.String),
    )  # fmt: skip
    rows_of = pl.concat(parts, how="diagonal_relaxed") if parts else None
    frame = place if rows_of is None else place.join(
        rows_of, on="row", how="left", maintain_order="left_right"
    )  # fmt: skip
    frame = _judged(_valued(_whole(frame), head, options), head)
    made = held_against_rules(check_world(complete(frame)), frame, head, options)
    return Decoded(made, {**told.control, **audit.counted(tag, kinds)}, told.series)


def _whole(frame: pl.DataFrame) -> pl.DataFrame:
    """Add the columns that no event of a piece had."""
    texts = {
        "reason": None, "detail": "", "entity": "", "charged_item": "", "charging_id": "",
        "service": "",
    }  # fmt: skip
    absent = [
        pl.lit(default, dtype=pl.String).alias(name)
        for name, default in texts.items()
        if name not in frame.columns
    ]
    numbers = ("charge", "tax", "discount", "item_no", "rate_code", "offset_code", "start_us")
    absent += [
        pl.lit(None, dtype=pl.Int64).alias(name) for name in numbers if name not in frame.columns
    ]
    frame = frame.with_columns(absent)
    return frame.with_columns(
        (
            pl.col(name).fill_null(value=False) if name in frame.columns else pl.lit(value=False)
        ).alias(name)
        for name in _FLAGS
    )


def _place(head: Head, options: TapOptions, columns: Sequence[str]) -> list[pl.Expr]:
    """Give what names an event: its place in the sender's files, or what it says of itself."""
    if options.same == "place":
        return [pl.lit(head.number), pl.col("record_no").cast(pl.String)]
    said = [
        pl.col(name).cast(pl.String).fill_null("") if name in columns else pl.lit("")
        for name in _SAID
    ]
    return [pl.lit("T" if head.test else "event"), *said]


def _valued(frame: pl.DataFrame, head: Head, options: TapOptions) -> pl.DataFrame:
    """Name events by file and place; write charges as money."""
    places_of_money = head.decimals or 0
    amount = decimal_text(pl.col("charge"), places_of_money).cast(pl.Decimal(38, 9), strict=False)
    item = pl.col("item_no").fill_null(0)
    named = pl.lit(head.sequence is not None) & (pl.col("item_no").is_not_null())
    key = pl.concat_str(
        pl.lit(head.sender), pl.lit(head.recipient), *_place(head, options, frame.columns),
        pl.when(item > 0).then(pl.format("item {}", item)).otherwise(pl.lit("")),
        separator=_SEPARATOR,
    )  # fmt: skip
    known = pl.lit(head.decimals is not None)
    rate = pl.col("rate_code").replace_strict(
        head.rates or {-1: ""}, default="", return_dtype=pl.String
    )
    return frame.with_columns(
        pl.when(named).then(key).alias("natural_key"),
        pl.when(known).then(amount).alias("source_amount"),
        pl.when(pl.col("charge").is_not_null()).then(pl.lit(head.currency))
        .otherwise(pl.lit("")).alias("source_currency"),
        pl.lit(head.sender).alias("serving_plmn"), pl.lit(head.sender).alias("partner"),
        pl.col("entity").alias("trunk_in"),
        pl.when(pl.col("item_no").is_not_null()).then(attributes({
            "charged_item": pl.col("charged_item"), "charging_id": pl.col("charging_id"),
            "discount": decimal_text(pl.col("discount"), places_of_money),
            "exchange_rate": rate, "recording_entity": pl.col("entity"),
            "tax": decimal_text(pl.col("tax"), places_of_money),
        })).otherwise(pl.lit("")).alias("attributes"),
    )  # fmt: skip


def _judged(frame: pl.DataFrame, head: Head) -> pl.DataFrame:
    """Refuse what is no event, or one that cannot be."""
    event = pl.col("tag").is_in(list(READ))
    unsure = pl.any_horizontal("broken", "short", "bad_number", "bad_offset", "wrong")
    frame = frame.with_columns(pl.when(~unsure).then("reason").alias("reason"))
    for wrong, reason, detail in (
        (pl.col("head") | pl.col("tag").is_in(_CONTROLS), Reason.CONTROL_RECORD, pl.col("told")),
        (pl.col("byte_length") > MAX_RECORD_BYTES, Reason.RECORD_TOO_LONG,
         pl.format("{} bytes are more than any record has", "byte_length")),
        ((pl.col("tag") == tags.TRANSFER_BATCH) & (pl.col("told") != ""), Reason.CONTROL_RECORD,
         pl.col("told")),
        (pl.col("short"), Reason.RECORD_TRUNCATED, pl.lit("the file ends inside this record")),
        ((pl.col("tag") == 0) | pl.col("broken"), Reason.RECORD_UNREADABLE,
         pl.lit("its bytes are no BER")),
        (~event, Reason.RECORD_TYPE_UNKNOWN,
         pl.format("an element with tag {} is no event of TAP 3.12", "tag")),
        (event & ~pl.lit(head.known), Reason.FIELD_MISSING,
         naming("batch_control_missing", "none is ahead of the file's events")),
        (event & pl.lit(head.sequence is None), Reason.FIELD_MISSING,
         naming("sequence_invalid", "the file has no sequence number")),
        (event & pl.lit(head.test), Reason.NOT_BILLABLE, pl.lit("the file is test data")),
        (pl.col("bad_offset"), Reason.TIME_INVALID,
         naming("offset_code_unknown",
                pl.format("the file does not explain UTC offset code {}",
                          pl.col("offset_code").cast(pl.String).fill_null("(none)")))),
        (pl.col("bad_number") | pl.col("wrong"), Reason.NUMBER_INVALID,
         pl.lit("a number in it has more than 64 bits")),
        (event & pl.lit(head.decimals is None), Reason.NUMBER_INVALID,
         naming("decimals_invalid", "the file's decimal places are none")),
        (pl.col("no_quantity"), Reason.FIELD_MISSING,
         naming("usage_missing", "it says neither how long nor how much")),
    ):  # fmt: skip
        frame = refuse(frame, wrong, reason, detail)
    return frame
