"""SIP transactions as the `acc` module of Kamailio and OpenSIPS writes them: two rows are a call.

A call is the row of an INVITE that was answered and the row of its BYE. Which comes first, in which
file, and which of the two parties hung up does not matter: both name one session, and correlation
joins them from the first's time to the last's.

Source: Kamailio and OpenSIPS modules acc and db_flatstore; RFC 3261 12 (dialogs), 15.1.1 (whoever
sends a BYE has ended the call, whatever the answer is).
"""

from typing import Literal

import polars as pl
from pydantic import BaseModel, Field, model_validator

from schemas.reasons import Reason
from schemas.services import Unit
from tallywire.catalog.snapshot import Feed
from tallywire.mediation import values
from tallywire.mediation.decoded import Decoded, Frames, check_world, complete, refuse
from tallywire.mediation.decoders.declared_options import TextField
from tallywire.mediation.patience import OfSpans
from tallywire.mediation.texts import split_fields, text_frame

_STANDARD = ("method", "from_tag", "to_tag", "callid", "sip_code", "sip_reason", "time")
_SYSLOG = {
    "method": "method", "from_tag": "from_tag", "to_tag": "to_tag", "callid": "call_id",
    "sip_code": "code", "sip_reason": "reason", "time": "timestamp",
}  # fmt: skip
_LOGGED = r"ACC: (?:transaction answered|call missed|request acknowledged|request accounted): "
_PATTERN = "%Y-%m-%d %H:%M:%S"
_NAME = r"^[A-Za-z_][A-Za-z0-9_]{0,63}$"


class SipAccOptions(OfSpans, BaseModel):
    """Options of a feed of SIP transactions.

    Attributes:
        layout: `flatstore` (fields between separators), `csv` (fields may stand in quotes) or
            `syslog` (`name=value;` behind `ACC: `).
        separator: Between fields; empty: `|` of flatstore, `,` of csv.
        columns: What each field is, in order: the names acc gives them, names of your own for what
            else it writes, `-` for what is not used. Of no meaning for syslog.
        fields: Field of usage to the name of what holds it.
        dialog: Name of what holds the dialog's id, where one is written; empty: Call-ID and tags.
        begins: What an answered call begins with: its `invite`, or the `ack`, where only that one
            carries a time.
    """

    layout: Literal["flatstore", "csv", "syslog"] = "flatstore"
    separator: str = Field(default="", max_length=1)
    columns: list[str] = Field(default=list(_STANDARD), min_length=7, max_length=256)
    fields: dict[TextField, str] = {}
    dialog: str = ""
    begins: Literal["invite", "ack"] = "invite"
    encoding: Literal["utf-8", "latin-1"] = "utf-8"

    @model_validator(mode="after")
    def _known(self) -> "SipAccOptions":
        named = [name for name in self.columns if name != "-"]
        if len(named) != len(set(named)):
            msg = "`columns` names a column twice"
            raise ValueError(msg)
        if self.layout != "syslog":
            wanted = {*_STANDARD, *self.fields.values(), *({self.dialog} - {""})}
            if missing := sorted(wanted - set(named)):
                msg = f"`columns` does not name {', '.join(missing)}"
                raise ValueError(msg)
        return self

    @property
    def wanted(self) -> list[str]:
        """Name everything that is read, once."""
        own = sorted({*self.fields.values(), *({self.dialog} - {""})} - set(_STANDARD))
        return [*_STANDARD, *own]


def _columns_of(frame: pl.DataFrame, options: SipAccOptions) -> pl.DataFrame:
    """Split lines into what is read of them."""
    if options.layout == "syslog":
        return _logged(frame, options)
    separator = options.separator or ("|" if options.layout == "flatstore" else ",")
    quoted = options.layout == "csv"
    frame = split_fields(frame, separator, (len(options.columns),), quoted=quoted)
    place = {name: number for number, name in enumerate(options.columns)}
    return frame.with_columns(
        pl.col(f"f{place[name]}").fill_null("").str.strip_chars(" ").alias(f"x.{name}")
        for name in options.wanted
    )


def _logged(frame: pl.DataFrame, options: SipAccOptions) -> pl.DataFrame:
    """Read `name=value;` of lines that acc wrote; other lines of the log are set aside."""
    text = pl.col("text")
    frame = refuse(
        frame, ~text.str.contains(_LOGGED), Reason.CONTROL_RECORD, pl.lit("another line of the log")
    )
    frame = frame.with_columns(text.str.extract(rf"{_LOGGED}(.*)$", 1).alias("said"))

    def named(name: str) -> pl.Expr:
        found = pl.col("said").str.extract(rf"(?:^|;){name}=([^;]*)", 1)
        return found.fill_null("").str.strip_chars(" ")

    return frame.with_columns(
        named(_SYSLOG.get(name, name)).alias(f"x.{name}") for name in options.wanted
    )


