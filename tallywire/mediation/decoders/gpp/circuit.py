"""Records of mobile switches: calls and short messages, originated and terminated.

Source: 3GPP TS 32.298, clauses 5.1.1 and 5.2.1 (MOCallRecord, MTCallRecord, MOSMSRecord,
MTSMSRecord), 5.1.6 and 5.2.6 (SCSMORecord, SCSMTRecord).
"""

from dataclasses import dataclass

import polars as pl

from schemas.reasons import Reason
from schemas.services import Service, Unit
from tallywire.mediation.ber.reader import Reader, context, either
from tallywire.mediation.values import attributes

_SECOND_US = 1_000_000
_PARTIAL_CAUSES = [1, 2]
_UNSUCCESSFUL = 3
_SEQUENCE = 0x30
_SEPARATOR = "\x1f"


@dataclass(frozen=True)
class Call:
    """Where a record of a call has its fields: numbers of context tags."""

    direction: str
    calling: int
    called: int
    connected: int
    recorder: int
    trunk_in: int
    trunk_out: int
    place: int
    service: int
    seized: int
    answered: int
    released: int
    duration: int
    cause: int
    reference: int
    sequence: int
    network_reference: int
    switch: int


MO_CALL = Call("mo", 4, 5, 7, 9, 10, 11, 12, 14, 22, 23, 24, 25, 30, 32, 33, 38, 39)
MT_CALL = Call("mt", 4, 3, 5, 6, 7, 8, 9, 11, 19, 20, 21, 22, 27, 29, 30, 33, 34)


def _trunk(record: Reader, tag: int) -> pl.Series:
    inner = record.inside(context(tag, made=True))
    return either(inner.text(context(1)), inner.numeral(context(0)))


def _service_code(record: Reader, tag: int) -> pl.Series:
    inner = record.inside(context(tag, made=True))
    return either(inner.hexadecimal(context(3)), inner.hexadecimal(context(2)))


def call(record: Reader, at: Call) -> pl.DataFrame:
    """Read records of calls: columns of DECODED."""
    place = record.inside(context(at.place, made=True))
    served = record.number(context(3))
    frame = pl.DataFrame(
        {
            "bad_number": record.unread(integers=(context(at.duration), context(at.cause))),
            "bad_time": record.unread(
                stamps=(context(at.answered), context(at.seized), context(at.released))
            ),
            "imsi": record.digits(context(1)),
            "imei": record.digits(context(2)),
            "served": served,
            "calling": record.number(context(at.calling)),
            "called": record.number(context(at.called)),
            "c_raw": record.number(context(at.connected)),
            "recorder": record.number(context(at.recorder)),
            "switch": record.number(context(at.switch)),
            "trunk_in": _trunk(record, at.trunk_in),
            "trunk_out": _trunk(record, at.trunk_out),
            "area": place.hexadecimal(context(0)),
            "cell": place.hexadecimal(context(1)),
            "serving_plmn": place.network(context(2)),
            "code": _service_code(record, at.service),
            "setup_us": record.stamp(context(at.seized)),
            "answer_us": record.stamp(context(at.answered)),
            "end_us": record.stamp(context(at.released)),
            "utc_offset_minutes": record.offset(context(at.answered), context(at.seized)),
            "length_s": record.integer(context(at.duration)),
            "cause_code": record.integer(context(at.cause)),
            "reference": record.hexadecimal(context(at.reference)),
            "record_sequence": record.integer(context(at.sequence)),
            "linked_id": record.hexadecimal(context(at.network_reference)),
        }
    )
    return frame.with_columns(_call_columns(at.direction))


def _call_columns(direction: str) -> list[pl.Expr]:
    length = pl.coalesce(
        pl.col("length_s") * _SECOND_US, pl.col("end_us") - pl.col("answer_us"), pl.lit(0)
    )
    partial = pl.col("cause_code").is_in(_PARTIAL_CAUSES) | pl.col("record_sequence").is_not_null()
    partial = partial.fill_null(value=False)
    sequence = pl.col("record_sequence").fill_null(1)
    moment = pl.coalesce("answer_us", "setup_us")
    identity = [pl.col("recorder"), pl.col("reference"), pl.lit(direction), pl.col("imsi")]
    failed = pl.col("answer_us").is_null() | (pl.col("cause_code") == _UNSUCCESSFUL)
    failed = failed.fill_null(value=True)
    mo = direction == "mo"
    node = pl.when(pl.col("recorder") == "").then("switch").otherwise("recorder")
    return [
        pl.concat_str(*identity, sequence, moment, separator=_SEPARATOR).alias("natural_key"),
        pl.concat_str(*identity, separator=_SEPARATOR).alias("session_key"),
        pl.when(partial).then(pl.lit("partial")).otherwise(pl.lit("complete")).alias("kind"),
        pl.lit("sum").alias("join"), sequence.alias("partial_no"),
        (~partial | (sequence <= 1)).alias("is_first"),
        (~pl.col("cause_code").is_in(_PARTIAL_CAUSES)).alias("is_last"),
        moment.alias("start_us"), length.alias("quantity"), length.alias("duration_us"),
        pl.coalesce("end_us", moment + length).alias("end_us"),
        (pl.when(pl.col("calling") == "").then("served").otherwise("calling") if mo
         else pl.col("calling")).alias("a_raw"),
        pl.col("called").alias("b_raw"),
        pl.col("served").str.strip_prefix("+").alias("customer"),
        pl.concat_str("area", "cell").alias("cell_id"),
        pl.col("cause_code").cast(pl.String).alias("cause"),
        pl.col("code").alias("usage_type"), node.alias("node"),
        pl.when(failed).then(pl.lit(Reason.NOT_ANSWERED.value)).alias("reason"),
        pl.when(failed)
        .then(pl.format("the call was not answered (cause for termination {})",
                        pl.col("cause_code").fill_null(-1)))
        .otherwise(pl.lit("")).alias("detail"),
        pl.lit(direction).alias("direction"), pl.lit(Service.VOICE.value).alias("service"),
        pl.lit(Unit.MICROSECOND.value).alias("unit"),
    ]  # fmt: skip


