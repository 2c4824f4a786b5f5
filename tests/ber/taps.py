"""TAP, NRTRDE and RAP files, written by our own encoder, for tests and benches."""

from collections.abc import Sequence

from tallywire.mediation.ber.encode import digits, element, integer
from tallywire.mediation.ber.reader import application
from tallywire.mediation.decoders.tap import tags

IMSI, MSISDN = "242011234567890", "4790010001"
START = "20261024120000"


def field(tag: int, value: bytes | int | str) -> bytes:
    """Write a field."""
    if isinstance(value, int):
        value = integer(value)
    return element(tag, value.encode() if isinstance(value, str) else value)


def moment(tag: int, local: str = START, offset: str = "+0200") -> bytes:
    """Write a local time with its offset."""
    return element(tag, field(tags.LOCAL_TIME, local), field(tags.OFFSET, offset))


def coded(tag: int, local: str = START, code: int = 1) -> bytes:
    """Write a local time with the code of its offset."""
    return element(tag, field(tags.LOCAL_TIME, local), field(tags.OFFSET_CODE, code))


def head(
    *, sequence: str = "00012", test: bool = False, decimals: int = 3, sender: str = "NORAA",
    recipient: str = "NORBB",
) -> bytes:  # fmt: skip
    """Write batch control, accounting and network information."""
    control = element(
        tags.BATCH_CONTROL, field(tags.SENDER, sender), field(tags.RECIPIENT, recipient),
        field(tags.FILE_SEQUENCE, sequence), moment(tags.CREATED),
        moment(application(227, made=True)), moment(tags.AVAILABLE), field(tags.SPECIFICATION, 3),
        field(tags.RELEASE, 12), *([field(tags.FILE_TYPE, "T")] if test else []),
    )  # fmt: skip
    accounting = element(
        tags.ACCOUNTING,
        element(tags.TAXATIONS, element(tags.TAXATION, field(tags.TAX_CODE, 1),
                                        field(application(217), "01"))),
        element(tags.DISCOUNTINGS, element(tags.DISCOUNTING, field(tags.DISCOUNT_CODE, 1),
                                           element(application(428, made=True), field(application(411), 500)))),
        field(tags.LOCAL_CURRENCY, "EUR"),
        element(
            tags.CONVERSIONS,
            element(tags.CONVERSION, field(tags.RATE_CODE, 1), field(tags.RATE_DECIMALS, 5),
                    field(tags.RATE, 116203)),
        ),
        field(tags.DECIMALS, decimals),
    )  # fmt: skip
    network = element(
        tags.NETWORK,
        element(tags.OFFSETS, element(tags.OFFSET_INFO, field(tags.OFFSET_CODE, 1),
                                      field(tags.OFFSET, "+0200"))),
        element(tags.ENTITIES, element(tags.ENTITY, field(tags.ENTITY_CODE, 1),
                                       field(application(186), 1),
                                       field(tags.ENTITY_ID, "MSC1"))),
    )  # fmt: skip
    return control + accounting + network


def charge(
    amount: int, *, item: str = "D", units: int | None = None, tax: int = 0, discount: int = 0
) -> bytes:
    """Write a piece of charge information."""
    return element(
        tags.CHARGE_INFORMATION, field(tags.CHARGED_ITEM, item), field(tags.RATE_CODE, 1),
        element(
            tags.CHARGE_DETAILS,
            element(
                tags.CHARGE_DETAIL, field(tags.CHARGE_TYPE, "00"), field(tags.CHARGE, amount),
                *([] if units is None else [field(tags.CHARGEABLE_UNITS, units)]),
            ),
            element(tags.CHARGE_DETAIL, field(tags.CHARGE_TYPE, "01"), field(tags.CHARGE, amount)),
        ),
        *([element(tags.TAXES, element(tags.TAX, field(application(212), 1),
                                       field(tags.TAX_VALUE, tax)))] if tax else []),
        *([element(tags.DISCOUNT_INFORMATION, field(application(91), 1),
                   field(tags.DISCOUNT, discount))] if discount else []),
    )  # fmt: skip


