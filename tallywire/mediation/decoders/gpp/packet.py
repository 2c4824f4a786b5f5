"""Records of packet gateways: a row for each container of usage.

Source: 3GPP TS 32.298, clauses 5.1.2.2 and 5.2.2.2 (PGWRecord, SGWRecord). The numbers of causes
after which another record of the session follows are those of its `CauseForRecClosing`.
"""

import numpy as np
import polars as pl

from schemas.services import Service, Unit
from tallywire.mediation.ber import Octets
from tallywire.mediation.ber.elements import Ints
from tallywire.mediation.ber.reader import Reader, context, either, numbered, read
from tallywire.mediation.values import attributes

_SECOND_US = 1_000_000
_SEQUENCE = 0x30


def _tags(*numbers: int) -> tuple[int, ...]:
    return tuple(context(number) for number in numbers)


_SERVICE_DATA = context(34, made=True)
_TRAFFIC = context(12, made=True)
_PARTIAL_CAUSES = [1, *range(16, 28), 59]
_SEPARATOR = "\x1f"


def packet(octets: Octets, record: Reader) -> tuple[Ints, pl.DataFrame]:
    """Read records of a packet gateway or a serving gateway.

    Returns:
        The record that each row is of, and the rows: columns of DECODED.
    """
    owner, items = _containers(octets, record)
    whole = _record(record)
    rows = whole[owner].with_columns(items.get_columns()).with_columns(pl.Series("owner", owner))
    return owner, rows.with_columns(_shared())


def _record(record: Reader) -> pl.DataFrame:
    """Read what all containers of a record share."""
    msisdn = record.number(context(22))
    cause = record.integer(context(15))
    return pl.DataFrame(
        {
            "gateway": either(
                record.address(context(4, made=True)), record.address(context(50, made=True))
            ),
            "charging_id": record.integer(context(5)),
            "record_sequence": record.integer(context(17)),
            "opened_us": record.stamp(context(13)),
            "utc_offset_minutes": record.offset(context(13)),
            "length_s": record.integer(context(14)),
            "cause_code": cause,
            "imsi": record.digits(context(3)),
            "a_raw": msisdn,
            "customer": msisdn.str.strip_prefix("+"),
            "imei": record.digits(context(29)),
            "apn": record.text(context(7)),
            "record_rat": record.numeral(context(30)),
            "serving_plmn": record.network(context(27)),
            "ip": record.inside(context(9, made=True)).address(context(0, made=True)),
            "node_name": record.text(context(18)),
            "node_sequence": record.integer(context(20)),
            "record_place": record.hexadecimal(context(32)),
            "characteristics": record.hexadecimal(context(23)),
            "sent_again": record.has(context(52)) | record.has(context(51)),
        }
    )


def _containers(octets: Octets, record: Reader) -> tuple[Ints, pl.DataFrame]:
    """Read containers; a record without any has one row, as a number of its session."""
    service, traffic = record.inside(_SERVICE_DATA), record.inside(_TRAFFIC)
    by_service = record.elements.first(_SERVICE_DATA).present
    one, services = service.items(_SEQUENCE)
    two, volumes = traffic.items(_SEQUENCE)
    kept = np.flatnonzero(~by_service[two])
    volumes = read(octets, traffic.elements.all(_SEQUENCE)[1].take(kept))
    two = two[kept]
    none = np.setdiff1d(np.arange(len(record)), np.concatenate((one, two)))
    owner = np.concatenate((one, two, none))
    frame = pl.concat(
        [
            _service_data(services).with_columns(pl.Series("container", numbered(one))),
            _traffic(volumes).with_columns(pl.Series("container", numbered(two))),
            pl.DataFrame({"container": pl.Series([None] * len(none), dtype=pl.Int64)}),
        ],
        how="diagonal",
    )
    order = np.argsort(owner, kind="stable")
    return owner[order], frame[order]