@dataclass(frozen=True)
class Message:
    """Where a record of a short message has its fields: numbers of context tags."""

    direction: str
    imsi: int
    imei: int
    served: int
    centre: int
    recorder: int
    place: int
    moment: int
    result: int
    destination: int
    reference: int


MO_SMS = Message("mo", 1, 2, 3, 5, 6, 7, 9, 10, 12, 8)
MT_SMS = Message("mt", 2, 3, 4, 1, 6, 7, 8, 9, 30, 29)
"""The last two are tags that this record has not."""


def message(record: Reader, at: Message) -> pl.DataFrame:
    """Read records of short messages by a switch: columns of DECODED."""
    place = record.inside(context(at.place, made=True))
    served = record.number(context(at.served))
    other = record.number(context(at.destination))
    empty = pl.Series([""] * len(record), dtype=pl.String)
    mo = at.direction == "mo"
    frame = pl.DataFrame(
        {
            "imsi": record.digits(context(at.imsi)),
            "imei": record.digits(context(at.imei)),
            "a_raw": served if mo else empty,
            "b_raw": other if mo else served,
            "served": served,
            "centre": record.number(context(at.centre)),
            "recorder": record.number(context(at.recorder)),
            "cell_id": place.hexadecimal(context(0)) + place.hexadecimal(context(1)),
            "serving_plmn": place.network(context(2)),
            "start_us": record.stamp(context(at.moment)),
            "utc_offset_minutes": record.offset(context(at.moment)),
            "reference": record.hexadecimal(context(at.reference)),
            "failed": record.has(context(at.result, made=True)),
        }
    )
    return frame.with_columns(_message_columns(at.direction))


def centre_message(record: Reader, direction: str) -> pl.DataFrame:
    """Read records of short messages by a service centre: columns of DECODED."""
    mo = direction == "mo"
    one = record.inside(context(2, made=True))
    other = record.inside(context(3, made=True), *((_SEQUENCE,) if mo else ()))
    sender, receiver = one, other
    if not mo:
        sender, receiver = other, one
    served = sender if mo else receiver
    moment, result, local = (5, 19, 22) if mo else (6, 23, 26)
    frame = pl.DataFrame(
        {
            "imsi": served.digits(context(0)),
            "imei": record.digits(context(4)),
            "a_raw": sender.number(context(1)),
            "b_raw": receiver.number(context(1)),
            "served": served.number(context(1)),
            "centre": record.number(context(1)),
            "recorder": record.number(context(1)),
            "start_us": record.stamp(context(moment)),
            "utc_offset_minutes": record.offset(context(moment)),
            "reference": record.hexadecimal(context(6 if mo else 8)),
            "node_sequence": record.integer(context(local)),
            "failed": record.has(context(result, made=True)),
        }
    )
    return frame.with_columns(_message_columns(direction))


def _message_columns(direction: str) -> list[pl.Expr]:
    failed = pl.col("failed")
    return [
        pl.concat_str(
            "recorder", pl.lit(f"sms_{direction}"), "imsi", "a_raw", "b_raw", "reference",
            pl.col("start_us"), separator=_SEPARATOR, ignore_nulls=True,
        ).alias("natural_key"),
        pl.col("served").str.strip_prefix("+").alias("customer"),
        pl.col("start_us").alias("end_us"), pl.col("recorder").alias("node"),
        pl.lit(1, dtype=pl.Int64).alias("quantity"),
        pl.when(failed).then(pl.lit(Reason.NOT_ANSWERED.value)).alias("reason"),
        pl.when(failed).then(pl.lit("the message was not delivered")).otherwise(pl.lit(""))
        .alias("detail"),
        attributes({"service_centre": pl.col("centre")}).alias("attributes"),
        pl.lit(direction).alias("direction"), pl.lit(Service.SMS.value).alias("service"),
        pl.lit(Unit.COUNT.value).alias("unit"),
    ]  # fmt: skip
