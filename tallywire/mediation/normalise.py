"""Decoded rows to usage events: numbers to E.164, quantities to base units, parties to accounts."""

from collections.abc import Mapping

import orjson
import polars as pl

from schemas.columns import conform
from schemas.reasons import Reason
from schemas.services import UNIT_OF_SERVICE, Service
from schemas.usage import UsageEvent
from tallywire.catalog.snapshot import Feed
from tallywire.mediation.decoded import DECODED_TEXTS
from tallywire.mediation.dialled import numbers_by_node
from tallywire.mediation.enrich import MISSING, enriched
from tallywire.mediation.fields import flagged
from tallywire.mediation.filters import taken
from tallywire.mediation.nodes import dialling
from tallywire.mediation.resolve import SEPARATOR, IdentifierIndex
from tallywire.reference import Reference

_TOO_LONG = r"^\+?[0-9]{16,}$"
_NOTHING_WRONG = (
    pl.lit(None, dtype=pl.String).alias("reason"),
    pl.lit("").alias("detail"),
    pl.lit("").alias("missing_ref"),
)
_UNITS = {service.value: unit.value for service, unit in UNIT_OF_SERVICE.items()}
_SERVED = {
    "a_number": "a_number", "b_number": "b_number", "c_number": "c_number",
    "user_name": "user_name", "customer": "customer", "account_code": "account_code",
    "partner": "partner", "imsi": "imsi", "imei": "imei", "ip": "ip",
    "trunk_in": "trunk_in", "trunk_out": "trunk_out", "apn": "apn",
}  # fmt: skip


def _served(feed: Feed) -> pl.Expr:
    """Write the first identifier that is there as `type:value`."""
    keys = pl.lit("")
    for kind, field in reversed(feed.served):
        column = pl.col(_SERVED[field])
        keys = pl.when(column != "").then(pl.lit(f"{kind}{SEPARATOR}") + column).otherwise(keys)
    return keys


def resolve(frame: pl.DataFrame, index: IdentifierIndex) -> pl.DataFrame:
    """Find the account of rows by `served_identifier` and `start_time`; say where there is none."""
    moments = frame["start_time"].to_numpy()
    rows, known = index.find(frame["served_identifier"], moments)
    frame = frame.with_columns(index.columns(rows).get_columns())
    missing = pl.Series(rows < 0)
    if not missing.any():
        return frame.with_columns(_NOTHING_WRONG)
    inactive = pl.Series(known & (rows < 0))
    shown = pl.col("served_identifier")
    return frame.with_columns(
        pl.when(inactive).then(pl.lit(Reason.SUBSCRIPTION_INACTIVE.value))
        .when(missing).then(pl.lit(Reason.ACCOUNT_UNKNOWN.value))
        .alias("reason"),
        pl.when(missing & (shown == "")).then(pl.lit("the record names no served party"))
        .when(missing).then(pl.format("no subscription holds {} at that time", shown))
        .otherwise(pl.lit("")).alias("detail"),
        pl.when(missing).then(shown).otherwise(pl.lit("")).alias("missing_ref"),
    )  # fmt: skip


def _checked(frame: pl.DataFrame) -> pl.DataFrame:
    """Refuse rows of a service, in a unit, or to a number, that there is not."""
    strange = ~frame["service"].is_in([service.value for service in Service])
    unparsable = (
        (frame["b_number"] == "") & (frame["b_raw"] != "") & frame["b_raw"].str.contains(_TOO_LONG)
    )
    otherwise = (frame["counted_in"] != "") & (frame["counted_in"] != frame["unit"])
    if not (strange | otherwise | unparsable).any():
        return frame
    counts, wanted = (pl.col(name).replace("count", "piece") for name in ("counted_in", "unit"))
    mismatch = pl.format("the feed counts {}s, and {} is counted in {}s", counts, "service", wanted)
    return frame.with_columns(
        pl.when(strange).then(pl.lit(Reason.SERVICE_UNKNOWN.value))
        .when(otherwise).then(pl.lit(Reason.UNIT_MISMATCH.value))
        .when(unparsable).then(pl.lit(Reason.NUMBER_UNPARSABLE.value))
        .otherwise("reason").alias("reason"),
        pl.when(strange).then(pl.format("service {} is not known", pl.col("service")))
        .when(otherwise).then(mismatch)
        .when(unparsable).then(pl.format("{} has more than 15 digits", pl.col("b_raw")))
        .otherwise("detail").alias("detail"),
    )  # fmt: skip