def subscriber() -> bytes:
    """Write who is charged."""
    return element(
        tags.SUBSCRIBER,
        element(tags.SIM, field(tags.IMSI, digits(IMSI, swapped=False)),
                field(tags.MSISDN, digits(MSISDN, swapped=False))),
    )  # fmt: skip


def call(
    seconds: int, charges: Sequence[bytes], *, direction: str = "mo", tele: str = "11",
    local: str = START, code: int = 1, fee: int | None = None,
) -> bytes:  # fmt: skip
    """Write a call or a short message."""
    other = digits("4741234567", swapped=False)
    mo = direction == "mo"
    party = (
        element(tags.DESTINATION, field(tags.CALLED, other), field(tags.DIALLED, "41234567"))
        if mo else element(tags.ORIGINATOR, field(tags.CALLING, other))
    )  # fmt: skip
    return element(
        tags.MOC if mo else tags.MTC,
        element(
            tags.MO_BASIC if mo else tags.MT_BASIC, subscriber(), party,
            coded(tags.START, local, code), field(tags.DURATION, seconds), field(tags.CAUSE, 0),
        ),
        element(tags.PLACE, element(tags.NETWORK_PLACE, field(tags.ENTITY_CODE, 1),
                                    field(tags.CALL_REFERENCE, b"\x01\x02"),
                                    field(tags.AREA, 3505), field(tags.CELL, 7182))),
        element(tags.EQUIPMENT, field(tags.IMEI, digits("3534901234567801", swapped=False))),
        element(
            tags.SERVICES_USED,
            element(
                tags.SERVICE_USED,
                element(tags.BASIC_SERVICE, element(tags.SERVICE_CODE,
                                                    field(tags.TELE_SERVICE, tele))),
                element(tags.CHARGE_LIST, *charges),
            ),
        ),
        *([] if fee is None else [element(tags.CAMEL, field(tags.CAMEL_FEE, fee))]),
    )  # fmt: skip


def gprs(down: int, up: int, charges: Sequence[bytes], *, charging_id: int = 77) -> bytes:
    """Write a data session."""
    return element(
        tags.GPRS,
        element(
            tags.GPRS_BASIC,
            element(tags.GPRS_SUBSCRIBER, subscriber(), field(tags.PDP_ADDRESS, "10.0.0.9")),
            element(tags.GPRS_DESTINATION, field(tags.APN, "internet")),
            coded(tags.START), field(tags.DURATION, 500), field(tags.CHARGING_ID, charging_id),
        ),
        element(tags.GPRS_PLACE, element(tags.GPRS_NETWORK_PLACE,
                                         element(tags.ENTITY_CODES, field(tags.ENTITY_CODE, 1)),
                                         field(tags.AREA, 12))),
        element(tags.EQUIPMENT, field(tags.IMEI, digits("3534901234567801", swapped=False))),
        element(tags.GPRS_SERVICE, field(tags.VOLUME_IN, down), field(tags.VOLUME_OUT, up),
                element(tags.CHARGE_LIST, *charges)),
    )  # fmt: skip


def supplementary(amount: int | None = None) -> bytes:
    """Write a supplementary service event."""
    return element(
        tags.SUPPLEMENTARY, subscriber(),
        element(tags.SUPPLEMENTARY_USED, field(application(209), "2B"), field(application(208), 0),
                coded(tags.CHARGING_TIME), *([] if amount is None else [charge(amount)])),
    )  # fmt: skip


def audit(
    count: int, total: int, *, tax: int = 0, discount: int = 0, first: str = START,
    last: str = START,
) -> bytes:  # fmt: skip
    """Write an audit."""
    return element(
        tags.AUDIT, moment(tags.EARLIEST, first), moment(tags.LATEST, last),
        field(tags.TOTAL_CHARGE, total), field(tags.TOTAL_TAX, tax),
        field(tags.TOTAL_DISCOUNT, discount), field(tags.EVENT_COUNT, count),
    )  # fmt: skip


