"""Delimited lines, read by the declared format and by Arrow's own reader, say the same."""

import csv
import io
from dataclasses import replace
from typing import Any

import pyarrow as pa
from hypothesis import given, settings
from hypothesis import strategies as st
from pyarrow import csv as arrow

from tests.unit.decoding import decoded, feed_of

COLUMNS = ("id", "when", "seconds", "caller", "called")
TEXTS = st.text('ab "é|;\t', max_size=8)
SEPARATORS = st.sampled_from([",", ";", "|", "\t"])


def _options(separator: str) -> dict[str, Any]:
    return {
        "layout": "delimited", "separator": separator, "quoted": True, "columns": len(COLUMNS),
        "header_lines": 1, "key": [{"name": "id"}],
        "start": {"name": "when", "pattern": "rfc3339"},
        "duration": {"name": "seconds", "unit": "seconds"},
        "texts": {"imsi": {"name": "caller"}, "b_raw": {"name": "called"}},
    }  # fmt: skip


def _written(rows: list[tuple[str, ...]], separator: str, quoting: Any) -> bytes:
    text = io.StringIO()
    writer = csv.writer(text, delimiter=separator, quoting=quoting, lineterminator="\n")
    writer.writerow(COLUMNS)
    writer.writerows(rows)
    return text.getvalue().encode()


def _by_arrow(data: bytes, separator: str) -> pa.Table:
    kinds = {name: pa.string() for name in COLUMNS} | {
        "when": pa.timestamp("us", "UTC"), "seconds": pa.int64(),
    }  # fmt: skip
    return arrow.read_csv(
        io.BytesIO(data),
        parse_options=arrow.ParseOptions(delimiter=separator),
        convert_options=arrow.ConvertOptions(column_types=kinds, strings_can_be_null=False),
    )


@settings(max_examples=100)
@given(
    rows=st.lists(st.tuples(st.integers(0, 86_399), st.integers(0, 10**9), TEXTS, TEXTS), min_size=1, max_size=8),
    separator=SEPARATORS,
    quoting=st.sampled_from([csv.QUOTE_MINIMAL, csv.QUOTE_ALL]),
)  # fmt: skip
def test_both_readers_agree(
    rows: list[tuple[int, int, str, str]], separator: str, quoting: int
) -> None:
    lines = [
        (f"k{number}", f"2026-10-24T{at // 3600:02}:{at // 60 % 60:02}:{at % 60:02}Z", str(seconds), a, b)
        for number, (at, seconds, a, b) in enumerate(rows)
    ]  # fmt: skip
    data = _written(lines, separator, quoting)
    feed = replace(feed_of("roamers"), options=_options(separator))
    ours = decoded(feed, data)[1:]
    theirs = _by_arrow(data, separator)
    assert ours["reason"].null_count() == len(rows)
    assert ours["natural_key"].to_list() == theirs["id"].to_pylist()
    assert ours["start_us"].to_list() == theirs["when"].cast(pa.int64()).to_pylist()
    assert ours["quantity"].to_list() == [n * 1_000_000 for n in theirs["seconds"].to_pylist()]
    for name, column in (("imsi", "caller"), ("b_raw", "called")):
        assert ours[name].to_list() == [text.strip(" ") for text in theirs[column].to_pylist()]
