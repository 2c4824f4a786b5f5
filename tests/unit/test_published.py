"""What is published: the rows of the store, in messages with tokens; findings one by one."""

import json
from decimal import Decimal

import polars as pl
import pyarrow as pa

from assurance.alerts import Worth
from assurance.streams import expired
from dataflows.lane import StoreBatch, entry
from dataflows.sinks.topics import messages_of
from schemas.alerts import Alert
from schemas.columns import conform, polars_schema, rows_to_frame
from schemas.outcomes import SuspenseEvent

CUT = entry("usage-0000", 4, "usage", (10, 20), 3, lambda _at: "hash")


def _batch(**tables: pl.DataFrame) -> StoreBatch:
    return StoreBatch(CUT, tables, replayed=False)


def _suspense(rows: int) -> pl.DataFrame:
    frame = pl.DataFrame(schema=polars_schema(SuspenseEvent)).clear(rows)
    numbers = [name for name, kind in frame.schema.items() if kind.is_numeric()]
    frame = frame.with_columns(
        pl.col(pl.String).fill_null(""),
        pl.col(pl.Binary).fill_null(bytes(16)),
        pl.col(numbers).fill_null(0),
    )
    frame = frame.with_columns(pl.int_range(rows, dtype=pl.Int64).alias("record_no"))
    return conform(frame, SuspenseEvent)


def test_suspense_is_published_in_messages_of_some_thousand_rows_in_order() -> None:
    found = list(messages_of(_batch(suspense_events=_suspense(45_000)), ["rated", "suspense"]))
    assert [one.rows for one in found] == [20_000, 20_000, 5_000]
    assert {one.key for one in found} == {"usage-0000"}
    tables = [pa.ipc.open_stream(one.value).read_all() for one in found]
    assert pa.concat_tables(tables).column("record_no").to_pylist() == list(range(45_000))


def test_the_same_batch_is_the_same_bytes() -> None:
    batch = _batch(suspense_events=_suspense(10))
    assert list(messages_of(batch, ["suspense"])) == list(messages_of(batch, ["suspense"]))


def test_a_finding_is_an_event_of_its_own_with_money_as_text() -> None:
    made = expired(
        "t",
        "platform",
        "usage.raw/3",
        (5, 9),
        1,
        Worth(Decimal("0.05"), "EUR", "typical_quantity"),
        "passed over by kim: too late",
    )
    frame = conform(rows_to_frame([made], Alert), Alert)
    (found,) = messages_of(_batch(alerts=frame), ["alerts", "suspense"])
    content = json.loads(found.value)
    assert found.key == made.alert_id == content["data"]["alert_id"]
    assert content["data"]["money_at_risk"].rstrip("0") == "0.2"
    assert content["data"]["explanation"] == (
        "4 messages of usage.raw/3, from offset 5 to 8, were deleted before they were read "
        "(passed over by kim: too late)."
    )
    assert content["id"].endswith(CUT.token)


def test_nothing_is_published_that_was_not_asked_for() -> None:
    assert not list(messages_of(_batch(suspense_events=_suspense(3)), []))
    assert not list(messages_of(_batch(suspense_events=_suspense(0)), ["suspense"]))
