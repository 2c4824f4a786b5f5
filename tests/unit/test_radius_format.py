"""The format `radius`: kept packets to rows, by the rule that detail files have, too."""

from dataclasses import replace
from typing import Any

import numpy as np
import polars as pl

from tallywire.mediation.decoded import Frames
from tallywire.mediation.decoders import DECODERS
from tests import radius
from tests.laws.feeds import SNAPSHOT

FEED = replace(SNAPSHOT.feeds["live"], options={})
NOON_S = 1_792_843_200
NOON_US = NOON_S * 10**6


def decoded(*lines: bytes, form: str = "radius", end: bytes = b"\n") -> pl.DataFrame:
    lengths = np.array([len(line) for line in lines], np.int64)
    starts = np.cumsum(lengths + len(end)) - lengths - len(end)
    frames = Frames(end.join([*lines, b""]), starts, lengths)
    return DECODERS[form].decode(frames, replace(FEED, format=form)).frame


def rows(*lines: bytes) -> list[dict[str, Any]]:
    return decoded(*lines).to_dicts()


def line(attributes: radius.Attributes, at_s: int = NOON_S) -> bytes:
    return radius.kept(radius.request(attributes), at_s * 10**6)


def test_an_interim_update_as_an_accountant_reads_it() -> None:
    (row,) = rows(line(radius.accounting(
        radius.INTERIM, "s1", seconds=900, down=5 * 2**30, up=1_000, at=NOON_S - 7
    )))  # fmt: skip
    assert row["reason"] is None
    assert (row["kind"], row["user_name"], row["ip"]) == ("interim", "anna", "192.0.2.99")
    assert (row["up_octets"], row["down_octets"]) == (1_000, 5 * 2**30)
    assert row["start_us"] == NOON_US - 7 * 10**6
    assert row["session_time_us"] == 900 * 10**6
    assert (row["clock_quality"], row["quality_flags"]) == ("explicit_zone", "")


def test_without_a_time_of_its_own_it_happened_when_it_was_received_less_the_delay() -> None:
    (row,) = rows(line(radius.accounting(radius.START, delay=12)))
    assert row["start_us"] == NOON_US - 12 * 10**6
    assert row["clock_quality"] == "derived"


def test_a_retransmission_differs_only_in_its_delay() -> None:
    """It is received later, from behind another proxy, and signed anew: it is the same record."""
    first = radius.accounting(radius.INTERIM, seconds=60, down=7, delay=0)
    again = radius.accounting(radius.INTERIM, seconds=60, down=7, delay=5, more=[(33, b"proxy")])
    one, two = rows(
        radius.kept(radius.request(first, 1), NOON_US),
        radius.kept(radius.request(again, 2, signs=True), NOON_US + 5_300_000, "192.0.2.200"),
    )
    assert (one["natural_key"], one["content"]) == (two["natural_key"], two["content"])
    assert one["session_key"] == two["session_key"]


def test_records_that_are_told_apart_have_keys_apart() -> None:
    keys = [
        row["natural_key"]
        for row in rows(
            line(radius.accounting(radius.START)),
            line(radius.accounting(radius.START, user="bo")),
            line(radius.accounting(radius.INTERIM, seconds=60, down=7)),
            line(radius.accounting(radius.INTERIM, seconds=120, down=7)),
            line(radius.accounting(radius.STOP, seconds=120, down=7)),
            line(radius.accounting(radius.STOP, seconds=120, down=7, nas="192.0.2.2")),
            line(radius.accounting(radius.STOP, seconds=120, down=7, at=NOON_S)),
            line(radius.accounting(radius.STOP, seconds=120, down=7, at=NOON_S + 1)),
        )
    ]
    assert len(set(keys)) == len(keys)


