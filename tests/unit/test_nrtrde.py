"""Reports of NRTRDE 2.1 as another encoder writes them: every field of the specification is read."""

from typing import Any

import pytest

from schemas.reasons import Reason
from tallywire.mediation.ber.encode import digits
from tests.ber import taps
from tests.ber.decoded import decoded, rows_of

# The tags are those of the specification; the names are ours.
GRAMMAR = """
Reports DEFINITIONS IMPLICIT TAGS ::= BEGIN
File ::= [APPLICATION 1] SEQUENCE {
    specification Specification, release Release, sender Sender, recipient Recipient,
    sequence Sequence, available Available, offset Offset, events Events, count Count
}
Events ::= [APPLICATION 2] SEQUENCE OF Event
Event ::= CHOICE { moc [APPLICATION 3] Fields, mtc [APPLICATION 4] Fields,
                   gprs [APPLICATION 5] Fields }
Fields ::= SEQUENCE {
    imsi [APPLICATION 34] OCTET STRING, imei [APPLICATION 33] OCTET STRING OPTIONAL,
    start [APPLICATION 21] NumericString, offset Offset,
    duration [APPLICATION 19] INTEGER, cause [APPLICATION 24] INTEGER,
    service [APPLICATION 46] CHOICE {
        tele [APPLICATION 43] VisibleString, bearer [APPLICATION 18] VisibleString
    } OPTIONAL,
    supplementary [APPLICATION 42] VisibleString OPTIONAL,
    dialled [APPLICATION 30] VisibleString OPTIONAL,
    connected [APPLICATION 27] NumericString OPTIONAL,
    third [APPLICATION 44] NumericString OPTIONAL,
    calling [APPLICATION 22] NumericString OPTIONAL,
    apn [APPLICATION 16] VisibleString OPTIONAL, apnOperator [APPLICATION 17] VisibleString OPTIONAL,
    incoming [APPLICATION 28] INTEGER OPTIONAL, outgoing [APPLICATION 29] INTEGER OPTIONAL,
    sgsn [APPLICATION 40] VisibleString OPTIONAL, ggsn [APPLICATION 32] VisibleString OPTIONAL,
    chargingId [APPLICATION 26] INTEGER OPTIONAL,
    entity [APPLICATION 35] VisibleString OPTIONAL, reference [APPLICATION 23] INTEGER OPTIONAL,
    amount [APPLICATION 25] INTEGER OPTIONAL, serving [APPLICATION 15] VisibleString OPTIONAL,
    msisdn [APPLICATION 49] OCTET STRING OPTIONAL, area [APPLICATION 48] INTEGER OPTIONAL,
    cell [APPLICATION 47] INTEGER OPTIONAL
}
Specification ::= [APPLICATION 41] INTEGER
Release ::= [APPLICATION 37] INTEGER
Sender ::= [APPLICATION 38] VisibleString
Recipient ::= [APPLICATION 36] VisibleString
Sequence ::= [APPLICATION 39] NumericString
Available ::= [APPLICATION 31] NumericString
Offset ::= [APPLICATION 45] VisibleString
Count ::= [APPLICATION 20] INTEGER
END
"""
SHARED = {
    "imsi": digits(taps.IMSI, swapped=False), "imei": digits("3534901234567801", swapped=False),
    "start": taps.START, "offset": "+0200", "duration": 43, "cause": 4, "entity": "CAFE01",
    "reference": 4711, "amount": 42, "serving": "NORCC", "area": 3505, "cell": 7182,
    "msisdn": digits(taps.MSISDN, swapped=False),
}  # fmt: skip
MOC = {
    **SHARED, "service": ("bearer", "26"), "supplementary": "21", "dialled": "41234567",
    "connected": "4741234567", "third": "4790099009",
}  # fmt: skip
MTC = {**SHARED, "service": ("tele", "11"), "calling": "4741234567"}
GPRS = {
    **SHARED, "apn": "internet", "apnOperator": "mnc001.mcc242.gprs", "incoming": 2**33,
    "outgoing": 7, "sgsn": "192.0.2.1", "ggsn": "192.0.2.2", "chargingId": 77,
}  # fmt: skip
del GPRS["entity"]


