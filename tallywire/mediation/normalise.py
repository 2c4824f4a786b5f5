"""Decoded rows to usage events: numbers to E.164, quantities to base units, parties to accounts."""

import polars as pl

from schemas.columns import conform
from schemas.reasons import Reason
from schemas.services import UNIT_OF_SERVICE, Service
from schemas.usage import UsageEvent
from tallywire.catalog.snapshot import Feed
from tallywire.mediation.resolve import SEPARATOR, IdentifierIndex
from tallywire.numbering import SHORTEST_FULL

_NOISE = r"[ \-().]"
_TOO_LONG = r"^\+?[0-9]{16,}$"
_NOTHING_WRONG = (
    pl.lit(None, dtype=pl.String).alias("reason"),
    pl.lit("").alias("detail"),
    pl.lit("").alias("missing_ref"),
)
_FULL = r"^\+[1-9][0-9]{0,14}$"
_E164 = r"^[1-9][0-9]{0,14}$"
_UNITS = {service.value: unit.value for service, unit in UNIT_OF_SERVICE.items()}
_SERVED = {
    "a_number": "a_number", "b_number": "b_number", "c_number": "c_number",
    "user_name": "user_name", "customer": "customer", "account_code": "account_code",
    "partner": "partner", "imsi": "imsi", "imei": "imei", "ip": "ip",
    "trunk_in": "trunk_in", "trunk_out": "trunk_out", "apn": "apn",
}  # fmt: skip


def e164(raw: str, feed: Feed) -> pl.Expr:
    """Normalise a column of dialled numbers, as `tallywire.numbering.normalise` does one.

    What is no number becomes empty text.
    """
    text = pl.col(raw).str.replace_all(_NOISE, "")
    full = text.str.starts_with(feed.home_country)
    if not feed.trunk_prefix:
        full &= text.str.len_chars() >= SHORTEST_FULL
    national = pl.when(full | (text == "")).then(text).otherwise(pl.lit(feed.home_country) + text)
    if feed.trunk_prefix:
        rest = text.str.slice(len(feed.trunk_prefix))
        national = (
            pl.when(text.str.starts_with(feed.trunk_prefix))
            .then(pl.lit(feed.home_country) + rest)
            .otherwise(national)
        )
    number = national
    for prefix in sorted(feed.international_prefixes, key=len):
        if prefix:
            number = (
                pl.when(text.str.starts_with(prefix))
                .then(text.str.slice(len(prefix)))
                .otherwise(number)
            )
    number = pl.when(text.str.starts_with("+")).then(text.str.slice(1)).otherwise(number)
    return pl.when(number.str.contains(_E164)).then(number).otherwise(pl.lit(""))


def numbers(raw: pl.Series, feed: Feed) -> pl.Series:
    """Normalise a column, the short way where every number is written in full already."""
    if (raw == "").all():
        return raw
    if raw.str.contains(_FULL).all():
        return raw.str.slice(1)
    return raw.to_frame("raw").select(e164("raw", feed)).to_series()


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


def normalise(frame: pl.DataFrame, feed: Feed, index: IdentifierIndex) -> pl.DataFrame:
    """Turn decoded rows with identity into usage events.

    Returns:
        Columns of UsageEvent, and reason (null where it is usage), detail, missing_ref.
    """
    frame = frame.with_columns(
        a_number=numbers(frame["a_raw"], feed),
        b_number=numbers(frame["b_raw"], feed),
        c_number=numbers(frame["c_raw"], feed),
        counted_in=pl.col("unit"),
        unit=pl.col("service").replace_strict(_UNITS, default="", return_dtype=pl.String),
        start_time=pl.col("start_us"),
        setup_time=pl.col("setup_us"),
        end_time=pl.col("end_us"),
        session_id=pl.col("session_key"),
        a_number_raw=pl.col("a_raw"),
        b_number_raw=pl.col("b_raw"),
        partner_id=pl.col("partner"),
        home_plmn=pl.lit(feed.home_plmn),
        quantity=pl.col("quantity").fill_null(0),
    ).with_columns(served_identifier=_served(feed))
    frame = _checked(resolve(frame, index))
    usage = conform(frame, UsageEvent)
    return usage.with_columns(frame.select("reason", "detail", "missing_ref").get_columns())