def test_a_stop_without_counters_says_that_it_has_none() -> None:
    bare = [(40, radius.number(2)), (44, b"s1"), (4, b"\xc0\x00\x02\x01"), (46, radius.number(9))]
    (row,) = rows(line(bare))
    assert row["quality_flags"] == "no_gigawords,no_up_octets,no_down_octets"
    (row,) = rows(line([*bare, (43, radius.number(5))]))
    assert row["quality_flags"] == "no_gigawords,no_up_octets"


def test_a_server_is_known_by_all_its_names() -> None:
    (row,) = rows(line(radius.accounting(radius.ON, "", more=[(32, b"bras")])))
    assert row["kind"] == "control"
    assert row["linked_id"].split("\x1f") == ["bras", "192.0.2.1"]
    (row,) = rows(line([(40, radius.number(7))]))
    assert row["linked_id"] == "192.0.2.1"  # the address that it came from


def test_mobile_data_have_their_subscriber_network_and_charging_id() -> None:
    vendor = b"\x00\x00\x28\xaf"
    more = [
        (26, vendor + b"\x01\x11" + b"242010000000001"), (26, vendor + b"\x12\x07" + b"24201"),
        (26, vendor + b"\x15\x03\x06"), (26, vendor + b"\x02\x06" + radius.number(77)),
        (30, b"internet"), (31, b"4790010001"),
    ]  # fmt: skip
    (row,) = rows(line(radius.accounting(radius.STOP, seconds=9, down=1, more=more)))
    assert (row["imsi"], row["serving_plmn"], row["rat"]) == ("242010000000001", "24201", "6")
    assert (row["apn"], row["a_raw"]) == ("internet", "4790010001")
    assert row["attributes"] == '{"charging_id":"77","nas_port":"7"}'
    assert row["cause"] == "User-Request"


def test_what_is_no_accounting_has_its_reason() -> None:
    status = radius.kept(radius.status_server(), NOON_US)
    found = rows(
        b"{}", b'{"at":1,"client":"x","packet":"!"}', b'{"at":-1,"client":"x","packet":""}',
        radius.kept(b"short", NOON_US), status, line([(40, radius.number(1))]),
        line([(40, radius.number(15)), (44, b"s")]), line([(44, b"s")]),
        line(radius.accounting(radius.STOP, seconds=2**32 - 1)),
        line([*radius.accounting(radius.START), (41, b"\xff" * 8)]), b"x" * 9_000,
    )  # fmt: skip
    assert [row["reason"] for row in found] == [
        "record_unreadable", "record_unreadable", "record_unreadable", "record_unreadable",
        "record_type_unknown", "field_missing", "record_type_unknown", "field_missing",
        "quantity_out_of_range", "number_invalid", "record_too_long",
    ]  # fmt: skip


def test_a_detail_file_and_the_packet_it_was_made_of_are_one_record() -> None:
    packet = line(radius.accounting(
        radius.STOP, "s1", seconds=900, down=5 * 2**30, up=1_000, at=NOON_S - 7, delay=7
    ))  # fmt: skip
    detail = f"""\
Sat Oct 24 12:00:00 2026
\tAcct-Status-Type = Stop
\tNAS-IP-Address = 192.0.2.1
\tAcct-Session-Id = "s1"
\tUser-Name = "anna"
\tNAS-Port = 7
\tService-Type = Framed-User
\tFramed-IP-Address = 192.0.2.99
\tAcct-Input-Octets = 1000
\tAcct-Output-Octets = 1073741824
\tAcct-Session-Time = 900
\tAcct-Input-Gigawords = 0
\tAcct-Output-Gigawords = 1
\tAcct-Terminate-Cause = User-Request
\tEvent-Timestamp = "{NOON_S - 7}"
\tAcct-Delay-Time = 7
\tTimestamp = {NOON_S}
""".encode()
    written = decoded(detail, form="radius_detail", end=b"\n\n").to_dicts()[0]
    sent = rows(packet)[0]
    beside = {"byte_length", "raw_hash", "content"}
    assert {name: value for name, value in sent.items() if name not in beside} == {
        name: value for name, value in written.items() if name not in beside
    }
