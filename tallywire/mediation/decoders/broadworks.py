"""Cisco BroadWorks accounting: XML, numbered by each application server, times in UTC.

A file begins with a `Start` record and ends with an `End` record, and `eventCounter` counts on by
one from record to record of a server: what is missing between them is known by number.

Source: BroadWorks Accounting Call Detail Record Interface Specification: headerModule, basicModule,
centrexModule, ipModule.
"""

from typing import Literal

import polars as pl
from pydantic import BaseModel, ConfigDict, Field

from schemas.reasons import Reason
from schemas.services import Unit
from tallywire.catalog.snapshot import Feed
from tallywire.mediation import values
from tallywire.mediation.decoded import Decoded, Frames, check_world, complete, refuse
from tallywire.mediation.elements_table import element_frame
from tallywire.mediation.framing import Elements, Framing

_PATHS = {
    "counter": "headerModule/recordId/eventCounter",
    "system": "headerModule/recordId/systemId",
    "date": "headerModule/recordId/date",
    "type": "headerModule/type",
    "provider": "headerModule/serviceProvider",
    "calling": "basicModule/callingNumber",
    "user_number": "basicModule/userNumber",
    "called": "basicModule/calledNumber",
    "dialed": "basicModule/dialedDigits",
    "way": "basicModule/direction",
    "call_type": "basicModule/asCallType",
    "begun": "basicModule/startTime",
    "zone": "basicModule/userTimeZone",
    "local_call": "basicModule/localCallId",
    "answer": "basicModule/answerIndicator",
    "answered": "basicModule/answerTime",
    "released": "basicModule/releaseTime",
    "cause": "basicModule/terminationCause",
    "charge": "basicModule/chargeIndicator",
    "user": "basicModule/userId",
    "group": "centrexModule/group",
    "account": "centrexModule/accountCode",
    "trunk": "centrexModule/trunkGroupName",
    "route": "ipModule/route",
    "network_call": "ipModule/networkCallID",
    "device": "ipModule/accessDeviceAddress",
}
_PATTERN = "%Y%m%d%H%M%S%.3f"
_TIME = r"^[0-9]{14}\.[0-9]{3}$"
_ZONE = r"^[01]?([+-])([0-9]{2})([0-9]{2})(?:[0-9]{2})?$"
_RUNNING = ("Long Duration", "Interim", "Duration")
_USAGE = ("Normal", *_RUNNING)
_MARKS = ("Start", "End")


class BroadworksOptions(BaseModel):
    """Options of a BroadWorks feed.

    Attributes:
        prefix: How names of elements begin, where they have a prefix, for example `bw:`.
        long_calls: `whole`: records of a call that goes on are set aside, since its last record
            holds all of it; `parts`: each holds a part from its own answer to its own release.
        encoding: Of the file; empty: what it declares.
    """

    model_config = ConfigDict(extra="forbid")

    prefix: str = Field(default="", pattern=r"^([A-Za-z_][\w.-]*:)?$")
    long_calls: Literal["whole", "parts"] = "whole"
    encoding: Literal["", "utf-8", "iso-8859-1"] = ""


def framing(feed: Feed) -> Framing:
    """A record is a `cdrData`."""
    return Elements((_record(BroadworksOptions.model_validate(feed.options)),))


def _record(options: BroadworksOptions) -> str:
    return f"{options.prefix}cdrData"


def _moment(name: str) -> pl.Expr:
    """Read a time, UTC with three decimals."""
    written = pl.when(pl.col(name).str.contains(_TIME)).then(pl.col(name))
    return values.wall_time(written, _PATTERN)


def _offset() -> pl.Expr:
    """Read `1+020000`: whether summer time is on, then the offset with it."""
    parts = pl.col("zone").str.extract_groups(_ZONE)
    hours, minutes = (parts.struct.field(name).cast(pl.Int32) for name in ("2", "3"))
    size = hours * 60 + minutes
    return pl.when(parts.struct.field("1") == "-").then(0 - size).otherwise(size)


