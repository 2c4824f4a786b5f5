"""NRTRDE 2.1: near real time reports of roamers' usage, for fraud monitoring.

The same usage comes again in TAP files and is billed from there, so that a report never is.

Source: NRTRDE 2.1, by its public ASN.1.
"""

from collections.abc import Callable, Mapping

import numpy as np
import polars as pl
from pydantic import BaseModel, ConfigDict

from schemas.reasons import Reason
from schemas.services import Service, Unit
from tallywire.catalog.snapshot import Feed
from tallywire.mediation.ber import Octets, framed, values
from tallywire.mediation.ber.reader import Reader, application, either, read
from tallywire.mediation.ber.tree import Fields, fields, text, whole
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
from tallywire.mediation.decoders.tap.head import series_of
from tallywire.mediation.framing.ber import Broken, Unfinished, header
from tallywire.mediation.values import attributes

_MOC, _MTC, _GPRS = (application(number, made=True) for number in (3, 4, 5))
_EVENTS = {_MOC: "mo", _MTC: "mt", _GPRS: "mo"}
_SERVING, _APN, _APN_OPERATOR, _BEARER, _DURATION, _COUNT, _START, _CALLING, _REFERENCE, _CAUSE = (
    application(number) for number in range(15, 25)
)
_AMOUNT, _CHARGING_ID, _CONNECTED, _IN, _OUT, _DIALLED = (application(n) for n in range(25, 31))
_GGSN, _IMEI, _IMSI, _ENTITY, _RECIPIENT, _SENDER, _SEQUENCE, _SGSN = (
    application(number) for number in (32, 33, 34, 35, 36, 38, 39, 40)
)
_SUPPLEMENTARY, _TELE_SERVICE, _THIRD, _OFFSET, _CELL, _AREA, _MSISDN = (
    application(number) for number in (42, 43, 44, 45, 47, 48, 49)
)
_SERVICE_CODE = application(46, made=True)
_SMS_CODES = ["21", "22"]
_SECOND_US, _MINUTE_US = 1_000_000, 60_000_000
_SEPARATOR = "\x1f"
_TOLD = (
    "apn_operator", "charge_amount", "charging_id", "gateway", "supplementary_service",
    "third_party",
)  # fmt: skip


class NrtrdeOptions(BaseModel):
    """Options of a feed of NRTRDE files.

    Attributes:
        usage: Reports are usage that the catalogue may price, as an estimate of what a roamer
            will owe; else they are read, counted and set aside as `not_billable`.
    """

    model_config = ConfigDict(extra="forbid")

    usage: bool = False


def _head(prologue: bytes) -> Fields:
    try:
        _, place, _ = header(prologue, 0)
    except (Broken, Unfinished):
        return {}
    return fields(prologue[place:])


def _full(number: pl.Series) -> pl.Series:
    """Write a full number with its plus."""
    return either(number.str.replace(r"^([0-9])", "+$1"), number)


def _moment(event: Reader) -> dict[str, pl.Series]:
    wall, good = values.walls(event.octets, event.elements.first(_START))
    offset, known = values.offsets(event.octets, event.elements.first(_OFFSET))
    return {
        "start_us": values.nullable(wall - offset * _MINUTE_US, good & known),
        "utc_offset_minutes": pl.Series(offset),
    }


