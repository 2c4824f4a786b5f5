"""Events of a TAP file: calls, messages, data sessions, and what is charged beside them."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
import polars as pl

from schemas.reasons import Reason
from schemas.services import Service, Unit
from tallywire.mediation.ber import values
from tallywire.mediation.ber.elements import Ints
from tallywire.mediation.ber.reader import Reader, either
from tallywire.mediation.decoders.tap import tags
from tallywire.mediation.decoders.tap.charges import Charges, charges, per_row, with_fee
from tallywire.mediation.decoders.tap.head import Head

_SECOND_US, _MINUTE_US = 1_000_000, 60_000_000
_SMS_CODES = ["21", "22"]
_NO_OFFSET = 10_000


@dataclass(frozen=True)
class Events:
    """Events of one type.

    Attributes:
        owner: The event that each row is of.
        rows: Columns of DECODED, and `charge`, `tax`, `discount` in the file's smallest unit.
        charged: Pieces of charge information of all events.
    """

    owner: Ints
    rows: pl.DataFrame
    charged: Charges


def _moment(start: Reader, head: Head) -> dict[str, pl.Series]:
    """Read a local time and the code of its offset: instant, offset, and what is wrong."""
    wall, good = values.walls(start.octets, start.elements.first(tags.LOCAL_TIME))
    code = start.integer(tags.OFFSET_CODE)
    known = sorted(set(head.offsets))
    codes = code.fill_null(-1).to_numpy()
    offset = np.full(len(codes), _NO_OFFSET, np.int64)
    for one in known:
        offset[codes == one] = head.offsets[one]
    found = offset != _NO_OFFSET
    offset = np.where(found, offset, 0)
    return {
        "start_us": values.nullable(wall - offset * _MINUTE_US, good & found),
        "utc_offset_minutes": pl.Series(offset),
        "bad_offset": pl.Series(good & ~found),
        "offset_code": code,
    }


def _subscriber(chargeable: Reader) -> dict[str, pl.Series]:
    """Read IMSI and number of the served party."""
    sim, minimum = chargeable.inside(tags.SIM), chargeable.inside(tags.MIN)
    served = either(sim.digits(tags.MSISDN, swapped=False), minimum.digits(tags.MDN, swapped=False))
    return {
        "imsi": either(
            sim.digits(tags.IMSI, swapped=False), minimum.digits(tags.MIN_NUMBER, swapped=False)
        ),
        "customer": served,
    }


def _full(number: pl.Series) -> pl.Series:
    """Write a full number with its plus."""
    return either(number.str.replace(r"^([0-9])", "+$1"), number)


def _place(place: Reader, head: Head) -> dict[str, pl.Series]:
    code = place.choice(tags.ENTITY_CODES)
    entity = place.integer(tags.ENTITY_CODE).fill_null(code.integer(tags.ENTITY_CODE))
    area, cell = place.numeral(tags.AREA), place.numeral(tags.CELL)
    names = pl.Series(
        [head.entities.get(-1 if one is None else one, "") for one in entity.to_list()],
        dtype=pl.String,
    )
    return {
        "entity": names,
        "cell_id": area.zip_with(cell == "", area + "-" + cell),
        "linked_id": place.hexadecimal(tags.CALL_REFERENCE),
    }


def _shared(event: Reader, basic: Reader, head: Head) -> dict[str, pl.Series]:
    """Read what calls and data sessions have alike."""
    return {
        **_moment(basic.inside(tags.START), head),
        "length_s": basic.integer(tags.DURATION),
        "cause": basic.numeral(tags.CAUSE),
        "imei": event.inside(tags.EQUIPMENT).digits(tags.IMEI, swapped=False),
        "bad_number": basic.unread(integers=(tags.DURATION,)),
    }


def call(event: Reader, head: Head, *, basic_tag: int, direction: str) -> Events:
    """Read mobile originated or terminated calls, short messages among them."""
    basic = event.inside(basic_tag)
    served = _subscriber(basic.inside(tags.SUBSCRIBER))
    to, by = basic.inside(tags.DESTINATION), basic.inside(tags.ORIGINATOR)
    dialled = to.text(tags.DIALLED)
    called = either(_full(to.digits(tags.CALLED, swapped=False)), to.text(tags.SMS_DESTINATION))
    calling = either(_full(by.digits(tags.CALLING, swapped=False)), by.text(tags.SMS_ORIGINATOR))
    own = _full(served["customer"])
    used = event.inside(tags.SERVICES_USED, tags.SERVICE_USED)
    code = used.inside(tags.BASIC_SERVICE, tags.SERVICE_CODE)
    mo = direction == "mo"
    frame = pl.DataFrame(
        {
            **_shared(event, basic, head),
            **served,
            **_place(event.inside(tags.PLACE, tags.NETWORK_PLACE), head),
            "a_raw": own if mo else calling,
            "b_raw": either(called, dialled) if mo else own,
            "c_raw": dialled,
            "tele_service": code.text(tags.TELE_SERVICE),
            "usage_type": code.text(tags.TELE_SERVICE, tags.BEARER_SERVICE),
        }
    )
    path = (tags.SERVICES_USED, tags.SERVICE_USED, tags.CHARGE_LIST, tags.CHARGE_INFORMATION)
    fee = event.inside(tags.CAMEL).integer(tags.CAMEL_FEE)
    charged = with_fee(charges(event, head, path), fee)
    seconds = frame["length_s"].fill_null(0).to_numpy()
    money = per_row(charged, seconds)
    owner = money["event"].to_numpy()
    rows = frame[owner].with_columns(money.drop("event").get_columns())
    return Events(owner, rows.with_columns(_call_columns(direction)), charged)


def _call_columns(direction: str) -> list[pl.Expr]:
    message = pl.col("tele_service").is_in(_SMS_CODES)
    seconds = pl.when("divided").then("units").otherwise(pl.col("length_s").fill_null(0))
    length = pl.when(message).then(0).otherwise(seconds * _SECOND_US)
    voice, sms = pl.lit(Service.ROAMING_VOICE.value), pl.lit(Service.ROAMING_SMS.value)
    return [
        length.alias("duration_us"),
        pl.when(message).then(1).otherwise(length).alias("quantity"),
        (pl.col("start_us") + length).alias("end_us"),
        pl.when(message).then(sms).otherwise(voice).alias("service"),
        pl.when(message).then(pl.lit(Unit.COUNT.value))
        .otherwise(pl.lit(Unit.MICROSECOND.value)).alias("unit"),
        pl.lit(direction).alias("direction"),
        (pl.col("length_s").is_null() & ~message).alias("no_quantity"),
    ]  # fmt: skip


def data(event: Reader, head: Head) -> Events:
    """Read data sessions."""
    basic = event.inside(tags.GPRS_BASIC)
    subscriber = basic.inside(tags.GPRS_SUBSCRIBER)
    service = event.inside(tags.GPRS_SERVICE)
    shared = _shared(event, basic, head)
    volumes = service.unread(integers=(tags.VOLUME_IN, tags.VOLUME_OUT))
    served = _subscriber(subscriber.inside(tags.SUBSCRIBER))
    frame = pl.DataFrame(
        {
            **shared,
            **served,
            **_place(event.inside(tags.GPRS_PLACE, tags.GPRS_NETWORK_PLACE), head),
            "bad_number": shared["bad_number"] | volumes,
            "a_raw": _full(served["customer"]),
            "ip": subscriber.text(tags.PDP_ADDRESS),
            "apn": basic.inside(tags.GPRS_DESTINATION).text(tags.APN),
            "charging_id": basic.numeral(tags.CHARGING_ID),
            "usage_type": basic.text(tags.PARTIAL_TYPE),
            "down_octets": service.integer(tags.VOLUME_IN),
            "up_octets": service.integer(tags.VOLUME_OUT),
        }
    )
    path = (tags.GPRS_SERVICE, tags.CHARGE_LIST, tags.CHARGE_INFORMATION)
    fee = event.inside(tags.CAMEL).integer(tags.CAMEL_FEE)
    charged = with_fee(charges(event, head, path), fee)
    volume = (frame["down_octets"].fill_null(0) + frame["up_octets"].fill_null(0)).to_numpy()
    money = per_row(charged, volume)
    owner = money["event"].to_numpy()
    rows = frame[owner].with_columns(money.drop("event").get_columns())
    return Events(owner, rows.with_columns(_data_columns(head)), charged)


def _data_columns(head: Head) -> list[pl.Expr]:
    down, up = pl.col("down_octets").fill_null(0), pl.col("up_octets").fill_null(0)
    length = pl.col("length_s").fill_null(0) * _SECOND_US
    parted = pl.col("divided")
    return [
        pl.when(parted).then("units").otherwise(down + up).alias("quantity"),
        pl.when(parted).then(0).otherwise(down).alias("down_octets"),
        pl.when(parted).then(0).otherwise(up).alias("up_octets"),
        length.alias("duration_us"), (pl.col("start_us") + length).alias("end_us"),
        pl.concat_str(pl.lit(head.sender), "charging_id", separator="\x1f").alias("session_key"),
        pl.lit(Service.ROAMING_DATA.value).alias("service"),
        pl.lit(Unit.OCTET.value).alias("unit"), pl.lit("mo").alias("direction"),
        pl.all_horizontal(pl.col("down_octets", "up_octets").is_null()).alias("no_quantity"),
    ]  # fmt: skip


@dataclass(frozen=True)
class Other:
    """An event that is no call, message or data session: where its time and its charges are."""

    name: str
    start: tuple[int, ...]
    subscriber: tuple[int, ...]
    charged: tuple[int, ...]


OTHERS: Mapping[int, Other] = {
    tags.SUPPLEMENTARY: Other(
        "supplementary service event", (tags.SUPPLEMENTARY_USED, tags.CHARGING_TIME),
        (tags.SUBSCRIBER,), (tags.SUPPLEMENTARY_USED, tags.CHARGE_INFORMATION),
    ),
    tags.CENTRE_USAGE: Other(
        "service centre usage", (tags.CENTRE_TIMES, tags.DEPOSITED),
        (tags.CENTRE_BASIC, tags.CENTRE_SUBSCRIBER), (tags.CHARGE_INFORMATION,),
    ),
    tags.CONTENT: Other(
        "content transaction", (tags.CONTENT_BASIC, tags.ORDER_PLACED), (),
        (tags.CONTENT_USED, tags.CONTENT_SERVICE, tags.CHARGE_LIST, tags.CHARGE_INFORMATION),
    ),
    tags.LOCATION: Other(
        "location service", (tags.LOCATION_USAGE, tags.CHARGING_TIME), (),
        (tags.LOCATION_USAGE, tags.CHARGE_LIST, tags.CHARGE_INFORMATION),
    ),
    tags.SESSION: Other(
        "mobile session", (tags.SERVICE_START,), (tags.CHARGED_PARTY,),
        (tags.SESSION_CHARGES, tags.SESSION_CHARGE),
    ),
    tags.MESSAGING: Other("messaging event", (tags.SERVICE_START,), (tags.CHARGED_PARTY,), ()),
}  # fmt: skip


def other(event: Reader, head: Head, *, at: Other) -> Events:
    """Read other events: what is charged for is suspense, what is free is set aside."""
    party = event.inside(*at.subscriber)
    charged = charges(event, head, at.charged) if at.charged else _plain(event, head)
    money = per_row(charged, np.zeros(len(event), np.int64))
    owner = money["event"].to_numpy()
    frame = pl.DataFrame(
        {**_moment(event.inside(*at.start), head), **_subscriber(party)}
    ).with_columns(either_imsi(party).alias("imsi"))
    rows = frame[owner].with_columns(money.drop("event").get_columns())
    free = pl.col("charge").fill_null(0) == 0
    return Events(
        owner,
        rows.with_columns(
            pl.lit("mo").alias("direction"), pl.lit(0, pl.Int64).alias("quantity"),
            pl.when(free).then(pl.lit(Reason.ZERO_USAGE.value))
            .otherwise(pl.lit(Reason.RECORD_TYPE_UNKNOWN.value)).alias("reason"),
            pl.when(free).then(pl.lit(f"a {at.name} without a charge"))
            .otherwise(pl.format(f"a {at.name}, charged {{}}, is of no service that is rated",
                                 "charge")).alias("detail"),
        ),
        charged,
    )  # fmt: skip


def either_imsi(party: Reader) -> pl.Series:
    """Read the IMSI of a party, directly or of its SIM."""
    return either(
        party.inside(tags.SIM).digits(tags.IMSI, swapped=False),
        either(
            party.digits(tags.IMSI, swapped=False),
            party.inside(tags.GSM_SUBSCRIBER).digits(tags.IMSI, swapped=False),
        ),
    )


def _plain(event: Reader, head: Head) -> Charges:
    """Read the charge of events that have one and no list of them."""
    found = charges(event, head, (tags.CHARGE_LIST, tags.CHARGE_INFORMATION))
    return with_fee(found, event.integer(tags.CHARGE))


READ: Mapping[int, Callable[[Reader, Head], Events]] = {
    tags.MOC: lambda event, head: call(event, head, basic_tag=tags.MO_BASIC, direction="mo"),
    tags.MTC: lambda event, head: call(event, head, basic_tag=tags.MT_BASIC, direction="mt"),
    tags.GPRS: data,
    **{
        tag: (lambda event, head, at=at: other(event, head, at=at))  # type: ignore[misc]
        for tag, at in OTHERS.items()
    },
}
"""How each type of event is read, by its tag."""
