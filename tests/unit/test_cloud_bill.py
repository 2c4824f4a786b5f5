"""Bills of cloud providers: usage, and what is none; exact, and once."""

from decimal import Decimal

import pytest

from schemas.reasons import Reason
from tallywire.mediation.lane import LaneState
from tests.laws.cloud_feeds import CUR, FOCUS
from tests.unit.decoding import decoded, feed_of, mediated

BILLS, AWS = feed_of("bills"), feed_of("aws")
HEAD, *LINES = FOCUS.splitlines(keepends=True)


def test_a_line_of_usage_is_a_quantity_of_whole_billionths() -> None:
    row = decoded(BILLS, HEAD + LINES[1]).row(1, named=True)
    assert (row["quantity"], row["service"], row["unit"]) == (2_007_490, "cloud", "count")
    assert row["source_amount"] == Decimal("0.000016060")  # 0.00001605990, to nine decimals
    assert row["quality_flags"] == "amount_rounded"
    assert row["end_us"] - row["start_us"] == 3_600_000_000


def test_a_period_without_a_zone_is_of_utc_and_says_so() -> None:
    found = decoded(BILLS, HEAD + LINES[0] + LINES[1])
    assert found["start_us"].to_list()[1:] == [1_792_836_000_000_000] * 2
    assert found["clock_quality"].to_list()[1:] == ["derived", "explicit_zone"]


def test_taxes_and_credits_are_set_aside_and_blocks_flagged() -> None:
    found = decoded(BILLS, FOCUS)
    aside = found.filter(reason=Reason.NOT_USAGE)
    assert aside["detail"].to_list() == ["Tax of 0.02 EUR", "credit of -0.3 EUR for usage"]
    assert found.filter(quality_flags="cost_differs")["usage_type"].to_list() == ["Disk"]


def test_a_finer_quantity_is_held_or_rounded_up_as_the_feed_says() -> None:
    line = HEAD + LINES[5]
    assert decoded(BILLS, line)["reason"].to_list()[1] == Reason.NUMBER_INVALID
    fine = feed_of("bills", {"scale": 15})
    assert decoded(fine, line)["quantity"].to_list()[1] == 123_456_789_012_345
    up = decoded(feed_of("bills", {"finer": "round_up"}), line).row(1, named=True)
    assert (up["quantity"], up["quality_flags"]) == (123_456_790, "quantity_rounded")


def test_a_bill_published_again_is_copies_and_a_line_restated_is_held() -> None:
    state = LaneState()
    first = mediated(BILLS, FOCUS, state)
    again = mediated(BILLS, FOCUS.replace(b"north", b"north"), state)
    held = [*first.suspense["reason"], *again.suspense["reason"]]
    assert held.count(Reason.RESTATEMENT) == 1
    assert again.usage.height == 0
    tagged = mediated(BILLS, HEAD + LINES[0].replace(b'"Requests",0.0', b'"requests",0.0'), state)
    assert tagged.set_aside["reason"].to_list()[-1] == Reason.DUPLICATE_RECORD


def test_a_line_item_id_is_no_key_and_exponents_are_decimals() -> None:
    found = decoded(AWS, CUR)
    assert found.select("quantity", "reason").rows()[1:] == [
        (4_100_000_000_000, None), (99_840, None), (100_000_000_000, Reason.NOT_USAGE),
    ]  # fmt: skip
    assert found["natural_key"].n_unique() == found.height
    assert found["quality_flags"].to_list()[1:3] == ["", ""]


@pytest.mark.parametrize("mark", [b"", b"\xef\xbb\xbf"])
def test_a_byte_order_mark_is_no_part_of_a_name(mark: bytes) -> None:
    assert decoded(BILLS, mark + FOCUS)["reason"].to_list()[1] is None


def test_columns_are_found_by_name_wherever_they_stand() -> None:
    names, cells = HEAD.split(b","), LINES[2].split(b",")
    names[-1], cells[-1] = names[-1].strip(), cells[-1].strip()
    turned = b",".join(reversed(names)) + b"\n" + b",".join(reversed(cells)) + b"\n"
    kept = ["natural_key", "content", "quantity", "source_amount", "attributes", "reason"]
    assert decoded(BILLS, turned).select(kept).row(1) == decoded(BILLS, HEAD + LINES[2]).select(
        kept
    ).row(1)


def test_a_file_without_the_columns_is_held_whole() -> None:
    found = decoded(BILLS, b"a,b\n1,2\n")
    assert found["reason"].to_list() == [Reason.CONTROL_RECORD, Reason.FIELD_MISSING]
    assert "names no column" in found["detail"][1]


def test_a_header_in_the_middle_is_a_header() -> None:
    found = decoded(BILLS, FOCUS + FOCUS)
    assert found["reason"].to_list().count(Reason.CONTROL_RECORD) == 2
