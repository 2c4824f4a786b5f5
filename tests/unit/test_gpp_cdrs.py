"""3GPP charging data records: what of them is charged, and what is told of the rest."""

import pytest

from dataflows.outcomes import LaneWork
from dataflows.sources.feed_batch import FeedBatch
from schemas.feeds import LedgerEntry
from schemas.reasons import Reason
from tallywire.mediation.decoders import DECODERS
from tests.ber import cdrs
from tests.ber.decoded import decoded, rows_of
from tests.laws.feeds import SNAPSHOT
from tests.unit.decoding import COLLECTED, frames_of


def test_each_container_of_a_packet_gateway_is_usage_of_its_own() -> None:
    containers = [cdrs.service_data(10, 20), cdrs.service_data(1, 2, group=8)]
    rows = rows_of("3gpp_cdr", cdrs.pgw(5, 3, containers, cause=16))
    assert [(row["item_no"], row["quantity"], row["usage_type"]) for row in rows] == [
        (0, 30, "7"), (1, 3, "8"),
    ]  # fmt: skip
    assert [row["natural_key"].replace("\x1f", "/") for row in rows] == [
        "10.1.1.1/5/3/0", "10.1.1.1/5/3/1",
    ]  # fmt: skip
    one = rows[0]
    assert (one["kind"], one["partial_no"], one["is_last"]) == ("delta", 3, False)
    assert one["session_key"] == "10.1.1.1\x1f5"
    assert '"rating_group":"7"' in one["attributes"]
    assert '"qci":"9"' in one["attributes"]


def test_a_record_without_a_number_is_the_first_and_the_last() -> None:
    row = rows_of("3gpp_cdr", cdrs.pgw(5, None, [cdrs.service_data(1, 1)]))[0]
    assert (row["partial_no"], row["is_first"], row["is_last"]) == (1, True, True)


def test_a_record_sent_again_has_the_same_content() -> None:
    rows = rows_of(
        "3gpp_cdr",
        cdrs.pgw(5, 1, [cdrs.service_data(1, 1)])
        + cdrs.pgw(5, 1, [cdrs.service_data(1, 1)], again=True, local=9),
    )
    assert rows[0]["content"] == rows[1]["content"]
    assert [row["quality_flags"] for row in rows] == ["", "sent_again"]


def test_a_record_without_containers_is_told_and_keeps_its_place_in_the_chain() -> None:
    row = rows_of("3gpp_cdr", cdrs.pgw(5, 2, []))[0]
    assert (row["reason"], row["quantity"], row["partial_no"]) == (None, 0, 2)
    assert row["quality_flags"] == "no_containers"


def test_a_serving_gateway_counts_again_what_the_packet_gateway_counts() -> None:
    data = cdrs.pgw(6, 1, [cdrs.traffic(1, 2, "261024120500+0200"),
                           cdrs.traffic(3, 4, "261024121000+0200")], tag=78)  # fmt: skip
    assert {row["reason"] for row in rows_of("3gpp_cdr", data)} == {Reason.NOT_BILLABLE}
    rows = rows_of("3gpp_cdr", data, {"records": ["sgw"]})
    assert [(row["reason"], row["quantity"]) for row in rows] == [(None, 3), (None, 7)]
    assert rows[1]["start_us"] == rows[0]["end_us"]


def test_calls_carry_duration_parties_and_trunks() -> None:
    mo, mt = rows_of("3gpp_cdr", cdrs.call("mo", 1, 600) + cdrs.call("mt", 2, 61))
    assert (mo["quantity"], mo["a_raw"], mo["b_raw"]) == (600_000_000, "+4790010001", "+4741234567")
    assert (mt["quantity"], mt["a_raw"], mt["b_raw"]) == (61_000_000, "+4741234567", "+4790010001")
    assert (mo["customer"], mt["customer"]) == ("4790010001", "4790010001")
    assert (mo["direction"], mt["direction"]) == ("mo", "mt")
    assert (mo["trunk_in"], mo["trunk_out"], mo["cell_id"]) == ("RAN1", "17", "002a0007")
    assert mo["start_us"] - mo["setup_us"] == 10_000_000


def test_long_calls_come_in_parts() -> None:
    first, last = rows_of(
        "3gpp_cdr",
        cdrs.call("mo", 3, 1800, cause=1, sequence=1) + cdrs.call("mo", 3, 100, sequence=2),
    )
    assert first["session_key"] == last["session_key"]
    assert [(row["kind"], row["join"]) for row in (first, last)] == [("partial", "sum")] * 2
    assert (first["is_first"], first["is_last"]) == (True, False)
    assert (last["is_first"], last["is_last"]) == (False, True)


def test_what_was_not_answered_or_not_delivered_is_set_aside() -> None:
    data = (
        cdrs.call("mo", 1, 0, cause=3, answer=False)
        + cdrs.sms("mo", 2, failed=True)
        + cdrs.ims("s1", answered=False)
    )
    rows = rows_of("3gpp_cdr", data)
    assert [row["reason"] for row in rows] == [Reason.NOT_ANSWERED] * 3
    assert rows[0]["detail"] == "the call was not answered (cause for termination 3)"


