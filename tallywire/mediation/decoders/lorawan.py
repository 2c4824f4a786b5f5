"""Uplinks of LoRaWAN devices, as network servers forward them: JSON, a message a line.

A frame that several gateways heard is one usage: what a gateway adds is no part of its content.

Source: LoRaWAN 1.0.4 (frame counters, sizes), ChirpStack 4 (integration events), The Things Stack 3
(data formats; fields that are 0 or empty are left out).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

import polars as pl
from pydantic import BaseModel, ConfigDict, Field

from schemas.reasons import Reason
from schemas.services import Unit
from tallywire.catalog.snapshot import Feed
from tallywire.mediation import values
from tallywire.mediation.airtime import airtime_us
from tallywire.mediation.decoded import Decoded, Frames, check_world, complete, refuse
from tallywire.mediation.objects import object_frame, schema_of, text_at

_UNITS = {"airtime": Unit.MICROSECOND, "octets": Unit.OCTET, "count": Unit.COUNT}


@dataclass(frozen=True)
class _Network:
    """Where a network server's messages hold what matters, as paths by name.

    Attributes:
        uplink: What only uplinks have.
        join: What only messages of a device that joined have.
        other: What only messages of other kinds have, whatever else they hold.
    """

    paths: Mapping[str, str]
    uplink: tuple[str, ...]
    join: tuple[str, ...]
    other: tuple[str, ...] = ()


_CHIRPSTACK_LORA = "txInfo.modulation.lora"
_STACK_LORA = "uplink_message.settings.data_rate.lora"
_NETWORKS = {
    "chirpstack": _Network(
        {
            "frame": "deduplicationId", "time": "time", "device": "deviceInfo.devEui",
            "customer": "deviceInfo.tenantId", "application": "deviceInfo.applicationId",
            "session": "devAddr", "downlink": "downlinkId", "counter": "fCnt",
            "port": "fPort", "payload": "data",
            "frequency": "txInfo.frequency", "spreading": f"{_CHIRPSTACK_LORA}.spreadingFactor",
            "bandwidth": f"{_CHIRPSTACK_LORA}.bandwidth", "coding": f"{_CHIRPSTACK_LORA}.codeRate",
        },
        ("frequency", "spreading"), ("session",), ("downlink",),
    ),
    "things_stack": _Network(
        {
            "time": "uplink_message.received_at", "joined_at": "join_accept.received_at",
            "device": "end_device_ids.dev_eui",
            "application": "end_device_ids.application_ids.application_id",
            "session": "uplink_message.session_key_id", "joined": "join_accept.session_key_id",
            "counter": "uplink_message.f_cnt", "port": "uplink_message.f_port",
            "payload": "uplink_message.frm_payload", "airtime": "uplink_message.consumed_airtime",
            "spreading": f"{_STACK_LORA}.spreading_factor",
            "bandwidth": f"{_STACK_LORA}.bandwidth", "coding": f"{_STACK_LORA}.coding_rate",
        },
        ("time", "session"), ("joined", "joined_at"),
    ),
}  # fmt: skip
_FIELDS = sorted({name for network in _NETWORKS.values() for name in network.paths})


class LorawanOptions(BaseModel):
    """Options of a LoRaWAN feed.

    Attributes:
        network: Whose messages they are: `chirpstack` (4) or `things_stack` (3).
        quantity: What is counted: `airtime` (microseconds), `octets` of payload, or `count`.
        key: What names a frame: the network server's `deduplication` id, or device, session and
            frame `counter`. The Things Stack has only the latter.
        overhead_octets: Octets that a frame has around its payload: 13, and what commands take.
    """

    model_config = ConfigDict(extra="forbid")

    network: Literal["chirpstack", "things_stack"]
    quantity: Literal["airtime", "octets", "count"] = "airtime"
    key: Literal["deduplication", "counter"] = "deduplication"
    overhead_octets: int = Field(default=13, ge=12, le=28)


def decode(frames: Frames, feed: Feed) -> Decoded:
    """Decode messages of a network server."""
    options = LorawanOptions.model_validate(feed.options)
    network = _NETWORKS[options.network]
    absent = pl.lit(None, dtype=pl.String)
    frame = object_frame(frames, schema_of(network.paths.values())).with_columns(
        (text_at(network.paths[name]) if name in network.paths else absent).alias(f"l.{name}")
        for name in _FIELDS
    )
    frame = _kinds(frame, network)
    frame = frame.with_columns(_measured(options))
    frame = frame.with_columns(_columns(options, feed))
    return Decoded(check_world(complete(_checked(frame))))


def _any(names: tuple[str, ...]) -> pl.Expr:
    return pl.any_horizontal(
        pl.lit(value=False), *(pl.col(f"l.{name}").is_not_null() for name in names)
    )


def _kinds(frame: pl.DataFrame, network: _Network) -> pl.DataFrame:
    """Set aside what is no uplink; a device that joins begins to count anew."""
    uplink = _any(network.uplink) & ~_any(network.other)
    joined = ~uplink & _any(network.join) & ~_any(network.other)
    frame = frame.with_columns(
        pl.when(joined | (uplink & (_counter() == 0))).then(pl.lit("start")).otherwise(pl.lit(""))
        .alias("node_mark")
    )  # fmt: skip
    frame = frame.with_columns(pl.when(uplink).then(_counter()).alias("node_sequence"))
    words = pl.when(joined).then(pl.lit("a device joined")).otherwise(pl.lit("no uplink"))
    return refuse(frame, ~uplink, Reason.CONTROL_RECORD, words)


def _counter() -> pl.Expr:
    """Read the frame counter; servers leave out a 0."""
    return values.integer(pl.col("l.counter").fill_null("0"))


def _measured(options: LorawanOptions) -> list[pl.Expr]:
    text = pl.col("l.payload").fill_null("")
    length = text.str.len_bytes().cast(pl.Int64)
    padding = length - text.str.strip_chars_end("=").str.len_bytes().cast(pl.Int64)
    octets = length // 4 * 3 - padding
    coding = values.integer(
        pl.col("l.coding").fill_null("4/5").str.extract(r"^(?:CR_)?4[_/]([5-8])$", 1)
    ) - 4  # fmt: skip
    computed = airtime_us(
        values.integer(pl.col("l.spreading")), values.integer(pl.col("l.bandwidth")), coding,
        octets + options.overhead_octets,
    )  # fmt: skip
    told = values.duration(pl.col("l.airtime").str.strip_suffix("s"), "seconds")
    return [
        octets.alias("l.octets"), pl.coalesce(told, computed).alias("l.airtime_us"),
        (pl.col("l.payload").is_null() | ((length % 4 == 0) & text.str.contains(_BASE64)))
        .alias("l.payload_good"),
    ]  # fmt: skip


_BASE64 = r"^[A-Za-z0-9+/]*={0,2}$"


def _columns(options: LorawanOptions, feed: Feed) -> list[pl.Expr]:
    device = pl.col("l.device").str.to_lowercase()
    session = pl.col("l.session").fill_null("")
    counter = pl.col("node_sequence").cast(pl.String)
    by_counter = pl.concat_str(device, session, counter, separator="\x1f")
    by_frame = pl.col("l.frame") if options.key == "deduplication" else pl.lit(None, pl.String)
    counted = {"airtime": pl.col("l.airtime_us"), "octets": pl.col("l.octets"),
               "count": pl.lit(1, dtype=pl.Int64)}[options.quantity]  # fmt: skip
    moment = pl.coalesce("l.time", "l.joined_at")
    return [
        pl.coalesce(by_frame, by_counter).alias("natural_key"),
        pl.concat_str(by_counter, pl.col("l.port").fill_null(""), pl.col("l.payload").fill_null(""),
                      counted.cast(pl.String), separator="\x1f", ignore_nulls=True)
        .alias("content"),
        device.fill_null("").alias("node"),
        pl.concat_str(device, session, separator="\x1f").alias("session_key"),
        device.alias("user_name"),
        pl.col("l.customer").fill_null("").alias("customer"),
        pl.col("l.application").fill_null("").alias("apn"),
        values.instant(moment).alias("start_us"),
        values.instant(moment).alias("end_us"),
        values.offset_minutes(moment).cast(pl.Int32).alias("utc_offset_minutes"),
        pl.lit("explicit_zone").alias("clock_quality"),
        pl.lit(feed.service).alias("service"),
        pl.lit("mo").alias("direction"),
        counted.alias("quantity"),
        pl.lit(_UNITS[options.quantity].value).alias("unit"),
        pl.col("l.airtime_us").fill_null(0).alias("duration_us"),
        pl.col("l.octets").alias("up_octets"),
        values.attributes({
            "frequency": pl.col("l.frequency"), "spreading": pl.col("l.spreading"),
            "port": pl.col("l.port"),
        }).alias("attributes"),
    ]  # fmt: skip


def _checked(frame: pl.DataFrame) -> pl.DataFrame:
    frame = refuse(
        frame, pl.col("l.device").fill_null("") == "", Reason.FIELD_MISSING,
        pl.lit("no device: its EUI is missing"),
    )  # fmt: skip
    frame = refuse(
        frame, pl.col("node_sequence").is_null() | (pl.col("node_sequence") < 0),
        Reason.NUMBER_INVALID,
        pl.format("frame counter {} is no whole number", pl.col("l.counter").fill_null("")),
    )  # fmt: skip
    frame = refuse(
        frame, ~pl.col("l.payload_good"), Reason.NUMBER_INVALID,
        pl.lit("the payload is no base64: its size is not known"),
    )  # fmt: skip
    frame = refuse(
        frame, pl.col("start_us").is_null(), Reason.TIME_INVALID,
        pl.format("time {} is not RFC 3339 with an offset", pl.col("l.time").fill_null("(none)")),
    )  # fmt: skip
    return refuse(
        frame, pl.col("quantity").is_null(), Reason.FIELD_MISSING,
        pl.lit("no airtime: spreading factor 7 to 12, bandwidth or coding rate is missing"),
    )  # fmt: skip