def _is_final(*kinds: str) -> pl.Expr:
    return pl.col("x.sip_code").str.contains(f"^[{''.join(kinds)}][0-9]{{2}}$")


def decode(frames: Frames, feed: Feed) -> Decoded:
    """Decode transactions."""
    options = SipAccOptions.model_validate(feed.options)
    frame = _columns_of(text_frame(frames, options.encoding), options)
    text = pl.col("x.time")
    wall = values.wall_time(text, _PATTERN)
    local = values.from_wall(wall, feed.time_zone)
    since = values.epoch(text, "seconds")
    method = pl.col("x.method").str.to_uppercase()
    frame = frame.with_columns(
        pl.when(since != 0).then(since).otherwise(local).alias("start_us"),
        values.offset_of(wall, local).alias("utc_offset_minutes"),
        pl.when(since.is_not_null()).then(pl.lit("derived")).otherwise(pl.lit("assumed"))
        .alias("clock_quality"),
        ((method == options.begins.upper()) & _is_final("2")).alias("is_first"),
        ((method == "BYE") & ~pl.col("x.sip_code").is_in(["401", "407"])).alias("is_last"),
        method.alias("method"),
    )  # fmt: skip
    frame = _checked(frame.with_columns(_columns(options, feed)), options)
    return Decoded(check_world(complete(frame)))


def _columns(options: SipAccOptions, feed: Feed) -> list[pl.Expr]:
    one = pl.min_horizontal("x.from_tag", "x.to_tag")
    two = pl.max_horizontal("x.from_tag", "x.to_tag")
    tags = pl.concat_str("x.callid", one, two, separator="\x1f")
    session = tags
    if options.dialog:
        own = pl.col(f"x.{options.dialog}")
        session = pl.when(own != "").then(own).otherwise(tags)
    part = pl.col("is_first") | pl.col("is_last")
    # what is repeated or sent again within a call says nothing new: the first of its kind holds
    kept = pl.concat_str(tags, "method", separator="\x1f")
    other = pl.concat_str(tags, "method", "x.sip_code", "x.time", separator="\x1f")
    columns = {
        "natural_key": pl.when(part).then(kept).otherwise(other),
        "content": pl.when(part).then(kept),
        "session_key": session,
        "linked_id": pl.col("x.callid"),
        "kind": pl.when(part).then(pl.lit("partial")).otherwise(pl.lit("complete")),
        "join": pl.lit("span"),
        "quantity": pl.lit(0, dtype=pl.Int64),
        "unit": pl.lit(Unit.MICROSECOND.value),
        "setup_us": pl.col("start_us"),
        "end_us": pl.col("start_us"),
        "service": pl.lit(feed.service),
        "direction": pl.lit("mo"),
        "cause": pl.concat_str("x.sip_code", "x.sip_reason", separator=" "),
    }
    columns |= {name: pl.col(f"x.{column}") for name, column in options.fields.items()}
    return [expression.alias(name) for name, expression in columns.items()]


def _checked(frame: pl.DataFrame, options: SipAccOptions) -> pl.DataFrame:
    method = pl.col("method")
    frame = refuse(
        frame, method == "", Reason.FIELD_MISSING, pl.lit("names no method of a transaction")
    )
    frame = refuse(frame, pl.col("x.callid") == "", Reason.FIELD_MISSING, pl.lit("has no Call-ID"))
    frame = refuse(
        frame, ~_is_final("1", "2", "3", "4", "5", "6"), Reason.NUMBER_INVALID,
        pl.format("{} is no status of SIP", "x.sip_code"),
    )  # fmt: skip
    failed = (method == "INVITE") & _is_final("3", "4", "5", "6")
    frame = refuse(
        frame,
        failed | (method == "CANCEL"),
        Reason.NOT_ANSWERED,
        pl.format("{} {}", method, "cause"),
    )
    part = pl.col("is_first") | pl.col("is_last")
    frame = refuse(
        frame, part & (pl.col("x.from_tag") == ""), Reason.FIELD_MISSING,
        pl.lit("has no From tag, so its call cannot be known"),
    )  # fmt: skip
    untimed = part & pl.col("start_us").is_null()
    advice = "" if options.begins == "ack" else "; if its ACK carries it, set `begins: ack`"
    frame = refuse(
        frame, untimed, Reason.TIME_INVALID,
        pl.format("time '{}' of {} is no time" + advice, "x.time", method),
    )  # fmt: skip
    opening = (method == "INVITE") & _is_final("2")
    frame = refuse(
        frame, opening & ~pl.col("is_first"), Reason.SESSION_OPENED,
        pl.lit("its ACK carries the time when the call began"),
    )  # fmt: skip
    return refuse(
        frame,
        ~part,
        Reason.CONTROL_RECORD,
        pl.format("{} {} is no part of a call", method, "cause"),
    )