def normalise(
    frame: pl.DataFrame, feed: Feed, index: IdentifierIndex, tables: Reference
) -> pl.DataFrame:
    """Turn decoded rows with identity into usage events.

    Of several reasons a row has the first: what a filter takes is filtered, whatever else is wrong
    with it; then service, unit, number, reference data, account.

    Returns:
        Columns of UsageEvent, and reason (null where it is usage), detail, missing_ref, and
        decoded: what a refused row was made of, as JSON.
    """
    decoded = frame
    frame, damaged = _numbered(frame, feed, tables)
    home = pl.lit(feed.home_plmn)
    if feed.enrichments:
        frame = enriched(frame.with_columns(home_plmn=pl.lit("")), feed.enrichments, tables)
        home = pl.when(pl.col("home_plmn") == "").then(home).otherwise("home_plmn")
    frame = frame.with_columns(home_plmn=home)
    filtered = taken(frame, feed.filters, tables)
    frame = frame.with_columns(
        counted_in=pl.col("unit"),
        unit=pl.col("service").replace_strict(_UNITS, default="", return_dtype=pl.String),
        start_time=pl.col("start_us"),
        setup_time=pl.col("setup_us"),
        end_time=pl.col("end_us"),
        session_id=pl.col("session_key"),
        a_number_raw=pl.col("a_raw"),
        b_number_raw=pl.col("b_raw"),
        partner_id=pl.col("partner"),
        quantity=pl.col("quantity").fill_null(0),
    ).with_columns(served_identifier=_served(feed))  # fmt: skip
    frame = _checked(_complete_for(resolve(frame, index), damaged))
    if filtered is not None:
        frame = _filtered(frame, filtered)
    usage = conform(frame, UsageEvent)
    told = frame.select("reason", "detail", "missing_ref").get_columns()
    return usage.with_columns(*told, _made_of(decoded, frame["reason"]))


def _numbered(
    frame: pl.DataFrame, feed: Feed, tables: Reference
) -> tuple[pl.DataFrame, dict[str, pl.Series]]:
    """Add E.164 numbers, remarks on them, and which were damaged."""
    rules, which = dialling(frame, feed, tables)
    found = {name: numbers_by_node(frame[f"{name}_raw"], rules, which) for name in ("a", "b", "c")}
    frame = frame.with_columns(one.digits.alias(f"{name}_number") for name, one in found.items())
    damaged = {}
    for name, one in found.items():
        if one.marks is None:
            continue
        for mark in one.marks.unique().sort().to_list():
            if mark:
                frame = flagged(frame, one.marks == mark, f"{name}_number_{mark}")
        damaged[name] = one.marks == "damaged"
    return frame, damaged


def _complete_for(frame: pl.DataFrame, damaged: Mapping[str, pl.Series]) -> pl.DataFrame:
    """Refuse rows that a required look-up or a damaged number leaves unfit to be rated."""
    reason, detail, missing = pl.col("reason"), pl.col("detail"), pl.col("missing_ref")
    if MISSING[0] in frame.columns:
        gone = pl.col(MISSING[0]).is_not_null()
        reason, detail, missing = (
            pl.when(gone).then(name).otherwise(text)
            for name, text in zip(MISSING, (reason, detail, missing), strict=True)
        )
    frame = frame.with_columns(
        reason.alias("reason"), detail.alias("detail"), missing.alias("missing_ref")
    )
    for name, rows in damaged.items():
        nobody = (frame["served_identifier"] == "") & frame["reason"].is_not_null()
        hit = rows if name == "b" else rows & nobody
        raw = pl.col(f"{name}_raw")
        frame = frame.with_columns(
            pl.when(hit).then(pl.lit(Reason.NUMBER_DAMAGED.value)).otherwise("reason")
            .alias("reason"),
            pl.when(hit).then(pl.format("{} is what is left of a number", raw)).otherwise("detail")
            .alias("detail"),
            pl.when(hit).then(pl.lit("")).otherwise("missing_ref").alias("missing_ref"),
        )  # fmt: skip
    return frame


def _filtered(frame: pl.DataFrame, names: pl.Series) -> pl.DataFrame:
    hit = names.is_not_null()
    return frame.with_columns(
        pl.when(hit).then(pl.lit(Reason.FILTERED_BY_RULE.value)).otherwise("reason")
        .alias("reason"),
        pl.when(hit).then(names).otherwise("detail").alias("detail"),
        pl.when(hit).then(pl.lit("")).otherwise("missing_ref").alias("missing_ref"),
    )  # fmt: skip


def _made_of(decoded: pl.DataFrame, reason: pl.Series) -> pl.Expr:
    """Write the texts of refused rows as they were decoded: what a recycle works again."""
    rows = reason.is_not_null().arg_true()
    if not len(rows):
        return pl.lit("").alias("decoded")
    made = [
        orjson.dumps({name: text for name, text in row.items() if text}).decode()
        for row in decoded.select(DECODED_TEXTS)[rows].iter_rows(named=True)
    ]
    texts = pl.Series([""]).new_from_index(0, decoded.height)
    return pl.lit(texts.scatter(rows, pl.Series(made, dtype=pl.String))).alias("decoded")
