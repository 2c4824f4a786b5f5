"""Asterisk channel event logging: what a channel went through, event by event.

Usage is the time from when a channel is answered until it is hung up, or its time in a bridge: the
events that begin and end it are parts of a session, which correlation joins; all others are set
aside and counted.

Source: Asterisk's cel_custom (the columns of its sample configuration) and cel_odbc (names).
"""

from typing import Literal

import polars as pl
from pydantic import BaseModel, Field

from schemas.reasons import Reason
from schemas.services import Unit
from tallywire.catalog.snapshot import Feed
from tallywire.mediation import values
from tallywire.mediation.decoded import Decoded, Frames, check_world, complete, refuse
from tallywire.mediation.decoders.asterisk import trunk_of
from tallywire.mediation.objects import object_frame, schema_of, text_at
from tallywire.mediation.patience import OfSpans
from tallywire.mediation.texts import split_fields, text_frame

_COLUMNS = (
    "eventtype", "eventtime", "cid_name", "cid_num", "cid_ani", "cid_rdnis", "cid_dnid", "exten",
    "context", "channame", "appname", "appdata", "amaflags", "accountcode", "uniqueid", "linkedid",
    "peer", "userfield", "userdeftype", "extra",
)  # fmt: skip
_USED = (
    "eventtype", "eventtime", "cid_num", "cid_ani", "cid_rdnis", "cid_dnid", "exten", "channame",
    "accountcode", "amaflags", "uniqueid", "linkedid", "peer", "extra",
)  # fmt: skip
_ENDS = {
    "answer": (("ANSWER",), ("HANGUP",)),
    "bridge": (("BRIDGE_ENTER", "BRIDGE_START"), ("BRIDGE_EXIT", "BRIDGE_END")),
}
_PATTERN = "%Y-%m-%d %H:%M:%S%.f"
_NEVER_ANSWERED = [1, 3, 17, 18, 19, 20, 21, 22, 26, 28]
"""Causes of Q.850 with which only a call that was not answered ends."""
_OMIT = ["1", "OMIT"]


class CelOptions(OfSpans, BaseModel):
    """Options of a feed of channel events.

    Attributes:
        layout: `csv` (cel_custom) or `json` (an object on each line).
        columns: What each field of a line is, in order; of no meaning for `json`.
        usage: `answer` (from answer to hangup of a channel) or `bridge` (its time in a bridge).
        legs: `originating`: only the channel that began a call is usage; `all`: every channel.
        early_answer: The dialplan answers calls before it dials (menus, queues): what dialling came
            to then does not tell whether a channel was answered.
        channels: With it, only channels that begin so are usage: trunks.
    """

    layout: Literal["csv", "json"] = "csv"
    columns: list[str] = Field(default=list(_COLUMNS), min_length=4, max_length=64)
    usage: Literal["answer", "bridge"] = "answer"
    legs: Literal["originating", "all"] = "originating"
    early_answer: bool = False
    channels: list[str] = []
    encoding: Literal["utf-8", "latin-1"] = "utf-8"


def _events(frames: Frames, options: CelOptions) -> pl.DataFrame:
    """Give place, reason, detail and the columns of events, as text."""
    if options.layout == "json":
        frame = object_frame(frames, schema_of(_USED))
        return frame.with_columns(text_at(name).fill_null("").alias(name) for name in _USED)
    frame = split_fields(
        text_frame(frames, options.encoding), ",", (len(options.columns),), quoted=True
    )
    place = {name: number for number, name in enumerate(options.columns)}
    return frame.with_columns(
        pl.col(f"f{place[name]}").fill_null("").alias(name) if name in place
        else pl.lit("").alias(name)
        for name in _USED
    )  # fmt: skip


def _said(name: str, place: int) -> pl.Expr:
    """Take a word out of `extra`: JSON of newer versions, a list of older ones."""
    extra = pl.col("extra")
    listed = extra.str.split(",").list.get(place, null_on_oob=True)
    written = extra.str.extract(rf'"{name}"\s*:\s*"?([^",}}]*)', 1)
    return pl.when(extra.str.starts_with("{")).then(written).otherwise(listed).fill_null("")