def decode(frames: Frames, feed: Feed) -> Decoded:
    """Decode `cdrData` elements."""
    options = BroadworksOptions.model_validate(feed.options)
    prefix = options.prefix
    paths = {
        name: "/".join(prefix + part for part in path.split("/")) for name, path in _PATHS.items()
    }
    frame = element_frame(frames, [_record(options)], list(paths.values()), options.encoding)
    frame = frame.rename({path: name for name, path in paths.items()})
    frame = frame.with_columns(
        _moment("date").alias("date_us"), _moment("begun").alias("setup_us"),
        _moment("answered").alias("answer_us"), _moment("released").alias("end_us"),
        values.integer(pl.col("counter")).alias("node_sequence"), _offset().alias("offset"),
    )  # fmt: skip
    frame = _checked(frame.with_columns(_columns(feed)), options)
    ends = frame.filter(pl.col("node_mark") == "end")
    return Decoded(check_world(complete(frame)), {} if ends.is_empty() else {"trailer_found": 1})


def _columns(feed: Feed) -> list[pl.Expr]:
    is_record = pl.col("counter") != ""
    key = pl.concat_str("system", "counter", separator="\x1f")
    length = pl.col("end_us") - pl.col("answer_us")
    attributes = {"service_provider": "provider", "answer": "answer", "charge": "charge"}
    return [
        pl.when(is_record).then(key).alias("natural_key"),
        pl.col("system").alias("node"),
        pl.when(pl.col("type").is_in(_MARKS)).then(pl.col("type").str.to_lowercase())
        .alias("node_mark"),
        pl.coalesce("answer_us", "setup_us", "date_us").alias("start_us"),
        length.alias("quantity"),
        length.alias("duration_us"),
        pl.lit(Unit.MICROSECOND.value).alias("unit"),
        pl.col("offset").alias("utc_offset_minutes"),
        pl.lit("explicit_zone").alias("clock_quality"),
        pl.lit(feed.service).alias("service"),
        pl.when(pl.col("way") == "Terminating").then(pl.lit("mt")).otherwise(pl.lit("mo"))
        .alias("direction"),
        pl.col("call_type").alias("usage_type"),
        pl.when(pl.col("calling") != "").then("calling").otherwise("user_number").alias("a_raw"),
        pl.when(pl.col("called") != "").then("called").otherwise("dialed").alias("b_raw"),
        pl.col("user").alias("user_name"),
        pl.col("group").alias("customer"),
        pl.col("account").alias("account_code"),
        pl.col("local_call").alias("session_key"),
        pl.col("network_call").alias("linked_id"),
        pl.col("device").alias("trunk_in"),
        pl.when(pl.col("trunk") != "").then("trunk").otherwise("route").alias("trunk_out"),
        values.integer(pl.col("cause")).clip(0, 127).alias("cause_q850"),
        values.attributes({name: pl.col(column) for name, column in attributes.items()})
        .alias("attributes"),
    ]  # fmt: skip


def _checked(frame: pl.DataFrame, options: BroadworksOptions) -> pl.DataFrame:
    frame = refuse(
        frame, (pl.col("system") == "") | pl.col("node_sequence").is_null(), Reason.FIELD_MISSING,
        pl.format("eventCounter {} of systemId {} is no record's number", "counter", "system"),
    )  # fmt: skip
    kind = pl.col("type")
    frame = refuse(
        frame, kind.is_in(_MARKS), Reason.CONTROL_RECORD,
        pl.format("the numbers of {} {} here", "system", "node_mark"),
    )  # fmt: skip
    frame = refuse(
        frame, ~kind.is_in(_USAGE), Reason.RECORD_TYPE_UNKNOWN, pl.format("type {}", "type")
    )
    if options.long_calls == "whole":
        frame = refuse(
            frame, kind.is_in(_RUNNING), Reason.SESSION_OPENED,
            pl.format("call {} goes on; its last record holds all of it", "local_call"),
        )  # fmt: skip
    frame = refuse(
        frame, ~pl.col("answer").str.starts_with("Yes"), Reason.NOT_ANSWERED,
        pl.format("answerIndicator {}, cause {}", "answer", "cause"),
    )  # fmt: skip
    frame = refuse(
        frame, pl.col("answer_us").is_null() | pl.col("end_us").is_null(), Reason.TIME_INVALID,
        pl.format("answerTime {} or releaseTime {} is no time", "answered", "released"),
    )  # fmt: skip
    frame = refuse(
        frame, pl.col("quantity") < 0, Reason.DURATION_INCONSISTENT,
        pl.format("releaseTime {} is before answerTime {}", "released", "answered"),
    )  # fmt: skip
    frame = refuse(frame, pl.col("charge") == "n", Reason.NOT_BILLABLE, pl.lit("chargeIndicator n"))
    return refuse(frame, pl.col("quantity") == 0, Reason.ZERO_USAGE, pl.lit("released as answered"))
