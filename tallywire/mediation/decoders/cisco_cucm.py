"""Cisco Unified CM call detail and call management records: CSV whose first line names the columns.

A second line tells SQL types. CDRs (`cdrRecordType` 1) are calls, CMRs (2) the quality of their
media: those say nothing that is charged, and are set aside with what they say. Files of both kinds
may be one feed, each is read by its own header.

Source: Cisco Call Detail Records Administration Guide: field descriptions, cause codes,
OnBehalfOf codes.
"""

from functools import lru_cache
from typing import Literal

import polars as pl
from pydantic import BaseModel, ConfigDict

from schemas.reasons import Reason
from schemas.services import Unit
from tallywire.catalog.snapshot import Feed
from tallywire.mediation import values
from tallywire.mediation.decoded import (
    Decoded,
    Frames,
    check_world,
    complete,
    refuse,
)
from tallywire.mediation.framing import Framing, Lines
from tallywire.mediation.texts import fields_of, split_fields, text_frame

_MOST_COLUMNS = 512
_SECOND_US = 1_000_000
_CALL, _QUALITY = "1", "2"
_SPLIT = ["126", "393216"]
_MACHINES = ["27", "28"]  # recording, monitoring
_USED = (
    "cdrRecordType", "globalCallID_callManagerId", "globalCallID_callId", "globalCallId_ClusterID",
    "origLegCallIdentifier", "destLegIdentifier", "dateTimeOrigination", "dateTimeConnect",
    "dateTimeDisconnect", "duration", "pkid", "origIpAddr", "destIpAddr", "origIpv4v6Addr",
    "destIpv4v6Addr", "callingPartyNumber", "callingPartyUnicodeLoginUserID",
    "originalCalledPartyNumber", "finalCalledPartyNumber", "lastRedirectDn", "origCause_value",
    "destCause_value", "origDeviceName", "destDeviceName", "callingPartyNumberPartition",
    "finalCalledPartyNumberPartition", "origCalledPartyRedirectOnBehalfOf",
    "lastRedirectRedirectOnBehalfOf", "joinOnBehalfOf", "authCodeDescription",
    "clientMatterCode", "callIdentifier", "numberPacketsReceived", "numberPacketsLost", "jitter",
    "latency",
)  # fmt: skip
_NEEDED = ("cdrRecordType", "pkid")


class CucmOptions(BaseModel):
    """Options of a Unified CM feed.

    Attributes:
        split_legs: What a leg is that ends by a transfer or conference (`call split`): `set_aside`,
            where another record stands for the call, or `usage`, where every leg is charged for
            its own time.
    """

    model_config = ConfigDict(extra="forbid")

    split_legs: Literal["set_aside", "usage"] = "set_aside"
    encoding: Literal["utf-8", "latin-1"] = "utf-8"


def framing(_feed: Feed) -> Framing:
    """The first line names the columns."""
    return Lines(1)


@lru_cache(maxsize=16)
def _names(header: bytes, encoding: str) -> tuple[str, ...]:
    """Read the header line; nothing where it is none of this format."""
    try:
        names = fields_of(header.decode(encoding).strip("\r\n\ufeff"), ",") or []
    except UnicodeDecodeError:
        return ()
    good = len(names) <= _MOST_COLUMNS and len(set(names)) == len(names)
    return tuple(names) if good and set(_NEEDED) <= set(names) else ()