def decode(frames: Frames, feed: Feed) -> Decoded:
    """Decode channel events."""
    options = CelOptions.model_validate(feed.options)
    first, last = _ENDS[options.usage]
    wall = values.wall_time(pl.col("eventtime"), _PATTERN)
    local = values.from_wall(wall, feed.time_zone)
    since = values.epoch(pl.col("eventtime"), "seconds")
    frame = _events(frames, options).with_columns(
        pl.coalesce(since, local).alias("start_us"),
        values.offset_of(wall, local).alias("utc_offset_minutes"),
        pl.when(since.is_not_null()).then(pl.lit("derived")).otherwise(pl.lit("assumed"))
        .alias("clock_quality"),
        pl.col("eventtype").is_in(first).alias("is_first"),
        pl.col("eventtype").is_in(last).alias("is_last"),
        _said("hangupcause", 0).alias("cause"),
        _said("dialstatus", 2).alias("dialled"),
        _said("bridge_id", 64).alias("bridge"),
    )  # fmt: skip
    return Decoded(
        check_world(complete(_checked(frame.with_columns(_columns(options, feed)), options)))
    )


def _columns(options: CelOptions, feed: Feed) -> list[pl.Expr]:
    part = pl.col("is_first") | pl.col("is_last")
    in_bridge = pl.concat_str("uniqueid", "bridge", separator="\x1f")
    session = in_bridge if options.usage == "bridge" else pl.col("uniqueid")
    key = pl.concat_str(session, "eventtype", separator="\x1f")
    timed = pl.concat_str(key, "eventtime", "peer", separator="\x1f")
    # a channel may be answered by one application after another: the first holds
    once = part & pl.lit(options.usage == "answer")
    number = pl.when(pl.col("cid_num") != "").then("cid_num").otherwise("cid_ani")
    dialled = pl.when(pl.col("cid_dnid") != "").then("cid_dnid").otherwise("exten")
    columns = {
        "natural_key": pl.when(once).then(key).otherwise(timed),
        "content": pl.when(once).then(key),
        "session_key": session,
        "linked_id": pl.col("linkedid"),
        "kind": pl.when(part).then(pl.lit("partial")).otherwise(pl.lit("complete")),
        "join": pl.lit("span"),
        "quantity": pl.lit(0, dtype=pl.Int64),
        "unit": pl.lit(Unit.MICROSECOND.value),
        "setup_us": pl.col("start_us"),
        "end_us": pl.col("start_us"),
        "service": pl.lit(feed.service),
        "direction": pl.lit("mo"),
        "a_raw": number,
        "b_raw": dialled,
        "c_raw": pl.col("cid_rdnis"),
        "account_code": pl.col("accountcode"),
        "trunk_in": trunk_of(pl.col("channame")),
        "trunk_out": trunk_of(pl.col("peer")),
        "cause_q850": values.integer(pl.col("cause")).clip(0, 127),
    }
    return [expression.alias(name) for name, expression in columns.items()]


def _checked(frame: pl.DataFrame, options: CelOptions) -> pl.DataFrame:
    for name in ("eventtype", "uniqueid"):
        frame = refuse(
            frame, pl.col(name) == "", Reason.FIELD_MISSING, pl.lit(f"the event has no `{name}`")
        )
    part = pl.col("is_first") | pl.col("is_last")
    frame = refuse(
        frame,
        ~part,
        Reason.CONTROL_RECORD,
        pl.format("event {} begins and ends no usage", "eventtype"),
    )
    frame = refuse(
        frame, pl.col("start_us").is_null(), Reason.TIME_INVALID,
        pl.format("eventtime {} is neither seconds since 1970 nor a local time", "eventtime"),
    )  # fmt: skip
    if options.legs == "originating":
        frame = refuse(
            frame, pl.col("linkedid") != pl.col("uniqueid"), Reason.NOT_BILLABLE,
            pl.format("{} of a channel that did not begin the call", "eventtype"),
        )  # fmt: skip
    if options.channels:
        trunk = pl.any_horizontal(
            pl.col("channame").str.starts_with(prefix) for prefix in options.channels
        )
        frame = refuse(frame, ~trunk, Reason.NOT_BILLABLE, pl.lit("no channel of a trunk"))
    frame = refuse(
        frame, pl.col("amaflags").is_in(_OMIT), Reason.NOT_BILLABLE, pl.lit("marked OMIT")
    )
    if options.usage == "bridge" or options.early_answer:
        return frame
    refused = ~pl.col("dialled").is_in(["", "ANSWER"])
    other = values.integer(pl.col("cause")).is_in(_NEVER_ANSWERED)
    return refuse(
        frame, pl.col("is_last") & (refused | other), Reason.NOT_ANSWERED,
        pl.format("hung up, cause {} {}", "cause", "dialled"),
    )  # fmt: skip
