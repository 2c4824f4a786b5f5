"""What FreeSWITCH's two call record formats have in common: variables to usage.

Source: FreeSWITCH mod_json_cdr and mod_cdr_csv; every variable is text. `*_uepoch` are microseconds
UTC, and answer to end is what is billed; `billsec` is rounded.
"""

import polars as pl

from schemas.reasons import Reason
from schemas.services import Unit
from tallywire.catalog.snapshot import Feed
from tallywire.mediation import values
from tallywire.mediation.decoded import check_world, complete, refuse

VARIABLES = (
    "uuid", "caller_id_number", "destination_number", "start_uepoch", "answer_uepoch", "end_uepoch",
    "start_epoch", "answer_epoch", "end_epoch", "start_stamp", "answer_stamp", "end_stamp",
    "uduration", "billusec", "mduration", "billmsec", "duration", "billsec", "hangup_cause",
    "hangup_cause_q850", "accountcode", "bleg_uuid", "context", "direction",
)  # fmt: skip
_PATTERN = "%Y-%m-%d %H:%M:%S"
_UNITS = {"microseconds": "u", "seconds": ""}
_ROUNDING_US = 1_000_000


def _moment(name: str, zone: str) -> pl.Expr:
    """Read an instant from the finest form there is; 0 means it never came."""
    micros = values.epoch(pl.col(f"{name}_uepoch"), "microseconds")
    seconds = values.epoch(pl.col(f"{name}_epoch"), "seconds")
    stamp = values.from_wall(values.wall_time(pl.col(f"{name}_stamp"), _PATTERN), zone)
    found = pl.coalesce(micros, seconds, stamp)
    return pl.when(found != 0).then(found)


def _length(fine: str, middle: str, coarse: str) -> pl.Expr:
    return pl.coalesce(
        values.duration(pl.col(fine), "microseconds"),
        values.duration(pl.col(middle), "milliseconds"),
        values.duration(pl.col(coarse), "seconds"),
    )


def _offset(zone: str) -> pl.Expr:
    """Give the offset that a stamp shows, minutes; none where an epoch tells the time."""
    wall = values.wall_time(pl.col("start_stamp"), _PATTERN)
    by_stamp = pl.col("start_epoch") + pl.col("start_uepoch") == ""
    return pl.when(by_stamp).then(values.offset_of(wall, values.from_wall(wall, zone)))


def usage_of(frame: pl.DataFrame, feed: Feed, legs: str = "all") -> pl.DataFrame:
    """Turn rows of variables, as text, into decoded rows.

    Args:
        frame: Place columns, reason, detail, and any of VARIABLES; absent ones are empty.
        feed: Its zone reads stamps.
        legs: `inbound` or `outbound`: legs of the other direction are set aside; `all`: none are.
    """
    absent = [pl.lit("").alias(name) for name in VARIABLES if name not in frame.columns]
    frame = frame.with_columns(absent).with_columns(pl.col(VARIABLES).fill_null(""))
    zone = feed.time_zone
    frame = frame.with_columns(
        pl.col("direction").alias("way"),
        _moment("start", zone).alias("setup_us"),
        _moment("answer", zone).alias("answer_us"),
        _moment("end", zone).alias("stop_us"),
        _length("uduration", "mduration", "duration").alias("duration_us"),
        _length("billusec", "billmsec", "billsec").alias("billed_us"),
    )
    exact = pl.col("stop_us") - pl.col("answer_us")
    fine = (pl.col("answer_uepoch") != "") & (pl.col("end_uepoch") != "")
    begun = pl.coalesce(
        "answer_us", pl.col("setup_us") + pl.col("duration_us") - pl.col("billed_us"), "setup_us"
    )
    frame = frame.with_columns(
        pl.when(fine & exact.is_not_null()).then(exact).otherwise("billed_us").alias("quantity"),
        pl.lit(Unit.MICROSECOND.value).alias("unit"),
        begun.alias("start_us"),
        pl.coalesce("stop_us", begun + pl.col("billed_us")).alias("end_us"),
        pl.col("uuid").alias("natural_key"),
        pl.when(pl.col("bleg_uuid") != "").then("bleg_uuid").otherwise("uuid").alias("linked_id"),
        pl.col("uuid").alias("session_key"),
        pl.col("caller_id_number").alias("a_raw"),
        pl.col("destination_number").alias("b_raw"),
        pl.col("accountcode").alias("account_code"),
        pl.col("hangup_cause").alias("cause"),
        values.integer(pl.col("hangup_cause_q850")).clip(0, 127).alias("cause_q850"),
        pl.lit(feed.service).alias("service"),
        pl.lit("mo").alias("direction"),
        pl.when(pl.col("start_epoch") + pl.col("start_uepoch") != "").then(pl.lit("explicit_zone"))
        .otherwise(pl.lit("assumed")).alias("clock_quality"),
        _offset(zone).alias("utc_offset_minutes"),
    )  # fmt: skip
    return check_world(complete(_checked(frame, legs)))


def _checked(frame: pl.DataFrame, legs: str) -> pl.DataFrame:
    frame = refuse(
        frame, pl.col("uuid") == "", Reason.FIELD_MISSING, pl.lit("the variable `uuid` is missing")
    )
    frame = refuse(
        frame, pl.col("setup_us").is_null(), Reason.TIME_INVALID,
        pl.lit("no start time: start_uepoch, start_epoch and start_stamp are empty or unreadable"),
    )  # fmt: skip
    frame = refuse(
        frame, pl.col("billed_us").is_null() | pl.col("duration_us").is_null(),
        Reason.NUMBER_INVALID, pl.lit("duration or billsec is missing or no number"),
    )  # fmt: skip
    wrong = pl.col("billed_us") > pl.col("duration_us") + _ROUNDING_US
    apart = (pl.col("quantity") - pl.col("billed_us")).abs() > _ROUNDING_US
    frame = refuse(
        frame, wrong | apart | (pl.col("quantity") < 0), Reason.DURATION_INCONSISTENT,
        pl.format("billed {} us of {} us does not fit answer to end", "billed_us", "duration_us"),
    )  # fmt: skip
    frame = refuse(
        frame, pl.col("quantity") == 0, Reason.NOT_ANSWERED, pl.format("cause {}", "hangup_cause")
    )
    other = {"inbound": "outbound", "outbound": "inbound"}.get(legs, "")
    return refuse(
        frame, (pl.col("way") == other) & (pl.col("way") != ""), Reason.NOT_BILLABLE,
        pl.format("the {} leg of a call", "way"),
    )  # fmt: skip
