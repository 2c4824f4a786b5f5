"""Reading what lanes have stored, range after range in their order, while they go on."""

import io
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import polars as pl

from warehouse.client import Client, told

_DAYS_US = 8 * 86_400 * 1_000_000
"""How much later than its ledger time the store may have got a range, at the most."""
_IDS = 3_000
"""Ids in one question: a longer one would be refused."""
_SETTINGS = {
    "output_format_arrow_string_as_string": 1,
    "output_format_arrow_fixed_string_as_fixed_byte_array": 1,
    "output_format_arrow_compression_method": "none",
}


@dataclass(frozen=True)
class Range:
    """A range that a lane has stored.

    Attributes:
        position: Its place in the lane's ledger.
        records: Input records of it.
    """

    lane: str
    position: int
    token: str
    records: int
    ledgered_at: int


@dataclass(frozen=True)
class Cursor:
    """How far a lane was read.

    Attributes:
        position: Its next range.
        ledgered_at: Ledger time of the last one, microseconds UTC.
    """

    position: int
    ledgered_at: int


_RANGES = """
SELECT lane, position, token, records, toUnixTimestamp64Micro(ledgered_at) AS at
FROM lane_ledger
WHERE startsWith(lane, 'usage-')
    AND ledgered_at >= fromUnixTimestamp64Micro({since:Int64}, 'UTC')
    AND position >= transform(lane, {lanes:Array(String)}, {positions:Array(Int64)}, toInt64(0))
ORDER BY lane, position
LIMIT {most:UInt32} BY lane
"""


def ranges(client: Client, cursors: Mapping[str, Cursor], most: int) -> list[Range]:
    """Give the next ranges of every lane, without a gap, those of the earliest ledger time first.

    A lane that is new begins with the oldest range that the store still has.

    Args:
        most: Ranges of one lane.

    Raises:
        StoreUnavailable: If the store does not answer.
        StoreRefused: If it refuses.
    """
    newest = max((one.ledgered_at for one in cursors.values()), default=0)
    parameters = {
        "since": max(0, newest - _DAYS_US), "most": most, "lanes": list(cursors) or [""],
        "positions": [one.position for one in cursors.values()] or [0],
    }  # fmt: skip
    with told(client.uri):
        rows = client.query(_RANGES, parameters=parameters).result_rows
    expected = {lane: cursor.position for lane, cursor in cursors.items()}
    newest_of: dict[str, int] = {}  # a clock that was set back must not put a lane out of order
    found = []
    for lane, position, token, records, at in rows:
        if position == expected.setdefault(lane, position):
            expected[lane] = position + 1
            newest_of[lane] = max(at, newest_of.get(lane, 0))
            found.append((newest_of[lane], Range(lane, position, token, records, at)))
    found.sort(key=lambda one: (one[0], one[1].lane, one[1].position))
    return [one for _, one in found]


_SPECIAL = {
    "amount_nano": "toInt64(amount * 1000000000)",
    "rounding_nano": "toInt64(rounding_difference * 1000000000)",
    "collected_at": "toUnixTimestamp64Micro(r.collected_at)",
    "ledgered_at": "toUnixTimestamp64Micro(r.ledgered_at)",
    "start_time": "toUnixTimestamp64Micro(r.start_time)",
}


def rated_rows(client: Client, wanted: Sequence[Range], schema: pl.Schema) -> list[pl.DataFrame]:
    """Read the rated rows of ranges, those of each in the order in which they were rated.

    Args:
        schema: Columns; those that end in `_nano` are money in billionths.

    Returns:
        Rows of each range, in the order of `wanted`.

    Raises:
        StoreUnavailable: If the store does not answer.
        StoreRefused: If it refuses.
    """
    columns = ", ".join(f"{_SPECIAL.get(name, f'r.{name}')} AS {name}" for name in schema)
    query = (
        f"SELECT {columns}, r.batch_token AS token, r.batch_row AS place FROM rated_events AS r "  # noqa: S608  our own columns
        "WHERE r.batch_token IN {tokens:Array(String)} "
        "AND r.ledgered_at BETWEEN fromUnixTimestamp64Micro({first:Int64}, 'UTC') "
        "AND fromUnixTimestamp64Micro({last:Int64}, 'UTC')"
    )
    times = [one.ledgered_at for one in wanted]
    parameters = {
        "tokens": [one.token for one in wanted], "first": min(times), "last": max(times),
    }  # fmt: skip
    found = frame(client, query, parameters)
    parts = {
        str(token): rows.sort("place").select(
            pl.col(name).cast(kind) for name, kind in schema.items()
        )
        for (token,), rows in found.group_by("token")
    }
    empty = pl.DataFrame(schema=schema)
    return [parts.get(one.token, empty) for one in wanted]


def frame(client: Client, query: str, parameters: Mapping[str, Any]) -> pl.DataFrame:
    """Ask the store, and read the answer in columns; ids are 16 bytes.

    Raises:
        StoreUnavailable: If the store does not answer.
        StoreRefused: If it refuses.
    """
    with told(client.uri):
        content = client.raw_query(
            query, parameters=dict(parameters), settings=dict(_SETTINGS), fmt="ArrowStream"
        )
    return pl.read_ipc_stream(io.BytesIO(content))


def whole_rows(
    client: Client, wanted: Range, ids: Sequence[bytes], columns: Sequence[str]
) -> list[dict[str, Any]]:
    """Read columns of rated rows by their ids.

    Returns:
        Rows in the order of their ids: instants in microseconds UTC, ids as 16 bytes, money as
        Decimal.

    Raises:
        StoreUnavailable: If the store does not answer.
        StoreRefused: If it refuses.
    """
    found: list[dict[str, Any]] = []
    for first in range(0, len(ids), _IDS):
        found += _some(client, wanted, ids[first : first + _IDS], columns)
    return sorted(found, key=lambda row: bytes(row["rated_id"]))


def _some(
    client: Client, wanted: Range, ids: Sequence[bytes], columns: Sequence[str]
) -> list[dict[str, Any]]:
    shown = ", ".join(f"{_whole(name)} AS {name}" for name in columns)
    query = (
        f"SELECT {shown} FROM rated_events AS r WHERE r.batch_token = {{token:String}} "  # noqa: S608  as above
        "AND r.ledgered_at = fromUnixTimestamp64Micro({at:Int64}, 'UTC') "
        "AND r.rated_id IN {ids:Array(UUID)}"
    )
    parameters = {
        "token": wanted.token, "at": wanted.ledgered_at,
        "ids": [str(uuid.UUID(bytes=one)) for one in ids],
    }  # fmt: skip
    return frame(client, query, parameters).to_dicts()


_INSTANTS = ("start_time", "end_time", "setup_time", "collected_at", "ledgered_at")


def _whole(name: str) -> str:
    return f"toUnixTimestamp64Micro(r.{name})" if name in _INSTANTS else f"r.{name}"
