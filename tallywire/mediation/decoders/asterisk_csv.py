"""Asterisk cdr_csv: a line for each channel leg, local times, answered legs billed.

Source: Asterisk's cdr_csv module (Master.csv): 16 columns, then optionally uniqueid, userfield, and
peeraccount, linkedid, sequence. cdr_custom writes any columns; its times may be seconds since 1970,
with fractions.
"""

from typing import Literal

import polars as pl
from pydantic import BaseModel, ConfigDict, Field, field_validator

from schemas.reasons import Reason
from schemas.services import Unit
from tallywire.catalog.snapshot import Feed
from tallywire.mediation import values
from tallywire.mediation.decoded import Decoded, Frames, check_world, complete, refuse
from tallywire.mediation.decoders.asterisk import trunk_of
from tallywire.mediation.texts import split_fields, text_frame

_COLUMNS = (
    "accountcode", "src", "dst", "dcontext", "clid", "channel", "dstchannel", "lastapp", "lastdata",
    "start", "answer", "end", "duration", "billsec", "disposition", "amaflags", "uniqueid",
    "userfield", "peeraccount", "linkedid", "sequence",
)  # fmt: skip
_COUNTS = (16, 17, 18, 21)
_PATTERN = "%Y-%m-%d %H:%M:%S"
_FINE = f"{_PATTERN}%.f"
_NEEDED = ("src", "dst", "start", "answer", "end", "duration", "billsec", "disposition", "uniqueid")
_SECOND_US = 1_000_000
_NEAR_US = 900 * _SECOND_US


class AsteriskOptions(BaseModel):
    """Options of an Asterisk feed.

    Attributes:
        columns: What each field is, in order, where cdr_custom writes the file; empty: cdr_csv.
        system_name: Put into the natural key where several servers write one feed.
        outbound: Channels that are trunks begin so; with it only legs to a trunk are usage.
        times: `local` (the server's zone) or `utc` (usegmtime=yes).
    """

    model_config = ConfigDict(extra="forbid")

    columns: list[str] = Field(default=[], max_length=64)
    system_name: str = ""
    outbound: list[str] = []
    times: Literal["local", "utc"] = "local"
    encoding: Literal["utf-8", "latin-1"] = "utf-8"

    @field_validator("columns")
    @classmethod
    def _enough(cls, names: list[str]) -> list[str]:
        missing = sorted(set(_NEEDED) - set(names)) if names else []
        if missing:
            msg = f"`columns` does not name {', '.join(missing)}"
            raise ValueError(msg)
        return names


def _wall(name: str, options: AsteriskOptions) -> pl.Expr:
    """Read a wall-clock time; only cdr_custom writes fractions."""
    return values.wall_time(pl.col(name), _FINE if options.columns else _PATTERN)


def _instant(name: str, zone: str, epoch: pl.Expr, options: AsteriskOptions) -> pl.Expr:
    """Read a local time; where the clock shows it twice, the one nearer the call's epoch."""
    wall = _wall(name, options)
    early, late = values.from_wall(wall, zone), values.from_wall(wall, zone, later=True)
    found = pl.when((late - epoch).abs() < (early - epoch).abs()).then(late).otherwise(early)
    if not options.columns:
        return found
    since = values.epoch(pl.col(name), "seconds")
    return pl.coalesce(pl.when(since != 0).then(since), found)


def _split(frames: Frames, options: AsteriskOptions) -> pl.DataFrame:
    """Split lines into the columns of cdr_csv; those that are not written are empty."""
    names = tuple(options.columns) or _COLUMNS
    counts = (len(names),) if options.columns else _COUNTS
    frame = split_fields(text_frame(frames, options.encoding), ",", counts, quoted=True)
    place = {name: number for number, name in enumerate(names)}
    return frame.with_columns(
        pl.col(f"f{place[name]}").fill_null("").alias(name) if name in place
        else pl.lit("").alias(name)
        for name in _COLUMNS
    )  # fmt: skip


