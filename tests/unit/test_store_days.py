"""What a batch brings of two ledger days goes to the store day by day, each under its own token."""

import pyarrow as pa
from hypothesis import given
from hypothesis import strategies as st

from dataflows.sinks.store import by_day

DAY_US = 86_400_000_000
instants = st.integers(0, 4 * DAY_US)


@given(st.lists(instants, min_size=1), instants)
def test_every_row_goes_once_and_rows_of_a_day_go_together(times: list[int], own: int) -> None:
    rows = pa.table({"ledgered_at": pa.array(times, pa.timestamp("us", "UTC"))})
    parts = list(by_day(rows, own))
    marks = [mark for mark, _ in parts]
    assert len({*marks}) == len(marks)
    held = {mark: part.column(0).cast(pa.int64()).to_pylist() for mark, part in parts}
    assert sorted(one for part in held.values() for one in part) == sorted(times)
    for mark, part in held.items():
        assert len({one // DAY_US for one in part}) == 1
        assert (mark == "") == (part[0] // DAY_US == own // DAY_US)