def _event(event: Reader) -> pl.DataFrame:
    """Read the fields of events of every type; those that a type does not have are empty."""
    service = event.inside(_SERVICE_CODE)
    area, cell = event.numeral(_AREA), event.numeral(_CELL)
    return pl.DataFrame(
        {
            **_moment(event),
            "imsi": event.digits(_IMSI, swapped=False),
            "imei": event.digits(_IMEI, swapped=False),
            "customer": event.digits(_MSISDN, swapped=False),
            "length_s": event.integer(_DURATION),
            "cause": event.numeral(_CAUSE),
            "entity": either(event.text(_ENTITY), event.text(_SGSN)),
            "gateway": event.text(_GGSN),
            "serving": event.text(_SERVING),
            "cell_id": area.zip_with(cell == "", area + "-" + cell),
            "linked_id": event.numeral(_REFERENCE),
            "charging_id": event.numeral(_CHARGING_ID),
            "charge_amount": event.numeral(_AMOUNT),
            "tele_service": service.text(_TELE_SERVICE),
            "usage_type": service.text(_TELE_SERVICE, _BEARER),
            "supplementary_service": event.text(_SUPPLEMENTARY),
            "connected": event.text(_CONNECTED),
            "dialled": event.text(_DIALLED),
            "third_party": event.text(_THIRD),
            "calling": event.text(_CALLING),
            "apn": event.text(_APN),
            "apn_operator": event.text(_APN_OPERATOR),
            "down_octets": event.integer(_IN),
            "up_octets": event.integer(_OUT),
            "bad_number": event.unread(integers=(_DURATION, _IN, _OUT)),
        }
    ).with_columns(own=_full(event.digits(_MSISDN, swapped=False)))


def _call(direction: str) -> list[pl.Expr]:
    message = pl.col("tele_service").is_in(_SMS_CODES)
    length = pl.when(message).then(0).otherwise(pl.col("length_s").fill_null(0) * _SECOND_US)
    voice, sms = pl.lit(Service.ROAMING_VOICE.value), pl.lit(Service.ROAMING_SMS.value)
    called = pl.when(pl.col("connected") == "").then("dialled").otherwise("connected")
    parties = (pl.col("own"), called) if direction == "mo" else (pl.col("calling"), pl.col("own"))
    return [
        parties[0].alias("a_raw"), parties[1].alias("b_raw"), pl.col("dialled").alias("c_raw"),
        pl.when(message).then(1).otherwise(length).alias("quantity"),
        length.alias("duration_us"),
        pl.when(message).then(sms).otherwise(voice).alias("service"),
        pl.when(message).then(pl.lit(Unit.COUNT.value))
        .otherwise(pl.lit(Unit.MICROSECOND.value)).alias("unit"),
        pl.lit(direction).alias("direction"),
        (pl.col("length_s").is_null() & ~message).alias("no_quantity"),
    ]  # fmt: skip


def _data(_direction: str) -> list[pl.Expr]:
    down, up = pl.col("down_octets").fill_null(0), pl.col("up_octets").fill_null(0)
    return [
        pl.col("own").alias("a_raw"),
        (down + up).alias("quantity"), down.alias("down_octets"), up.alias("up_octets"),
        (pl.col("length_s").fill_null(0) * _SECOND_US).alias("duration_us"),
        pl.lit(Service.ROAMING_DATA.value).alias("service"),
        pl.lit(Unit.OCTET.value).alias("unit"), pl.lit("mo").alias("direction"),
        pl.all_horizontal(pl.col("down_octets", "up_octets").is_null()).alias("no_quantity"),
    ]  # fmt: skip


_READ: Mapping[int, Callable[[str], list[pl.Expr]]] = {_MOC: _call, _MTC: _call, _GPRS: _data}


def _named(frame: pl.DataFrame, head: Fields) -> pl.DataFrame:
    sender, number = text(head, _SENDER), text(head, _SEQUENCE)
    key = pl.concat_str(
        pl.lit(sender), pl.lit(text(head, _RECIPIENT)), pl.lit(number), pl.col("record_no"),
        separator=_SEPARATOR,
    )  # fmt: skip
    return frame.with_columns(
        pl.when(pl.lit(number != "")).then(key).alias("natural_key"),
        (pl.col("start_us") + pl.col("duration_us")).alias("end_us"),
        pl.when(pl.col("charging_id") != "")
        .then(pl.concat_str(pl.lit(sender), "charging_id", separator=_SEPARATOR))
        .otherwise(pl.lit("")).alias("session_key"),
        pl.lit(sender).alias("partner"),
        pl.when(pl.col("serving") == "").then(pl.lit(sender)).otherwise("serving")
        .fill_null(sender).alias("serving_plmn"),
        pl.col("entity").alias("trunk_in"),
        attributes({"source": pl.lit("nrtrde"), **{name: pl.col(name) for name in _TOLD}})
        .alias("attributes"),
    )  # fmt: skip


