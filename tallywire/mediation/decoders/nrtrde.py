"""NRTRDE 2.1: near real time reports of roamers' usage, for fraud monitoring.

The same usage comes again in TAP files and is billed from there, so that a report never is.

Source: the public files of NRTRDE 2.1, by their tags.
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
from tallywire.mediation.framing.ber import Broken, Unfinished, header
from tallywire.mediation.values import attributes

_MOC, _MTC, _GPRS = (application(number, made=True) for number in (3, 4, 5))
_EVENTS = {_MOC: "mo", _MTC: "mt", _GPRS: "mo"}
_COUNT = application(20)
_IMSI, _START, _OFFSET, _DURATION, _CAUSE = (application(n) for n in (34, 21, 45, 19, 24))
_SERVICE_CODE, _TELE_SERVICE = application(46, made=True), application(43)
_CONNECTED, _CALLING, _ENTITY, _AMOUNT = (application(n) for n in (27, 22, 35, 25))
_APN, _IN, _OUT, _SGSN, _GGSN = (application(n) for n in (16, 28, 29, 40, 32))
_SENDER, _RECIPIENT, _SEQUENCE = (application(n) for n in (38, 36, 39))
_SMS_CODES = ["21", "22"]
_SECOND_US, _MINUTE_US = 1_000_000, 60_000_000
_SEPARATOR = "\x1f"


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


def _event(event: Reader) -> pl.DataFrame:
    """Read what all events have alike."""
    wall, good = values.walls(event.octets, event.elements.first(_START))
    offset, known = values.offsets(event.octets, event.elements.first(_OFFSET))
    return pl.DataFrame(
        {
            "imsi": event.digits(_IMSI, swapped=False),
            "start_us": values.nullable(wall - offset * _MINUTE_US, good & known),
            "utc_offset_minutes": offset,
            "length_s": event.integer(_DURATION),
            "cause": event.numeral(_CAUSE),
            "entity": either(event.text(_ENTITY), event.text(_SGSN)),
            "charge_amount": event.numeral(_AMOUNT),
            "tele_service": event.inside(_SERVICE_CODE).text(_TELE_SERVICE),
            "connected": event.text(_CONNECTED),
            "calling": event.text(_CALLING),
            "apn": event.text(_APN),
            "down_octets": event.integer(_IN),
            "up_octets": event.integer(_OUT),
            "bad_number": event.unread(integers=(_DURATION, _IN, _OUT)),
        }
    )


def _call(direction: str) -> list[pl.Expr]:
    message = pl.col("tele_service").is_in(_SMS_CODES)
    length = pl.when(message).then(0).otherwise(pl.col("length_s").fill_null(0) * _SECOND_US)
    voice, sms = pl.lit(Service.ROAMING_VOICE.value), pl.lit(Service.ROAMING_SMS.value)
    return [
        pl.col("calling").alias("a_raw"), pl.col("connected").alias("b_raw"),
        pl.when(message).then(1).otherwise(length).alias("quantity"),
        length.alias("duration_us"), pl.col("tele_service").alias("usage_type"),
        pl.when(message).then(sms).otherwise(voice).alias("service"),
        pl.when(message).then(pl.lit(Unit.COUNT.value))
        .otherwise(pl.lit(Unit.MICROSECOND.value)).alias("unit"),
        pl.lit(direction).alias("direction"),
        (pl.col("length_s").is_null() & ~message).alias("no_quantity"),
    ]  # fmt: skip


def _data(_direction: str) -> list[pl.Expr]:
    down, up = pl.col("down_octets").fill_null(0), pl.col("up_octets").fill_null(0)
    return [
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
        pl.lit(sender).alias("partner"), pl.lit(sender).alias("serving_plmn"),
        pl.col("entity").alias("trunk_in"),
        attributes({"charge_amount": pl.col("charge_amount"), "source": pl.lit("nrtrde")})
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
    return Decoded(frame, _control(head, frames, tag, hidden))


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