def test_messages_are_one_piece() -> None:
    mo, mt = rows_of("3gpp_cdr", cdrs.sms("mo", 3) + cdrs.sms("mt", 4))
    assert [(row["service"], row["quantity"], row["unit"]) for row in (mo, mt)] == [
        ("sms", 1, "count")
    ] * 2
    assert (mo["b_raw"], mt["b_raw"]) == ("+4741234567", "+4790010001")


def test_ims_sessions_last_to_the_millisecond_and_count_once() -> None:
    data = cdrs.ims("s1") + cdrs.ims("s1", tag=69) + cdrs.ims("s2", role=1)
    call, again, received = rows_of("3gpp_cdr", data)
    assert (call["quantity"], call["a_raw"], call["b_raw"]) == (
        90_500_000, "+4790010001", "+4741234567",
    )  # fmt: skip
    assert again["reason"] == Reason.NOT_BILLABLE
    assert (received["direction"], received["customer"]) == ("mt", "4741234567")
    message, register = rows_of(
        "3gpp_cdr",
        cdrs.ims("m", method="MESSAGE", answered=False) + cdrs.ims("r", method="REGISTER"),
    )
    assert (message["service"], message["quantity"]) == ("sms", 1)
    assert register["reason"] == Reason.CONTROL_RECORD


def test_a_file_header_says_what_the_file_holds() -> None:
    records = [cdrs.pgw(n, 1, [cdrs.service_data(1, 1)]) for n in range(3)]
    made = decoded("3gpp_cdr", cdrs.in_file(records, lost=2, count=5), {"file_header": True})
    assert made.control["sequence"] == 12
    assert (made.control["declared_records"], made.control["counted_records"]) == (5, 3)
    assert made.control["declared_octets"] == made.control["counted_octets"]
    assert made.control["lost_indicator"] == 2
    rows = made.frame.rows(named=True)
    assert rows[0]["detail"].startswith("file header: file 12, 5 records")
    assert [row["quantity"] for row in rows[1:]] == [2, 2, 2]


def test_a_record_in_another_encoding_is_told() -> None:
    data = bytearray(cdrs.in_file([cdrs.pgw(1, 1, [cdrs.service_data(1, 1)])]))
    place = int.from_bytes(data[4:8]) + 3
    data[place] = 2 << 5 | 11
    row = rows_of("3gpp_cdr", bytes(data), {"file_header": True})[1]
    assert row["reason"] == Reason.RECORD_TYPE_UNKNOWN
    assert "not in BER" in row["detail"]


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (lambda data: data[:-3], Reason.RECORD_TRUNCATED),
        (lambda _: cdrs.made(11, cdrs.field(0, 11)), Reason.RECORD_TYPE_UNKNOWN),
        (lambda _: cdrs.made(79, b"\x80\x7f"), Reason.RECORD_UNREADABLE),
        (lambda _: cdrs.made(79, cdrs.field(0, 85)), Reason.TIME_INVALID),
        (lambda data: data.replace(bytes.fromhex("261024120000"), bytes.fromhex("261399120000")),
         Reason.TIME_INVALID),
        (lambda _: cdrs.pgw(1, 1, [cdrs.service_data(2**70, 1)]), Reason.NUMBER_INVALID),
        (lambda _: cdrs.pgw(1, 1, [cdrs.service_data(-2, 1)]), Reason.QUANTITY_OUT_OF_RANGE),
    ],
)  # fmt: skip
def test_what_cannot_be_is_suspense_by_name(change: object, reason: Reason) -> None:
    data = cdrs.pgw(1, 1, [cdrs.service_data(1, 1)])
    row = rows_of("3gpp_cdr", change(data))[0]  # type: ignore[operator]
    assert row["reason"] == reason


def test_a_bare_set_is_known_by_its_record_type() -> None:
    whole = cdrs.pgw(5, 1, [cdrs.service_data(1, 2)])
    inner = whole[2 + 1 + (whole[2] & 0x7F) :] if whole[2] > 0x80 else whole[3:]
    row = rows_of("3gpp_cdr", cdrs.element(0x31, inner))[0]
    assert (row["reason"], row["quantity"]) == (None, 3)


def test_a_node_that_says_it_lost_records_is_a_finding_of_its_lane() -> None:
    name = "3gpp_cdr in files"
    data = cdrs.in_file([cdrs.pgw(5, 1, [cdrs.service_data(1, 2)])], lost=2)
    entry = LedgerEntry(
        lane=name, position=0, source="file", first=0, last=len(data), records=2,
        ledgered_at=COLLECTED, catalog_hash=SNAPSHOT.hash, token=f"{name}:0:0-{len(data)}",
    )  # fmt: skip
    feed = SNAPSHOT.feeds[name]
    frames = frames_of(feed, data)
    detail = {
        "name": "a.cdr",
        "sha256": "",
        "size": len(data),
        "status": "complete",
        "at_end": True,
    }
    batch = FeedBatch(name, name, "usage", entry, frames, detail)
    read = DECODERS[feed.format].decode(frames, feed)
    made = LaneWork(name, 1).work(batch, read, SNAPSHOT)
    assert "records_lost_at_node" in made.outcomes["alerts"]["pattern"].to_list()