def batch(events: Sequence[bytes], trailer: bytes = b"", ahead: bytes | None = None) -> bytes:
    """Write a TAP file."""
    return element(
        tags.TRANSFER_BATCH, head() if ahead is None else ahead,
        element(tags.EVENT_LIST, *events), trailer,
    )  # fmt: skip


def nrtrde(events: Sequence[bytes], *, count: int | None = None) -> bytes:
    """Write an NRTRDE file."""
    return element(
        application(1, made=True), field(application(41), 2), field(application(37), 1),
        field(application(38), "NORAA"), field(application(36), "NORBB"),
        field(application(39), "17"), field(application(31), START), field(application(45), "+0200"),
        element(application(2, made=True), *events),
        field(application(20), len(events) if count is None else count),
    )  # fmt: skip


def report(kind: int = 3, *, seconds: int = 43, tele: str = "11", down: int = 0) -> bytes:
    """Write an NRTRDE event: 3 and 4 are calls, 5 is data."""
    own = (
        [field(application(16), "internet"), field(application(28), down),
         field(application(29), 7)] if kind == 5 else
        [element(application(46, made=True), field(application(43), tele)),
         field(application(27 if kind == 3 else 22), "4741234567")]
    )  # fmt: skip
    return element(
        application(kind, made=True), field(application(34), digits(IMSI, swapped=False)),
        field(application(21), START), field(application(45), "+0200"),
        field(application(19), seconds), field(application(24), 0), *own,
        field(application(35), "CAFE01"), field(application(25), 42),
    )  # fmt: skip


def rap(returns: Sequence[bytes], *, total: int = 0, count: int | None = None) -> bytes:
    """Write a RAP file."""
    return element(
        tags.RETURN_BATCH,
        element(
            tags.RAP_CONTROL, field(tags.SENDER, "NORBB"), field(tags.RECIPIENT, "NORAA"),
            field(tags.RAP_SEQUENCE, "00003"), moment(tags.RAP_CREATED),
            moment(tags.RAP_AVAILABLE), field(tags.SPECIFICATION, 3), field(tags.RELEASE, 12),
            field(tags.RAP_SPECIFICATION, 1), field(tags.RAP_RELEASE, 5), field(tags.DECIMALS, 3),
            field(tags.TAP_CURRENCY, "EUR"),
        ),
        element(tags.RETURN_LIST, *returns),
        element(tags.RAP_AUDIT, field(tags.RETURNED_VALUE, total),
                field(tags.RETURN_COUNT, len(returns) if count is None else count)),
    )  # fmt: skip


def errors(code: int) -> bytes:
    """Write a list of one error."""
    return element(tags.ERROR_LIST, element(tags.ERROR, field(tags.ERROR_CODE, code)))


def severe(event: bytes, *, sequence: str = "00012", code: int = 261) -> bytes:
    """Write the return of an event."""
    return element(tags.SEVERE_RETURN, field(tags.FILE_SEQUENCE, sequence), event, errors(code))


def missing(first: str, last: str) -> bytes:
    """Write the report of missing files."""
    return element(tags.MISSING_RETURN, field(tags.FIRST_MISSING, first),
                   field(tags.LAST_MISSING, last))  # fmt: skip


def fatal(sequence: str, code: int = 30) -> bytes:
    """Write the return of a file."""
    return element(tags.FATAL_RETURN, field(tags.FILE_SEQUENCE, sequence),
                   element(tags.BATCH_ERROR, errors(code)))  # fmt: skip


def many_calls(count: int) -> bytes:
    """Write a TAP file of calls, for benches."""
    return batch([call(60 + n % 600, [charge(100 + n, tax=5)]) for n in range(count)])


def many_sessions(count: int) -> bytes:
    """Write a TAP file of data sessions, for benches."""
    return batch([gprs(n, 2 * n, [charge(n, item="X")], charging_id=n) for n in range(count)])
