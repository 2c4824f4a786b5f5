"""Columns are written as JSON exactly as the records they hold write themselves."""

from decimal import Decimal
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from schemas.columns import as_written, frame_to_rows, rows_to_frame
from schemas.usage import UsageEvent
from tests.strategies import usage_events

INSTANTS = st.integers(-62_135_596_800_000_000, 253_402_300_799_999_999)


def _plain(row: dict[str, Any]) -> dict[str, Any]:
    """Amounts may be written with an exponent or without."""
    return {
        name: Decimal(value) if name == "source_amount" and value else value
        for name, value in row.items()
    }


@settings(max_examples=100)
@given(
    events=usage_events(),
    amount=st.none() | st.decimals(-(10**20), 10**20, places=9),
    instant=INSTANTS,
    digits=st.integers(0, 2**64 - 1),
)
def test_columns_are_written_as_records_are(
    events: list[UsageEvent], amount: Decimal | None, instant: int, digits: int
) -> None:
    more = {"source_amount": amount, "end_time": instant, "raw_hash": digits}
    rows = [*events, *(event.model_copy(update=more) for event in events[:1])]
    frame = rows_to_frame(rows, UsageEvent)
    written = as_written(frame, UsageEvent).rows(named=True)
    records = frame_to_rows(frame, UsageEvent)
    assert [_plain(row) for row in written] == [
        _plain(record.model_dump(mode="json")) for record in records
    ]
    assert [UsageEvent.model_validate(row) for row in written] == records
