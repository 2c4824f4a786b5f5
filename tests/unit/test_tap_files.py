"""TAP files, fraud reports and returns: charges, audits, and what is told of the rest."""

from decimal import Decimal
from pathlib import Path

import pytest

from schemas.reasons import Reason
from tallywire.mediation.decoders.tap import tags
from tests.ber import taps
from tests.ber.decoded import decoded, rows_of


def _events(data: bytes) -> list[dict[str, object]]:
    return rows_of("tap", data)[1:]


def test_a_call_carries_the_senders_charge_exactly() -> None:
    call = taps.call(153, [taps.charge(2300, tax=230, discount=7)], fee=5)
    row = _events(taps.batch([call]))[0]
    assert row["source_amount"] == Decimal("2.305")
    assert (row["source_currency"], row["quantity"]) == ("EUR", 153_000_000)
    assert (row["service"], row["direction"]) == ("roaming_voice", "mo")
    assert (row["a_raw"], row["b_raw"], row["c_raw"]) == ("+4790010001", "+4741234567", "41234567")
    assert (row["partner"], row["trunk_in"], row["cell_id"]) == ("NORAA", "MSC1", "3505-7182")
    assert row["natural_key"] == "NORAA\x1fNORBB\x1f12\x1f1\x1f"
    for text in ('"tax":"0.230"', '"discount":"0.007"', '"exchange_rate":"1.16203"'):
        assert text in str(row["attributes"])


def test_charges_that_divide_the_usage_are_rows_of_their_own() -> None:
    parts = [taps.charge(1000, units=200), taps.charge(1300, units=13)]
    rows = _events(taps.batch([taps.call(213, parts)]))
    assert [(row["item_no"], row["quantity"], row["source_amount"]) for row in rows] == [
        (0, 200_000_000, Decimal("1.000")), (1, 13_000_000, Decimal("1.300")),
    ]  # fmt: skip
    assert len({row["natural_key"] for row in rows}) == 2


def test_charges_that_do_not_divide_it_are_added_up_so_that_usage_counts_once() -> None:
    parts = [taps.charge(1000, units=200), taps.charge(1300, item="E", units=1)]
    rows = _events(taps.batch([taps.call(213, parts)]))
    assert [(row["quantity"], row["source_amount"]) for row in rows] == [
        (213_000_000, Decimal("2.300"))
    ]


def test_messages_within_calls_and_data() -> None:
    sms, data = _events(taps.batch([
        taps.call(0, [taps.charge(70)], tele="22"),
        taps.gprs(1_200_000_000, 2_200_000_000, [taps.charge(66600, item="X")]),
    ]))  # fmt: skip
    assert (sms["service"], sms["quantity"]) == ("roaming_sms", 1)
    assert (data["service"], data["quantity"]) == ("roaming_data", 3_400_000_000)
    assert (data["down_octets"], data["up_octets"]) == (1_200_000_000, 2_200_000_000)
    assert (data["apn"], data["session_key"]) == ("internet", "NORAA\x1f77")


@pytest.mark.parametrize(
    ("event", "ahead", "reason", "detail"),
    [
        (taps.gprs(-2, 7, []), {}, Reason.QUANTITY_OUT_OF_RANGE, "negative"),
        (taps.call(1, [], code=9), {}, Reason.TIME_INVALID, "UTC offset code 9"),
        (taps.call(1, [], local="20261399000000"), {}, Reason.TIME_INVALID, "no start time"),
        (taps.supplementary(), {}, Reason.ZERO_USAGE, "without a charge"),
        (taps.supplementary(500), {}, Reason.RECORD_TYPE_UNKNOWN, "charged 500"),
        (taps.call(1, []), {"test": True}, Reason.NOT_BILLABLE, "test data"),
        (taps.call(1, []), {"sequence": "x"}, Reason.FIELD_MISSING, "no sequence number"),
        (taps.call(1, []), {"decimals": 77}, Reason.NUMBER_INVALID, "decimal places"),
        (taps.call(1, [taps.charge(2**70)]), {}, Reason.NUMBER_INVALID, "64 bits"),
        (taps.element(0x7F7F, b""), {}, Reason.RECORD_TYPE_UNKNOWN, "no event of TAP"),
    ],
)
def test_what_cannot_be_charged_is_told_by_name(
    event: bytes, ahead: dict[str, object], reason: Reason, detail: str
) -> None:
    row = _events(taps.batch([event], ahead=taps.head(**ahead)))[0]  # type: ignore[arg-type]
    assert row["reason"] == reason
    assert detail in str(row["detail"])


def test_an_audit_is_compared_with_all_events_whatever_became_of_them() -> None:
    events = [taps.call(1, [taps.charge(10, tax=1)]), taps.supplementary(5), taps.gprs(-1, 1, [])]
    made = decoded("tap", taps.batch(events, taps.audit(3, 16, tax=1, first="20050404162453")))
    control = made.control
    assert (control["declared_total"], control["counted_total"]) == (16, 15)
    assert (control["declared_tax"], control["counted_tax"]) == (1, 1)
    assert (control["declared_records"], control["counted_records"]) == (3, 3)
    assert control["declared_earliest"] != control["counted_earliest"]
    assert control["declared_latest"] == control["counted_latest"]


