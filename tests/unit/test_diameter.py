"""Diameter: requests that python-diameter encodes become the usage that they report."""

import datetime

import orjson
import pytest
from diameter.message import Avp, constants
from diameter.message.avp.grouped import PsInformation, ServiceDataContainer, ServiceInformation
from hypothesis import given, settings
from hypothesis import strategies as st

from schemas.reasons import Reason
from tallywire.mediation.framing import Diameter
from tallywire.mediation.lane import LaneState
from tests.laws.diameter_messages import (
    MOMENT,
    acr,
    again,
    cca,
    ccr,
    service,
    session,
    used,
    with_service_information,
)
from tests.laws.test_framing import in_pieces
from tests.unit.decoding import decoded, feed_of, mediated

GY = feed_of("gy")
MOMENT_US = int(MOMENT.timestamp()) * 1_000_000


def test_used_units_of_each_rating_group_are_a_usage() -> None:
    found = decoded(GY, session()).filter(record_no=1)
    assert found.select("usage_type", "quantity", "up_octets", "down_octets").rows() == [
        ("10", 3_000, 1_000, 2_000),
        ("20", 5_000, 0, 0),
    ]
    assert found["start_us"].to_list() == [MOMENT_US + 600_000_000, MOMENT_US + 540_000_000]


def test_who_was_served() -> None:
    row = decoded(GY, session()).row(1, named=True)
    wanted = {
        "a_raw": "+4790010002", "imsi": "242011234567890", "apn": "internet", "rat": "6",
        "serving_plmn": "24201", "linked_id": "1000", "node": "pgw.north",
        "session_key": "pgw.north;1;7", "partial_no": 1, "kind": "delta",
    }  # fmt: skip
    assert {name: row[name] for name in wanted} == wanted


def test_a_tariff_change_splits_what_was_used_before_and_after() -> None:
    found = decoded(GY, session()).filter(record_no=4)
    changes = [orjson.loads(text)["tariff_change"] for text in found["attributes"]]
    assert list(zip(changes, found["quantity"], strict=True)) == [("before", 700), ("after", 300)]


def test_answers_are_control_and_a_copy_is_a_copy() -> None:
    made = mediated(GY, session())
    reasons = made.set_aside["reason"].to_list()
    assert reasons.count(Reason.CONTROL_RECORD) == 1
    assert reasons.count(Reason.DUPLICATE_RECORD) == 2
    assert sum(made.usage.filter(session_id="pgw.north;1;7")["quantity"]) == 9_000


def test_counters_of_plain_accounting_are_charged_for_what_they_add() -> None:
    made = mediated(GY, session())
    found = made.usage.filter(session_id="bng.north;2;9") if made.usage.height else made.usage
    assert found["quantity"].to_list() in ([], [1_100, 1_100])
    held = made.suspense.filter(reason=Reason.ACCOUNT_UNKNOWN)
    assert found.height + held.height == 2


def test_containers_of_data_are_usages_of_their_time() -> None:
    begun = MOMENT + datetime.timedelta(minutes=1)
    containers = [
        ServiceDataContainer(
            rating_group=10, accounting_input_octets=100, accounting_output_octets=900,
            time_first_usage=begun, time_last_usage=begun + datetime.timedelta(seconds=30),
        )
    ]  # fmt: skip
    information = ServiceInformation(
        ps_information=PsInformation(service_data_container=containers)
    )
    message = with_service_information(acr(1, 3), information)
    row = decoded(GY, message.as_bytes()).row(0, named=True)
    assert (row["quantity"], row["up_octets"], row["down_octets"]) == (1_000, 100, 900)
    assert row["start_us"] == MOMENT_US + 60_000_000
    assert row["end_us"] == MOMENT_US + 90_000_000
    assert row["kind"] == "delta"


def test_the_start_of_counters_has_none_and_a_call_lasts_from_start_to_stop() -> None:
    start = decoded(GY, acr(0, 2).as_bytes()).row(0, named=True)
    assert (start["kind"], start["quantity"], start["reason"]) == ("start", 0, None)
    voice = feed_of("gy", service="voice")
    call = decoded(voice, acr(0, 2).as_bytes() + acr(3, 4).as_bytes())
    assert call.select("kind", "join", "is_first", "is_last").rows() == [
        ("partial", "span", True, False), ("partial", "span", False, True),
    ]  # fmt: skip
    assert call["end_us"][1] - call["start_us"][0] == 180_000_000