def decode(frames: Frames, feed: Feed) -> Decoded:
    """Decode lines by the names in the header of their file."""
    options = CucmOptions.model_validate(feed.options)
    names = _names(frames.prologue, options.encoding)
    frame = text_frame(frames, options.encoding)
    text = pl.col("text")
    begins = text.str.strip_chars_start('\ufeff"')
    header = begins.str.starts_with("cdrRecordType") & pl.lit(bool(names))
    for what, is_so in (
        ("the names of the columns", header),
        ("the types of the columns", begins.str.starts_with("INTEGER,") & pl.lit(bool(names))),
    ):  # fmt: skip
        frame = refuse(frame, is_so, Reason.CONTROL_RECORD, pl.lit(what))
    if not names:
        frame = refuse(
            frame, pl.lit(value=True), Reason.RECORD_UNREADABLE,
            pl.lit("the file's first line does not name the columns of Unified CM records"),
        )  # fmt: skip
    frame = frame.with_columns(pl.when(pl.col("reason").is_null()).then("text").alias("text"))
    frame = split_fields(frame, ",", (len(names) or 1,), quoted=True)
    place = {name: number for number, name in enumerate(names)}
    frame = frame.with_columns(
        (pl.col(f"f{place[name]}").fill_null("").str.strip_chars(" ") if name in place
         else pl.lit("")).alias(f"x.{name}")
        for name in _USED
    )  # fmt: skip
    frame = frame.with_columns(
        _moment("dateTimeOrigination").alias("setup_us"),
        _moment("dateTimeConnect").alias("answer_us"),
        _moment("dateTimeDisconnect").alias("end_us"),
        values.duration(pl.col("x.duration"), "seconds").alias("duration_us"),
    )
    return Decoded(check_world(complete(_checked(frame.with_columns(_columns(feed)), options))))


def _moment(name: str) -> pl.Expr:
    """Read seconds since 1970; 0 means that it never came."""
    found = values.integer(pl.col(f"x.{name}"))
    return pl.when(found.is_between(1, 9_999_999_999)).then(found * _SECOND_US)