def _service_data(item: Reader) -> pl.DataFrame:
    return pl.DataFrame(
        {
            "bad_number": item.unread(integers=_tags(12, 13, 7)),
            "bad_time": item.unread(stamps=_tags(5, 6, 14)),
            "up_octets": item.integer(context(12)),
            "down_octets": item.integer(context(13)),
            "first_us": item.stamp(context(5)),
            "last_us": item.stamp(context(6)),
            "report_us": item.stamp(context(14)),
            "used_s": item.integer(context(7)),
            "rating_group": item.numeral(context(1)),
            "service_identifier": item.numeral(context(17)),
            "qci": item.inside(context(9, made=True)).numeral(context(1)),
            "rule_base": item.text(context(2)),
            "item_rat": item.numeral(context(30)),
            "item_place": item.hexadecimal(context(20)),
        }
    )


def _traffic(item: Reader) -> pl.DataFrame:
    """Read containers of traffic: each ends when conditions changed, and the next begins there."""
    return pl.DataFrame(
        {
            "bad_number": item.unread(integers=_tags(3, 4)),
            "bad_time": item.unread(stamps=_tags(6)),
            "up_octets": item.integer(context(3)),
            "down_octets": item.integer(context(4)),
            "report_us": item.stamp(context(6)),
            "changed": item.has(context(6)),
            "qci": item.inside(context(9, made=True)).numeral(context(1)),
            "item_rat": item.numeral(context(15)),
            "item_place": item.hexadecimal(context(8)),
        }
    )


def _shared() -> list[pl.Expr]:
    """Give columns of DECODED, of those of a record and its container."""
    before = pl.col("report_us").shift(1).over("owner")
    begun = pl.when(pl.col("changed").fill_null(value=False)).then(before)
    start = pl.coalesce("first_us", begun, "opened_us")
    end = pl.coalesce("last_us", "report_us", start)
    used = pl.coalesce(pl.col("used_s") * _SECOND_US, end - start)
    sequence = pl.col("record_sequence").fill_null(1)
    chain = pl.concat_str("gateway", "charging_id", separator=_SEPARATOR)
    key = pl.concat_str(
        "gateway", "charging_id", sequence, pl.col("container").fill_null(0), separator=_SEPARATOR
    )
    up, down = pl.col("up_octets").fill_null(0), pl.col("down_octets").fill_null(0)
    content = [
        start, end, up, down, "rating_group", "service_identifier", "imsi", "apn", "cause_code",
    ]  # fmt: skip
    name = pl.col("node_name")
    return [
        key.alias("natural_key"), chain.alias("session_key"), start.alias("start_us"),
        end.alias("end_us"), pl.col("opened_us").alias("setup_us"), used.alias("duration_us"),
        (up + down).alias("quantity"), up.alias("up_octets"), down.alias("down_octets"),
        pl.concat_str(
            [pl.col(part) if isinstance(part, str) else part for part in content],
            separator=_SEPARATOR, ignore_nulls=True,
        ).alias("content"),
        (pl.col("length_s").fill_null(0) * _SECOND_US).alias("session_time_us"),
        sequence.alias("partial_no"), (sequence <= 1).alias("is_first"),
        (~pl.col("cause_code").is_in(_PARTIAL_CAUSES)).alias("is_last"),
        pl.col("cause_code").cast(pl.String).alias("cause"),
        pl.when(name == "").then("gateway").otherwise(name).alias("node"),
        pl.coalesce(_text("item_rat"), "record_rat").alias("rat"),
        pl.coalesce(_text("item_place"), "record_place").alias("cell_id"),
        pl.concat_str(
            pl.when(pl.col("container").is_null()).then(pl.lit("no_containers")),
            pl.when("sent_again").then(pl.lit("sent_again")), separator=",", ignore_nulls=True,
        ).alias("quality_flags"),
        attributes({
            "rating_group": pl.col("rating_group"), "qci": pl.col("qci"),
            "service_identifier": pl.col("service_identifier"),
            "rule_base": pl.col("rule_base"),
            "charging_characteristics": pl.col("characteristics"),
        }).alias("attributes"),
        pl.lit("delta").alias("kind"), pl.lit("mo").alias("direction"),
        pl.lit(Service.DATA.value).alias("service"), pl.lit(Unit.OCTET.value).alias("unit"),
        pl.col("rating_group").fill_null("").alias("usage_type"),
    ]  # fmt: skip


def _text(name: str) -> pl.Expr:
    return pl.when(pl.col(name) != "").then(pl.col(name))