@pytest.mark.parametrize(
    ("form", "data", "series"),
    [
        ("tap", taps.batch([taps.call(1, [taps.charge(1)])]), "NORAA/NORBB"),
        ("tap", taps.batch([], ahead=taps.head(test=True)), "T/NORAA/NORBB"),
        ("tap", taps.batch([], ahead=taps.head(sender="")), ""),
        ("tap", taps.element(tags.TRANSFER_BATCH, taps.head(), taps.audit(0, 0)), "NORAA/NORBB"),
        ("tap", taps.element(tags.NOTIFICATION, taps.field(tags.SENDER, "NORCC"),
                             taps.field(tags.RECIPIENT, "NORBB")), "NORCC/NORBB"),
        ("nrtrde", taps.nrtrde([taps.report()]), "NORAA/NORBB"),
        ("rap", taps.rap([taps.missing("3", "5")]), "NORBB/NORAA"),
    ],
)  # fmt: skip
def test_a_file_says_whose_number_it_carries(form: str, data: bytes, series: str) -> None:
    assert decoded(form, data).series == series


def test_indefinite_lengths_are_read_alike() -> None:
    call = taps.call(60, [taps.charge(5)])
    body = (
        taps.head()
        + b"\x63\x80"
        + b"\x69\x80"
        + call[2 + (call[1] & 0x7F if call[1] > 127 else 0) :]
        + b"\0\0"
        + b"\0\0"
    )
    rows = _events(b"\x61\x80" + body + taps.audit(1, 5) + b"\0\0")
    assert [row["quantity"] for row in rows if not row["reason"]] == [60_000_000]
    assert rows[-1]["detail"] == "audit of the file"


def test_a_fraud_report_is_never_billed_unless_a_feed_wants_it_as_usage() -> None:
    data = taps.nrtrde([taps.report(), taps.report(4, tele="21"), taps.report(5, down=42)], count=5)
    made = decoded("nrtrde", data)
    assert (made.control["declared_records"], made.control["counted_records"]) == (5, 3)
    reasons = made.frame["reason"].to_list()
    assert reasons[1:4] == [Reason.NOT_BILLABLE] * 3
    rows = rows_of("nrtrde", data, {"usage": True})[1:4]
    assert [(row["reason"], row["service"], row["quantity"]) for row in rows] == [
        (None, "roaming_voice", 43_000_000), (None, "roaming_sms", 1), (None, "roaming_data", 49),
    ]  # fmt: skip


def test_returns_are_counted_and_told() -> None:
    event = taps.call(60, [taps.charge(500, tax=20)])
    made = decoded("rap", taps.rap([taps.severe(event), taps.missing("3", "5")], total=501))
    assert made.frame["reason"].to_list()[1:3] == [Reason.RETURNED_RECORD] * 2
    assert (made.control["declared_total"], made.control["counted_total"]) == (501, 500)
    assert made.frame["source_amount"].to_list()[1] == Decimal("0.5")


def test_each_return_keeps_the_charge_of_its_own_event() -> None:
    events = [
        taps.call(60, [taps.charge(500, tax=20), taps.charge(7)]),
        taps.gprs(1, 2, [taps.charge(11, item="X")]),
        taps.call(1, []),
        taps.call(60, [taps.charge(2**63 - 1), taps.charge(2**63 - 1)]),
    ]
    made = decoded("rap", taps.rap([taps.severe(event) for event in events], total=1))
    found = [text.rpartition("charge ")[2] for text in made.frame["detail"].to_list()[1:5]]
    assert found[:3] == ["507", "11", "0"]
    assert int(found[3]) == 2 * (2**63 - 1)


@pytest.mark.samples
@pytest.mark.parametrize(
    ("form", "name", "control", "reasons"),
    [
        ("tap", "tap_3_12_valid", {"declared_total": 2300, "counted_total": 71200, "sequence": 31707}, {"zero_usage": 1, "control_record": 2}),
        ("tap", "tap_3_12_valid_att", {"declared_total": 2300, "counted_total": 71200}, {"zero_usage": 1, "control_record": 2}),
        ("tap", "tap_3_12_negative_volume", {"declared_records": 4, "counted_records": 1}, {"quantity_out_of_range": 1, "control_record": 2}),
        ("tap", "tap_3_12_trailing_eoc_invalid", {"stray_octets": 1, "counted_records": 4}, {"zero_usage": 1, "control_record": 2}),
        ("tap", "tap_notification", {"sequence": 23023, "declared_records": 0}, {"control_record": 1}),
        ("nrtrde", "nrt_2_1", {"declared_records": 10, "counted_records": 7}, {"not_billable": 7, "control_record": 2}),
        ("rap", "rap_mini", {"sequence": 23, "counted_records": 0}, {"control_record": 1}),
        ("rap", "rap_ack", {}, {"control_record": 1}),
    ],
)  # fmt: skip
def test_real_files_and_their_faults(
    samples: Path, form: str, name: str, control: dict[str, int], reasons: dict[str, int]
) -> None:
    made = decoded(form, (samples / "tap3" / f"{name}.ber").read_bytes())
    assert {key: made.control[key] for key in control} == control
    told = made.frame["reason"].drop_nulls().to_list()
    assert {reason: told.count(reason) for reason in set(told)} == reasons
    if name.startswith("tap_3_12_valid"):
        assert made.control["declared_earliest"] < made.control["counted_earliest"]