def address(number: pl.Expr) -> pl.Expr:
    """Write an IPv4 address that is a signed number, its first byte the lowest.

    >>> pl.select(address(pl.lit("-2130706422"))).item()
    '10.0.0.129'
    """
    whole = values.integer(number)
    good = pl.when(whole.is_between(-(2**31), 2**31 - 1) & (whole != 0)).then(whole)
    unsigned = pl.when(good < 0).then(good + 2**32).otherwise(good)
    return pl.concat_str([(unsigned // 256**place) % 256 for place in range(4)], separator=".")


def _columns(feed: Feed) -> list[pl.Expr]:
    call = pl.concat_str(
        "x.globalCallId_ClusterID", "x.globalCallID_callManagerId", "x.globalCallID_callId",
        separator=":",
    )  # fmt: skip
    redirected = pl.col("x.lastRedirectDn")
    matter = pl.col("x.clientMatterCode")
    attributes = {
        "from_partition": pl.col("x.callingPartyNumberPartition"),
        "to_partition": pl.col("x.finalCalledPartyNumberPartition"),
        "to_ip": _ip("dest"),
        "first_called": pl.col("x.originalCalledPartyNumber"),
    }
    columns = {
        "natural_key": pl.when(pl.col("x.pkid") != "").then("x.pkid"),
        "linked_id": call,
        "session_key": pl.concat_str(call, "x.dateTimeOrigination", separator=":"),
        "start_us": pl.coalesce("answer_us", "setup_us"),
        "quantity": pl.col("end_us") - pl.col("answer_us"),
        "unit": pl.lit(Unit.MICROSECOND.value),
        "clock_quality": pl.lit("derived"),
        "service": pl.lit(feed.service),
        "direction": pl.lit("mo"),
        "a_raw": pl.col("x.callingPartyNumber"),
        "b_raw": pl.col("x.finalCalledPartyNumber"),
        "c_raw": pl.when(redirected != pl.col("x.finalCalledPartyNumber")).then(redirected),
        "user_name": pl.col("x.callingPartyUnicodeLoginUserID"),
        "account_code": pl.when(matter != "").then(matter).otherwise("x.authCodeDescription"),
        "trunk_in": pl.col("x.origDeviceName"),
        "trunk_out": pl.col("x.destDeviceName"),
        "ip": _ip("orig"),
        "cause": _cause().cast(pl.String),
        "cause_q850": pl.when(_cause().is_between(0, 127)).then(_cause()),
        "attributes": values.attributes(attributes),
    }
    return [expression.alias(name) for name, expression in columns.items()]


def _ip(side: str) -> pl.Expr:
    """Give a side's address: as text where the record has it so."""
    text = pl.col(f"x.{side}Ipv4v6Addr")
    return pl.when(text != "").then(text).otherwise(address(pl.col(f"x.{side}IpAddr")))


def _cause() -> pl.Expr:
    """Give the cause of the side that released first: the other's is 0."""
    side = pl.col("x.origCause_value")
    return values.integer(pl.when(side.is_in(["", "0"])).then("x.destCause_value").otherwise(side))


def _checked(frame: pl.DataFrame, options: CucmOptions) -> pl.DataFrame:
    kind = pl.col("x.cdrRecordType")
    frame = refuse(
        frame, kind == _QUALITY, Reason.CONTROL_RECORD,
        pl.format("quality of leg {}: {} of {} packets lost, jitter {} ms, latency {} ms",
                  *(f"x.{name}" for name in ("callIdentifier", "numberPacketsLost",
                    "numberPacketsReceived", "jitter", "latency"))),
    )  # fmt: skip
    frame = refuse(
        frame, kind != _CALL, Reason.RECORD_TYPE_UNKNOWN, pl.format("cdrRecordType {}", kind)
    )
    frame = refuse(frame, pl.col("x.pkid") == "", Reason.FIELD_MISSING, pl.lit("has no pkid"))
    cause = pl.col("cause").fill_null("that is no number")
    machine = pl.any_horizontal(
        pl.col(f"x.{name}").is_in(_MACHINES)
        for name in ("origCalledPartyRedirectOnBehalfOf", "lastRedirectRedirectOnBehalfOf",
                     "joinOnBehalfOf")
    )  # fmt: skip
    frame = refuse(
        frame, machine, Reason.NOT_BILLABLE,
        pl.format("a leg of recording or monitoring, to {}, cause {}", "x.destDeviceName", cause),
    )  # fmt: skip
    causes = (pl.col("x.origCause_value"), pl.col("x.destCause_value"))
    if options.split_legs == "set_aside":
        split = pl.any_horizontal(one.is_in(_SPLIT) for one in causes)
        frame = refuse(
            frame, split, Reason.NOT_BILLABLE,
            pl.format("call split by transfer or conference after {} s: cause {}",
                      "x.duration", cause),
        )  # fmt: skip
    never = pl.col("x.dateTimeConnect") == "0"
    frame = refuse(frame, never, Reason.NOT_ANSWERED, pl.format("never connected, cause {}", cause))
    return _measured(frame)


def _measured(frame: pl.DataFrame) -> pl.DataFrame:
    """Hold the duration against the times."""
    frame = refuse(
        frame, pl.col("answer_us").is_null() | pl.col("end_us").is_null(), Reason.TIME_INVALID,
        pl.format("connected {} or disconnected {} is no time", "x.dateTimeConnect",
                  "x.dateTimeDisconnect"),
    )  # fmt: skip
    frame = refuse(
        frame, pl.col("duration_us").is_null(), Reason.NUMBER_INVALID,
        pl.format("duration {} is no number", "x.duration"),
    )  # fmt: skip
    frame = refuse(
        frame, (pl.col("quantity") - pl.col("duration_us")).abs() > _SECOND_US,
        Reason.DURATION_INCONSISTENT,
        pl.format("duration {} is not connect {} to disconnect {}", "x.duration",
                  "x.dateTimeConnect", "x.dateTimeDisconnect"),
    )  # fmt: skip
    return refuse(
        frame, pl.col("quantity") == 0, Reason.ZERO_USAGE, pl.lit("connected for no whole second")
    )
