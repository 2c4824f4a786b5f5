"""Real bills, lists and events: every file decodes, and its known faults are found by name."""

import io
from decimal import Decimal
from pathlib import Path

import orjson
import pyarrow as pa
import pytest
from pyarrow import csv

from schemas.reasons import Reason
from tests.unit.decoding import decoded, feed_of, frames_of, mediated

pytestmark = pytest.mark.samples

FINE = {"scale": 11}


def _focus(samples: Path) -> bytes:
    return (samples / "focus/focus_sample.csv").read_bytes()


def _cur(samples: Path) -> bytes:
    return (samples / "aws_cur/sample-anonymous-aws-export-dataset.csv").read_bytes()


def test_focus_every_line_has_its_fate(samples: Path) -> None:
    found = decoded(feed_of("bills", FINE), _focus(samples))
    counts = dict(found["reason"].fill_null("usage").value_counts().rows())
    assert counts == {
        "usage": 985, Reason.CONTROL_RECORD: 1, Reason.NOT_USAGE: 15,
    }  # fmt: skip


def test_focus_adjustments_and_credits_are_told(samples: Path) -> None:
    found = decoded(feed_of("bills", FINE), _focus(samples)).filter(reason=Reason.NOT_USAGE)
    told = [text.partition(" ")[0] for text in found["detail"]]
    assert {one: told.count(one) for one in set(told)} == {
        "Adjustment": 2,
        "Credit": 1,
        "credit": 12,
    }


def test_focus_block_pricing_is_flagged(samples: Path) -> None:
    """Of 997 lines of usage 25 do not cost what their price and quantity say."""
    found = decoded(feed_of("bills", FINE), _focus(samples))
    usage = found.filter(~found["detail"].str.contains("^(Adjustment|Credit|header)"))
    assert usage.height == 997
    assert usage.filter(usage["quality_flags"].str.contains("cost_differs")).height == 25


def test_focus_keys_name_a_line_and_a_second_version_is_copies(samples: Path) -> None:
    found = decoded(feed_of("bills", FINE), _focus(samples))
    assert found["natural_key"].n_unique() == found.height
    feed = feed_of("bills", FINE, backfill=True)
    twice = mediated(feed, _focus(samples) + _focus(samples).partition(b"\n")[2])
    assert twice.set_aside["reason"].to_list().count(Reason.DUPLICATE_RECORD) == 985


def test_cur_line_ids_are_no_keys_and_all_costs_are_right(samples: Path) -> None:
    found = decoded(feed_of("aws"), _cur(samples))
    usage = found.filter(found["reason"].is_null())
    assert usage.height == 1_269
    assert found.filter(reason=Reason.NOT_USAGE).height == 12
    assert found["natural_key"].n_unique() == found.height
    ids = usage["natural_key"].str.split("\x1f").list.first()
    assert ids.n_unique() < 388
    assert not usage["quality_flags"].str.contains("cost_differs").any()


@pytest.mark.parametrize("name", ["calls", "messages", "usage_records"])
def test_lists_of_a_platform(samples: Path, name: str) -> None:
    """Pages of the same objects: each is billed once, aggregates never."""
    content = orjson.loads((samples / "twilio/twilio_examples.json").read_bytes())
    pages = [page for answers in content.values() for page in answers.values() if name in page]
    service = "sms" if name == "messages" else "voice"
    feed = feed_of("calls", {"layout": "array", "records": name}, service=service, backfill=True)
    found = [decoded(feed, orjson.dumps(page)) for page in pages]
    good = [
        row for one in found for row in one.filter(one["reason"].is_null()).iter_rows(named=True)
    ]
    held = {text for one in found for text in one["reason"] if text}
    assert (
        len({row["natural_key"] for row in good})
        == {"calls": 2, "messages": 2, "usage_records": 0}[name]
    )
    told = (
        {Reason.CONTROL_RECORD, Reason.NOT_USAGE}
        if name == "usage_records"
        else {Reason.CONTROL_RECORD}
    )
    assert held == told
    if name == "calls":
        assert {str(row["source_amount"]) for row in good} == {"0.200000000", "0.100000000"}


def test_prices_of_a_platform_are_no_usage(samples: Path) -> None:
    data = (samples / "twilio/twilio_voice_pricing_country_example.json").read_bytes()
    found = decoded(feed_of("calls", {"layout": "array"}), data)
    assert found["reason"].null_count() == 0


def test_events_of_one_id_restate_each_other(samples: Path) -> None:
    rule = {"type": "api-calls", "service": "api", "fields": {"usage_type": "data.path"}}
    feed = feed_of("platform", {"events": [rule]}, backfill=True)
    data = (samples / "openmeter/cloudevents.jsonl").read_bytes()
    made = mediated(feed, data)
    assert made.suspense["reason"].to_list().count(Reason.RESTATEMENT) == 1


def test_statistics_of_flows_are_no_usage(samples: Path) -> None:
    data = (samples / "profiles/mobile_data_flows_2015.json").read_bytes()
    for feed_id in ("charging", "sensors", "calls", "platform", "bills", "gy"):
        feed = feed_of(feed_id)
        found = decoded(feed, data)
        assert found.height >= len(frames_of(feed, data))
        assert found["reason"].null_count() == 0


def test_focus_is_read_as_another_reader_reads_it(samples: Path) -> None:
    """Every quantity to the last digit, every cost to the last that is kept."""
    data = _focus(samples)
    ours = decoded(feed_of("bills", FINE), data)[1:]
    texts = dict.fromkeys(("PricingQuantity", "BilledCost"), pa.string())
    options = csv.ConvertOptions(column_types=texts, include_columns=list(texts))
    theirs = csv.read_csv(io.BytesIO(data), convert_options=options).to_pylist()
    assert ours.height == len(theirs) == 1_000
    usage = [
        (row, line) for row, line in zip(ours.rows(named=True), theirs, strict=True)
        if row["reason"] is None
    ]  # fmt: skip
    assert len(usage) == 985
    for row, line in usage:
        assert row["quantity"] == Decimal(line["PricingQuantity"]) * 10**11
        assert abs(row["source_amount"] - Decimal(line["BilledCost"])) < Decimal("1e-9")