@pytest.fixture(scope="module")
def grammar() -> Any:
    """The specification, compiled by asn1tools."""
    asn1tools = pytest.importorskip("asn1tools", reason="asn1tools is not installed")
    return asn1tools.compile_string(GRAMMAR, "ber")


def _file(grammar: Any, *events: tuple[str, dict[str, Any]], count: int) -> bytes:
    content = {
        "specification": 2, "release": 1, "sender": "NORAA", "recipient": "NORBB",
        "sequence": "0000017", "available": taps.START, "offset": "+0200", "events": list(events),
        "count": count,
    }  # fmt: skip
    return bytes(grammar.encode("File", content))


def test_every_field_of_every_event_is_read(grammar: Any) -> None:
    data = _file(grammar, ("moc", MOC), ("mtc", MTC), ("gprs", GPRS), count=3)
    moc, mtc, gprs = rows_of("nrtrde", data, {"usage": True})[1:4]
    for row in (moc, mtc, gprs):
        assert row["reason"] is None, row["detail"]
        assert (row["imsi"], row["imei"]) == (taps.IMSI, "3534901234567801")
        assert (row["customer"], row["serving_plmn"], row["partner"]) == (
            taps.MSISDN, "NORCC", "NORAA",
        )  # fmt: skip
        assert (row["cell_id"], row["linked_id"], row["cause"]) == ("3505-7182", "4711", "4")
        assert '"charge_amount":"42"' in row["attributes"]
    assert (moc["a_raw"], moc["b_raw"], moc["c_raw"]) == ("+4790010001", "4741234567", "41234567")
    assert (moc["usage_type"], moc["service"], moc["trunk_in"]) == ("26", "roaming_voice", "CAFE01")
    assert '"supplementary_service":"21","third_party":"4790099009"' in moc["attributes"]
    assert (mtc["a_raw"], mtc["b_raw"]) == ("4741234567", "+4790010001")
    assert (mtc["direction"], mtc["usage_type"]) == ("mt", "11")
    assert (gprs["quantity"], gprs["down_octets"], gprs["up_octets"]) == (2**33 + 7, 2**33, 7)
    assert (gprs["apn"], gprs["session_key"]) == ("internet", "NORAA\x1f77")
    assert (gprs["trunk_in"], gprs["ip"]) == ("192.0.2.1", "")
    assert '"apn_operator":"mnc001.mcc242.gprs"' in gprs["attributes"]
    assert '"gateway":"192.0.2.2"' in gprs["attributes"]


def test_what_a_report_leaves_out_is_empty(grammar: Any) -> None:
    least = {name: SHARED[name] for name in ("imsi", "start", "offset", "duration", "cause")}
    data = _file(grammar, ("moc", {**least, "dialled": "112"}), ("gprs", least), count=3)
    made = decoded("nrtrde", data, {"usage": True})
    moc, gprs = made.frame.rows(named=True)[1:3]
    assert (moc["b_raw"], moc["serving_plmn"], moc["session_key"]) == ("112", "NORAA", "")
    assert (gprs["reason"], gprs["detail"]) == (
        Reason.FIELD_MISSING, "it says neither how long nor how much",
    )  # fmt: skip
    assert (made.control["declared_records"], made.control["counted_records"]) == (3, 2)
    assert made.control["sequence"] == 17


def test_a_type_of_event_that_the_specification_lacks_is_told() -> None:
    """Nothing is deleted or corrected by a report: such an element is no event."""
    row = rows_of("nrtrde", taps.nrtrde([taps.element(0x66, taps.field(0x5F22, b"\x24"))]))[1]
    assert row["reason"] == Reason.RECORD_TYPE_UNKNOWN
