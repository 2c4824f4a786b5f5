"""Inserts: one block, one partition, one token; the same again is harmless."""

import pyarrow as pa
import pyarrow.compute as pc

from warehouse.client import Client, told

_BLOCK_ROWS = 4_000_000
_SETTINGS = {
    "max_insert_block_size": _BLOCK_ROWS,
    "min_insert_block_size_rows": _BLOCK_ROWS,
    "min_insert_block_size_bytes": 0,
    "max_insert_threads": 1,
    "input_format_null_as_default": 0,
}
_DAY_US = 86_400_000_000


def insert(client: Client, table: str, rows: pa.Table, token: str) -> None:
    """Insert rows under a token.

    Args:
        table: A base table's name.
        rows: The table's exact Arrow schema, all of one ledger day.
        token: Token of the range; the table's name is added to it.

    Raises:
        StoreUnavailable: Not now; send the same rows with the same token again.
        StoreRefused: Never so.
    """
    if rows.num_rows == 0:
        return
    times = rows.column("ledgered_at").cast(pa.int64())
    bounds = pc.min_max(times).as_py()
    if bounds["min"] // _DAY_US != bounds["max"] // _DAY_US:
        msg = f"insert {token} into {table} spans two ledger days: it would not be atomic"
        raise AssertionError(msg)
    with told(client.uri):
        client.raw_insert(
            table,
            rows.column_names,
            _stream(rows.combine_chunks()),
            settings={**_SETTINGS, "insert_deduplication_token": f"{token}:{table}"},
            fmt="ArrowStream",
        )


def _stream(rows: pa.Table) -> pa.Buffer:
    """Write rows as one message of a stream: the store reads it as it comes; a file it gathers."""
    out = pa.BufferOutputStream()
    with pa.ipc.new_stream(out, rows.schema) as stream:
        stream.write_table(rows)
    return out.getvalue()
