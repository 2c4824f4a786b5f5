"""A platform's calls and messages: billed when they end, whenever their price comes."""

from decimal import Decimal
from typing import Any

import orjson

from schemas.reasons import Reason
from tests.laws.cloud_feeds import CALLS, call, lines
from tests.unit.decoding import decoded, feed_of, mediated

VOICE = feed_of("calls")
PAGES = feed_of("calls", {"layout": "array"})
TEXTS = feed_of("calls", {"records": "messages"}, service="sms")


def message(sid: str, **more: Any) -> dict[str, Any]:
    """A text message that was sent."""
    return {
        "sid": sid, "account_sid": "customer-1", "status": "sent", "num_segments": "1",
        "num_media": "0", "date_sent": "Sat, 24 Oct 2026 10:00:00 +0000", "price": "-0.00750",
        "price_unit": "USD", "direction": "outbound-api", "from": "+4790010002",
        "to": "+4670123456", **more,
    }  # fmt: skip


def test_a_call_is_its_seconds() -> None:
    row = decoded(VOICE, lines(CALLS)).row(0, named=True)
    wanted = {
        "quantity": 61_000_000, "unit": "microsecond", "service": "voice", "direction": "mo",
        "a_raw": "+4790010002", "b_raw": "+4670123456", "customer": "customer-1",
        "start_us": 1_792_836_000_000_000, "end_us": 1_792_836_061_000_000, "reason": None,
        "source_amount": None, "quality_flags": "unpriced",
    }  # fmt: skip
    assert {name: row[name] for name in wanted} == wanted


def test_a_price_that_comes_later_does_not_bill_twice() -> None:
    made = mediated(VOICE, lines(CALLS))
    assert made.usage["quantity"].to_list() == [61_000_000]
    reasons = made.set_aside["reason"].to_list()
    assert reasons.count(Reason.DUPLICATE_RECORD) == 1
    assert made.suspense["reason"].to_list() == [Reason.TIME_INVALID]


def test_a_feed_may_wait_for_the_price() -> None:
    made = mediated(feed_of("calls", {"unpriced": "wait"}), lines(CALLS[:2]))
    assert made.usage["source_amount"].to_list() == [Decimal("0.013")]
    assert made.usage["source_currency"].to_list() == ["USD"]
    assert made.set_aside["reason"].to_list() == [Reason.NOT_USAGE]


def test_a_call_that_became_longer_is_a_restatement() -> None:
    made = mediated(VOICE, lines([call("CA1"), call("CA1", duration="62")]))
    assert made.suspense["reason"].to_list() == [Reason.RESTATEMENT]


def test_a_page_is_its_calls_and_says_something_around_them() -> None:
    page = {"first_page_uri": "/x?a=[", "calls": CALLS[:1], "end": 1, "page": 0}
    found = decoded(PAGES, orjson.dumps(page, option=orjson.OPT_INDENT_2))
    assert found["reason"].to_list() == [Reason.CONTROL_RECORD, None, Reason.CONTROL_RECORD]
    empty = decoded(PAGES, b'{"calls": [], "end": 0}')
    assert empty["reason"].to_list() == [Reason.CONTROL_RECORD] * 2


def test_an_aggregate_is_no_usage() -> None:
    row = decoded(VOICE, lines(CALLS)).row(5, named=True)
    assert row["reason"] == Reason.NOT_USAGE
    assert row["detail"] == "an aggregate of calls as of 2026-10-25T00:00:00+00:00"


def test_a_message_is_its_segments_and_with_pictures_another_service() -> None:
    texts = [
        message("SM1", num_segments="3"), message("MM1", num_media="2"),
        message("SM2", status="queued", date_sent=None), message("SM3", status="failed"),
    ]  # fmt: skip
    found = decoded(TEXTS, lines(texts))
    assert found.select("service", "quantity", "reason").rows() == [
        ("sms", 3, None), ("mms", 1, None), ("", None, Reason.NOT_USAGE),
        ("", None, Reason.NOT_ANSWERED),
    ]  # fmt: skip