def decode(frames: Frames, feed: Feed) -> Decoded:
    """Decode lines of cdr_csv."""
    options = AsteriskOptions.model_validate(feed.options)
    frame = _split(frames, options)
    zone = "UTC" if options.times == "utc" else feed.time_zone
    epoch = (
        values.integer(pl.col("uniqueid").str.extract(r"([0-9]{9,11})\.[0-9]+$", 1)) * _SECOND_US
    )
    frame = frame.with_columns(
        _instant("start", zone, epoch, options).alias("setup_us"),
        _instant("answer", zone, epoch, options).alias("answer_us"),
        _instant("end", zone, epoch, options).alias("end_us"),
        values.duration(pl.col("duration"), "seconds").alias("duration_us"),
        values.duration(pl.col("billsec"), "seconds").alias("billed_us"),
        pl.lit(Unit.MICROSECOND.value).alias("unit"),
        _wall("start", options).alias("wall_us"),
        epoch.alias("epoch_us"),
    )
    fine = pl.all_horizontal(
        pl.col(name).str.contains(".", literal=True) for name in ("answer", "end")
    )
    frame = frame.with_columns(
        pl.when(fine & (pl.col("billed_us") > 0)).then(pl.col("end_us") - pl.col("answer_us"))
        .otherwise("billed_us").alias("quantity")
    )  # fmt: skip
    return Decoded(
        check_world(complete(_checked(frame.with_columns(_columns(options, feed)), options)))
    )


def _columns(options: AsteriskOptions, feed: Feed) -> list[pl.Expr]:
    sequence = pl.concat_str(pl.lit(options.system_name), "uniqueid", "sequence", separator="\x1f")
    without = pl.concat_str(
        pl.lit(options.system_name), "uniqueid", "channel", "dstchannel", "start", "lastapp",
        separator="\x1f",
    )  # fmt: skip
    derived = (pl.col("setup_us") - pl.col("epoch_us")).abs() < _NEAR_US
    return [
        pl.when(pl.col("sequence") != "").then(sequence).otherwise(without).alias("natural_key"),
        pl.coalesce("answer_us", "setup_us").alias("start_us"),
        values.offset_of(pl.col("wall_us"), pl.col("setup_us")).cast(pl.Int32)
        .alias("utc_offset_minutes"),
        pl.when(pl.lit(options.times == "utc")).then(pl.lit("explicit_zone"))
        .when(derived.fill_null(value=False)).then(pl.lit("derived"))
        .otherwise(pl.lit("assumed")).alias("clock_quality"),
        pl.col("src").alias("a_raw"),
        pl.col("dst").alias("b_raw"),
        pl.col("accountcode").alias("account_code"),
        trunk_of(pl.col("channel")).alias("trunk_in"),
        trunk_of(pl.col("dstchannel")).alias("trunk_out"),
        pl.col("linkedid").alias("linked_id"),
        pl.col("uniqueid").alias("session_key"),
        pl.col("disposition").alias("cause"),
        pl.lit(feed.service).alias("service"),
        pl.lit("mo").alias("direction"),
        pl.col("lastapp").alias("usage_type"),
    ]  # fmt: skip


def _checked(frame: pl.DataFrame, options: AsteriskOptions) -> pl.DataFrame:
    frame = refuse(
        frame, pl.col("setup_us").is_null() | pl.col("end_us").is_null(), Reason.TIME_INVALID,
        pl.format("start {} or end {} is no local time", "start", "end"),
    )  # fmt: skip
    frame = refuse(
        frame, pl.col("billed_us").is_null() | pl.col("duration_us").is_null(),
        Reason.NUMBER_INVALID,
        pl.format("duration {} or billsec {} is no number", "duration", "billsec"),
    )  # fmt: skip
    answered = (pl.col("disposition") == "ANSWERED") & (pl.col("billed_us") > 0)
    too_long = pl.col("billed_us") > pl.col("duration_us")
    frame = refuse(
        frame, (pl.col("disposition") == "ANSWERED") & (too_long | (pl.col("billed_us") < 0)),
        Reason.DURATION_INCONSISTENT,
        pl.format("billsec {} is more than duration {}", "billsec", "duration"),
    )  # fmt: skip
    gap = (pl.col("end_us") - pl.col("answer_us") - pl.col("billed_us")).abs()
    frame = refuse(
        frame, answered & (gap > _SECOND_US), Reason.DURATION_INCONSISTENT,
        pl.format("billsec {} is not answer {} to end {}", "billsec", "answer", "end"),
    )  # fmt: skip
    late = (
        pl.when(pl.col("answer") != "").then(pl.lit(", with an answer time")).otherwise(pl.lit(""))
    )
    frame = refuse(
        frame, ~answered, Reason.NOT_ANSWERED, pl.format("disposition {}{}", "disposition", late)
    )
    frame = refuse(
        frame, pl.col("amaflags").is_in(["OMIT", "1"]), Reason.NOT_BILLABLE,
        pl.lit("the dialplan marks it OMIT"),
    )  # fmt: skip
    if options.outbound:
        trunk = pl.any_horizontal(
            [pl.col("dstchannel").str.starts_with(prefix) for prefix in options.outbound]
        )
        frame = refuse(frame, ~trunk, Reason.NOT_ANSWERED, pl.lit("no leg to a trunk"))
    return frame
