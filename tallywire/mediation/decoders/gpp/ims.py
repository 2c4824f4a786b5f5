"""Records of IMS nodes: sessions and messages, by who called whom.

Source: 3GPP TS 32.298, clauses 5.1.3 and 5.2.3 (the fields that all IMS records share).
"""

import polars as pl

from schemas.reasons import Reason
from schemas.services import Service, Unit
from tallywire.mediation.ber.reader import Reader, context, either
from tallywire.mediation.values import attributes

_MILLISECOND_US = 1_000
_TERMINATING = 1
_PARTIAL_CAUSES = [3, 4, 5]
_SEPARATOR = "\x1f"
_USER = r"^(?:sips?|tel|urn):([^@;?]*)"


def _party(reader: Reader) -> pl.Series:
    """Read a party: a SIP or telephone URI, a URN, a number."""
    return reader.text(context(0), context(1), context(2), context(3), context(4))


def _first_party(record: Reader, tag: int) -> pl.Series:
    return _party(record.inside(context(tag, made=True)))


def _number(uri: str) -> pl.Expr:
    """Take the user part of a URI where it is a number; else the whole text."""
    user = pl.col(uri).str.extract(_USER, 1)
    digits = user.str.replace_all(r"[-.()]", "")
    return pl.when(digits.str.contains(r"^\+?[0-9]{1,15}$")).then(digits).otherwise(pl.col(uri))


def _precise(record: Reader, stamp: int, fraction: int) -> pl.Series:
    """Read a time stamp and its milliseconds."""
    return record.stamp(context(stamp)) + (
        record.integer(context(fraction)).fill_null(0).clip(0, 999) * _MILLISECOND_US
    )


def session(record: Reader, kind: str) -> pl.DataFrame:
    """Read records of IMS nodes: columns of DECODED."""
    node = record.inside(context(4, made=True))
    frame = pl.DataFrame(
        {
            "bad_time": record.unread(stamps=(context(10), context(11))),
            "method": record.text(context(2)),
            "role": record.integer(context(3)),
            "node": either(node.text(context(1)), node.address(context(0, made=True))),
            "session_id": record.text(context(5)),
            "calling": _first_party(record, 6),
            "called": _first_party(record, 7),
            "private_user": record.text(context(8)),
            "setup_us": _precise(record, 9, 37),
            "begun_us": _precise(record, 10, 38),
            "end_us": _precise(record, 11, 39),
            "opened_us": record.stamp(context(12)),
            "utc_offset_minutes": record.offset(context(10), context(9), context(12)),
            "node_sequence": record.integer(context(15)),
            "record_sequence": record.integer(context(16)),
            "cause_code": record.integer(context(17)),
            "linked_id": record.text(context(19)),
            "lost": record.has(context(18, made=True)),
        }
    )
    frame = frame.with_columns(_number("calling").alias("a_raw"), _number("called").alias("b_raw"))
    return frame.with_columns(_columns(kind))


def _columns(kind: str) -> list[pl.Expr]:
    message = pl.col("method").str.to_uppercase() == "MESSAGE"
    call = pl.col("method").str.to_uppercase().is_in(["INVITE", ""])
    moment = pl.coalesce("begun_us", pl.when(message).then(pl.coalesce("setup_us", "opened_us")))
    length = (pl.col("end_us") - moment).fill_null(0)
    quantity = pl.when(message).then(1).otherwise(length)
    terminating = (pl.col("role") == _TERMINATING).fill_null(value=False)
    partial = pl.col("record_sequence").is_not_null() & ~message
    sequence = pl.col("record_sequence").fill_null(1)
    identity = [
        pl.col("node"), pl.col("session_id"), pl.col("linked_id"), pl.lit(kind),
        pl.col("role").fill_null(0),
    ]  # fmt: skip
    unanswered = moment.is_null() & call
    start = pl.coalesce(moment, "setup_us", "opened_us")
    return [
        pl.concat_str(*identity, sequence, separator=_SEPARATOR).alias("natural_key"),
        pl.concat_str(*identity, separator=_SEPARATOR).alias("session_key"),
        pl.when(partial).then(pl.lit("partial")).otherwise(pl.lit("complete")).alias("kind"),
        pl.lit("sum").alias("join"), sequence.alias("partial_no"),
        (~partial | (sequence <= 1)).alias("is_first"),
        (~pl.col("cause_code").is_in(_PARTIAL_CAUSES)).alias("is_last"),
        start.alias("start_us"), quantity.alias("quantity"),
        pl.when(message).then(0).otherwise(length).alias("duration_us"),
        pl.when(terminating).then(pl.lit("mt")).otherwise(pl.lit("mo")).alias("direction"),
        pl.when(terminating).then("b_raw").otherwise("a_raw").str.strip_prefix("+")
        .alias("customer"),
        pl.when(message).then(pl.lit(Service.SMS.value)).otherwise(pl.lit(Service.VOICE.value))
        .alias("service"),
        pl.when(message).then(pl.lit(Unit.COUNT.value))
        .otherwise(pl.lit(Unit.MICROSECOND.value)).alias("unit"),
        pl.col("private_user").alias("user_name"), pl.col("method").alias("usage_type"),
        pl.col("cause_code").cast(pl.String).alias("cause"),
        pl.when("lost").then(pl.lit("incomplete_record")).otherwise(pl.lit(""))
        .alias("quality_flags"),
        attributes({"calling_party": pl.col("calling"), "called_party": pl.col("called")})
        .alias("attributes"),
        pl.when(~message & ~call).then(pl.lit(Reason.CONTROL_RECORD.value))
        .when(unanswered).then(pl.lit(Reason.NOT_ANSWERED.value)).alias("reason"),
        pl.when(~message & ~call).then(pl.format("{} is neither a call nor a message", "method"))
        .when(unanswered).then(pl.lit("the session was never answered")).otherwise(pl.lit(""))
        .alias("detail"),
    ]  # fmt: skip