def test_an_event_is_one_and_a_price_enquiry_none() -> None:
    feed = feed_of("gy", service="sms")
    event = ccr(0, 4, requested_action=0).as_bytes()
    enquiry = ccr(1, 4, requested_action=3).as_bytes()
    found = decoded(feed, event + enquiry)
    assert found.select("quantity", "reason").rows() == [(1, None), (None, Reason.CONTROL_RECORD)]


def test_a_time_after_2036_is_read_in_the_next_era() -> None:
    message = ccr(1, 2)
    late = datetime.datetime(2041, 1, 1, tzinfo=datetime.UTC)
    data = bytearray(message.as_bytes())
    place = data.index((55).to_bytes(4)) + 8
    data[place : place + 4] = (int(late.timestamp()) + 2_208_988_800 - 2**32).to_bytes(4)
    assert decoded(GY, bytes(data))["end_us"].to_list() == [int(late.timestamp()) * 1_000_000]


@pytest.mark.parametrize("length", [19, 20, 40, 100, 300])
def test_a_message_cut_off_is_held(length: int) -> None:
    found = decoded(GY, ccr(1, 2, service(1, used(cc_total_octets=5))).as_bytes()[:length])
    assert found["reason"].to_list()[0] in {Reason.RECORD_TRUNCATED, Reason.RECORD_UNREADABLE}


def test_garbage_between_messages_does_not_hide_the_next() -> None:
    data = ccr(1, 2).as_bytes() + b"\xff\x00garbage" + ccr(2, 3).as_bytes()
    found = decoded(GY, data)
    assert found["reason"].to_list() == [None, Reason.RECORD_UNREADABLE, None]


def test_avps_in_avps_end_somewhere() -> None:
    inner = b""
    for _ in range(12):
        inner = (446).to_bytes(4) + b"\x40" + (8 + len(inner)).to_bytes(3) + inner
    head = ccr(1, 2).as_bytes()
    data = bytearray(head + inner)
    data[1:4] = len(data).to_bytes(3)
    assert decoded(GY, bytes(data))["detail"].to_list() == ["grouped AVPs are nested too deep"]


units = st.fixed_dictionaries(
    {}, optional={"cc_input_octets": st.integers(0, 2**40), "cc_output_octets": st.integers(0, 2**40)}
)  # fmt: skip


@settings(max_examples=30, deadline=None)
@given(
    reports=st.lists(
        st.tuples(st.integers(0, 2**32 - 1), st.lists(units, min_size=1, max_size=3)), max_size=4
    ),
    cuts=st.lists(st.integers(1, 300), min_size=1, max_size=4),
)
def test_what_is_encoded_is_what_is_read(
    reports: list[tuple[int, list[dict[str, int]]]], cuts: list[int]
) -> None:
    """Every used unit that python-diameter writes is a row with its octets, in order."""
    services = [service(group, *(used(**one) for one in counts)) for group, counts in reports]
    message = ccr(5, 2, *services)
    data = message.as_bytes() + cca(5).as_bytes() + again(message)
    pieces = in_pieces(data, Diameter(), cuts)
    assert b"".join(pieces) == data
    assert len(pieces) == 3
    found = decoded(GY, pieces[0])
    wanted = [
        (str(group), one.get("cc_input_octets", 0), one.get("cc_output_octets", 0))
        for group, counts in reports
        for one in counts
        if one
    ]
    good = found.filter(found["reason"].is_null() & (found["usage_type"] != ""))
    assert good.select("usage_type", "up_octets", "down_octets").rows() == wanted
    state = LaneState()
    first, second = mediated(GY, pieces[0], state), mediated(GY, pieces[2], state)
    assert second.usage.height == 0
    assert first.usage.height == good.height + (0 if any(r[1] for r in reports) else 1)


def test_other_commands_between_peers_are_control() -> None:
    watchdog = bytes.fromhex("0100001480000118000000000000000100000002")
    strange = bytes.fromhex("01000014800003e7000000000000000100000002")
    found = decoded(GY, watchdog + strange)
    assert found["reason"].to_list() == [Reason.CONTROL_RECORD, Reason.RECORD_TYPE_UNKNOWN]


def test_an_avp_nobody_knows_is_passed_over() -> None:
    message = ccr(1, 2, service(1, used(cc_total_octets=5)))
    message.append_avp(Avp.new(constants.AVP_PROXY_HOST, value=b"x"))
    assert decoded(GY, message.as_bytes())["quantity"].to_list() == [5]