def _control(head: Fields, frames: Frames, tag: np.ndarray, hidden: np.ndarray) -> dict[str, int]:
    control = {"counted_records": int(np.isin(tag, list(_EVENTS)).sum())}
    number = text(head, _SEQUENCE)
    if hidden.any():
        control["trailer_wanted"] = 1
        if number.isascii() and number.isdigit() and len(number) <= 9:
            control["sequence"] = int(number)
    for row in np.flatnonzero(tag == _COUNT).tolist():
        begin = int(frames.starts[row])
        count = whole(fields(frames.data[begin : begin + int(frames.lengths[row])]), _COUNT)
        control["trailer_found"] = 1
        if count is not None:
            control["declared_records"] = count
    return control


def decode(frames: Frames, feed: Feed) -> Decoded:
    """Decode a piece of an NRTRDE file."""
    options = NrtrdeOptions.model_validate(feed.options)
    base = places(frames)
    if not len(frames):
        return Decoded(complete(base))
    octets, head = Octets(frames.data), _head(frames.prologue)
    hidden = base.select(in_prologue(frames)).to_series().to_numpy()
    tag, value, short = framed(octets, frames.starts, frames.lengths)
    tag = np.where(hidden, 0, tag)
    broken, parts = np.zeros(len(frames), bool), []
    for one, direction in _EVENTS.items():
        rows = np.flatnonzero(tag == one)
        reader = read(octets, value.take(rows))
        broken[rows] = reader.broken
        made = _event(reader).with_columns(_READ[one](direction))
        parts.append(made.with_columns(pl.Series("row", rows, dtype=pl.Int64)))
    place = base.with_columns(
        pl.int_range(pl.len()).alias("row"), pl.Series("head", hidden), pl.Series("short", short),
        pl.Series("broken", broken), pl.Series("tag", tag),
        pl.lit(None, dtype=pl.String).alias("reason"), pl.lit("").alias("detail"),
    )  # fmt: skip
    events = pl.concat(parts, how="diagonal_relaxed")
    frame = place.join(events, on="row", how="left", maintain_order="left")
    frame = check_world(complete(_judged(_named(frame, head), bool(text(head, _SEQUENCE)))))
    if not options.usage:
        frame = refuse(
            frame, pl.col("reason").is_null(), Reason.NOT_BILLABLE,
            pl.lit("a report for fraud monitoring; the same usage is billed from TAP"),
        )  # fmt: skip
    series = series_of(text(head, _SENDER), text(head, _RECIPIENT))
    return Decoded(frame, _control(head, frames, tag, hidden), series)


def _judged(frame: pl.DataFrame, known: bool) -> pl.DataFrame:
    """Refuse what is no event, or one that cannot be."""
    for wrong, reason, detail in (
        (pl.col("head"), Reason.CONTROL_RECORD, pl.lit("head of the file")),
        (pl.col("tag") == _COUNT, Reason.CONTROL_RECORD, pl.lit("count of the file's events")),
        (pl.col("byte_length") > MAX_RECORD_BYTES, Reason.RECORD_TOO_LONG,
         pl.format("{} bytes are more than any record has", "byte_length")),
        (pl.col("short"), Reason.RECORD_TRUNCATED, pl.lit("the file ends inside this record")),
        ((pl.col("tag") == 0) | pl.col("broken"), Reason.RECORD_UNREADABLE,
         pl.lit("its bytes are no BER")),
        (~pl.col("tag").is_in(list(_EVENTS)), Reason.RECORD_TYPE_UNKNOWN,
         pl.format("an element with tag {} is no event of NRTRDE 2.1", "tag")),
        (pl.lit(not known), Reason.FIELD_MISSING, pl.lit("the file has no sequence number")),
        (pl.col("bad_number"), Reason.NUMBER_INVALID,
         pl.lit("a number in it has more than 64 bits")),
        (pl.col("no_quantity"), Reason.FIELD_MISSING,
         pl.lit("it says neither how long nor how much")),
    ):  # fmt: skip
        frame = refuse(frame, wrong, reason, detail)
    return frame
