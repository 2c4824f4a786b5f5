"""3GPP records and TAP files as pycrate reads and writes them: the same values, both ways."""

from typing import Any

import pytest

from tallywire.mediation.ber.encode import digits, stamp
from tallywire.mediation.framing import Ber, frame
from tests.ber import cdrs, taps
from tests.ber.decoded import rows_of

pytest.importorskip("pycrate_asn1dir", reason="pycrate is not installed")
pytestmark = pytest.mark.filterwarnings("ignore")


@pytest.fixture(scope="module")
def gprs() -> Any:
    """The grammar of packet records; its import takes seconds."""
    from pycrate_asn1dir import CDR  # noqa: PLC0415  slow

    return CDR


@pytest.fixture(scope="module")
def tap3() -> Any:
    from pycrate_asn1dir import TAP3  # noqa: PLC0415  slow

    return TAP3


def _container(up: int, down: int, group: int) -> dict[str, Any]:
    return {
        "ratingGroup": group, "datavolumeFBCUplink": up, "datavolumeFBCDownlink": down,
        "timeOfFirstUsage": stamp(cdrs.FIRST), "timeOfLastUsage": stamp(cdrs.LAST),
        "timeOfReport": stamp(cdrs.LAST), "serviceIdentifier": 42, "localSequenceNumber": 1,
        "serviceConditionChange": (0, 40), "qoSInformationNeg": {"qCI": 9},
        "chargingRuleBaseName": "default-rule",
    }  # fmt: skip


def test_a_record_that_pycrate_writes_is_read(gprs: Any) -> None:
    record = gprs.GPRSChargingDataTypes.GPRSRecord
    record.set_val((
        "pGWRecord",
        {
            "recordType": 85, "servedIMSI": digits("242011234567890"),
            "p-GWAddress": ("iPBinaryAddress", ("iPBinV4Address", bytes([10, 1, 1, 1]))),
            "chargingID": 3_000_000_000, "accessPointNameNI": "internet",
            "servingNodeAddress": [("iPBinaryAddress", ("iPBinV4Address", bytes([10, 2, 2, 2])))],
            "recordOpeningTime": stamp(cdrs.OPENED), "duration": 1500, "causeForRecClosing": 16,
            "recordSequenceNumber": 2, "nodeID": "pgw-oslo-1", "localSequenceNumber": 99,
            "servedMSISDN": b"\x91" + digits("4790010002"), "rATType": 6,
            "chargingCharacteristics": b"\x08\x00", "servingNodeType": ["mME"],
            "servedPDPPDNAddress": (
                "iPAddress", ("iPBinaryAddress", ("iPBinV4Address", bytes([100, 64, 3, 9])))
            ),
            "servingNodePLMNIdentifier": bytes.fromhex("42f210"),
            "listOfServiceData": [_container(10, 20, 7), _container(1, 2**40, 8)],
        },
    ))  # fmt: skip
    rows = rows_of("3gpp_cdr", record.to_ber())
    assert [row["quantity"] for row in rows] == [30, 2**40 + 1]
    one = rows[0]
    assert one["natural_key"].split("\x1f") == ["10.1.1.1", "3000000000", "2", "0"]
    assert (one["imsi"], one["a_raw"], one["apn"]) == ("242011234567890", "+4790010002", "internet")
    assert (one["ip"], one["serving_plmn"], one["rat"]) == ("100.64.3.9", "24201", "6")
    assert (one["node"], one["node_sequence"], one["partial_no"]) == ("pgw-oslo-1", 99, 2)
    assert not one["is_last"]


@pytest.mark.parametrize("name", ["pgw", "sgw", "mo", "mt", "mo_sms", "mt_sms", "ims"])
def test_a_record_that_we_write_is_one(gprs: Any, name: str) -> None:
    """What tests and benches are made of is what the standard says."""
    switched = gprs.CSChargingDataTypes.CSRecord
    grammar, data = {
        "pgw": (gprs.GPRSChargingDataTypes.GPRSRecord, cdrs.pgw(5, 1, [cdrs.service_data(1, 2)])),
        "sgw": (
            gprs.GPRSChargingDataTypes.GPRSRecord,
            cdrs.pgw(5, 1, [cdrs.traffic(1, 2, cdrs.LAST)], tag=78),
        ),
        "mo": (switched, cdrs.call("mo", 1, 600)),
        "mt": (switched, cdrs.call("mt", 1, 600)),
        "mo_sms": (switched, cdrs.sms("mo", 1)),
        "mt_sms": (switched, cdrs.sms("mt", 1)),
        "ims": (gprs.IMSChargingDataTypes.IMSRecord, cdrs.ims("s1")),
    }[name]
    grammar.from_ber(data)
    assert len(grammar.get_val()[1]) > 5


def test_charges_are_those_that_pycrate_reads(tap3: Any) -> None:
    charges = [taps.charge(1000, units=200, tax=7), taps.charge(1300, units=13)]
    data = taps.batch(
        [taps.call(213, charges), taps.gprs(5, 6, [taps.charge(66, item="X")])],
        taps.audit(2, 2366),
    )
    file = tap3.TAP_0312.DataInterChange
    file.from_ber(data)
    batch = file.get_val()[1]
    call, session = (event[1] for event in batch["callEventDetails"])
    used = call["basicServiceUsedList"][0]["chargeInformationList"]
    expected = [piece["chargeDetailList"][0]["charge"] for piece in used]
    rows = [row for row in rows_of("tap", data) if row["service"]]
    assert [int(row["source_amount"] * 1000) for row in rows] == [*expected, 66]
    assert rows[0]["imsi"] == taps.IMSI
    volumes = session["gprsServiceUsed"]
    assert rows[2]["down_octets"] == volumes["dataVolumeIncoming"]
    assert rows[2]["up_octets"] == volumes["dataVolumeOutgoing"]
    assert batch["auditControlInfo"]["totalCharge"] == 2366


def test_a_batch_that_pycrate_writes_again_is_read_alike(tap3: Any) -> None:
    """Read by pycrate, written by pycrate: the same rows, whatever the lengths look like."""
    data = taps.batch([taps.call(60, [taps.charge(5)])] * 3, taps.audit(3, 15))
    file = tap3.TAP_0312.DataInterChange
    file.from_ber(data)
    again = file.to_ber()
    kept = ("natural_key", "quantity", "source_amount", "start_us", "imsi", "a_raw", "b_raw")
    ours, theirs = rows_of("tap", data), rows_of("tap", again)
    assert [[row[name] for name in kept] for row in ours] == [
        [row[name] for name in kept] for row in theirs
    ]


def test_returns_are_those_that_pycrate_reads(tap3: Any) -> None:
    event = taps.call(60, [taps.charge(500)])
    data = taps.rap(
        [taps.severe(event), taps.missing("00001", "00002"), taps.fatal("00009")], total=500
    )
    file = tap3.RAP_0105.RapDataInterChange
    file.from_ber(data)
    names = [kind for kind, _ in file.get_val()[1]["returnDetails"]]
    assert names == ["severeReturn", "missingReturn", "fatalReturn"]
    told = [row["detail"] for row in rows_of("rap", data)][1:4]
    assert told == [
        "severe return of an event of file 12: error 261; charge 500",
        "files 1 to 2 are missing",
        "fatal return of file 9: transfer batch: error 30",
    ]


def test_frames_are_whole_elements() -> None:
    data = b"".join(cdrs.pgw(n, 1, []) for n in range(5))
    frames, consumed = frame(data, Ber(), at_end=True)
    assert (len(frames), consumed) == (5, len(data))
