"""Rows between decoding and usage: their columns, and parts of sessions as plain values."""

from collections.abc import Mapping
from functools import cache
from typing import Any

import polars as pl

from tallywire.mediation.decoded import DECODED, complete

ORDER = "_order"

_ORIGIN = pl.Schema(
    {
        "event_id": pl.Binary(),
        "payload_hash": pl.UInt64(),
        **dict.fromkeys(
            ("tenant_id", "lane", "feed_id", "format", "file_id", "file_name"), pl.String()
        ),
        "collected_at": pl.Int64(),
        "restatement_no": pl.Int32(),
        "attempt": pl.Int32(),
        "input_records": pl.Int32(),
    }
)

WORKED = pl.Schema({**DECODED, **_ORIGIN, "joined_into": pl.String(), ORDER: pl.Int64()})

Part = dict[str, Any]


@cache
def _absent() -> Mapping[str, Any]:
    """Give what a row has where its format says nothing.

    Not when this is imported: a process that has worked with tables cannot be forked.
    """
    row = complete(pl.DataFrame({"record_no": [0]})).row(0, named=True)
    identity = {"record_no", "byte_offset", "byte_length", "raw_hash"}
    return {name: value for name, value in row.items() if name not in identity}


def part_of(row: Mapping[str, Any]) -> Part:
    """Make plain values of a row, which can be written down; what it does not say is left out."""
    part = lean(row)
    part["event_id"] = row["event_id"].hex()
    if row["source_amount"] is not None:
        part["source_amount"] = str(row["source_amount"])
    return part


def lean(row: Mapping[str, Any]) -> Part:
    """Leave out what a row does not say; `row_of` puts it back."""
    absent = _absent()
    return {
        name: value for name, value in row.items() if name not in absent or value != absent[name]
    }


def row_of(part: Part) -> dict[str, Any]:
    """Give a part every value again."""
    return {**_absent(), **part}


def place_of(row: Mapping[str, Any]) -> tuple[str, int, int]:
    """Tell which usage of which record of which file a row is."""
    return row["file_id"], row["record_no"], row["item_no"]


def frame_of(rows: list[dict[str, Any]]) -> pl.DataFrame:
    """Put rows back into columns; parts kept their ids and amounts as text."""
    for row in rows:
        if isinstance(row["event_id"], str):
            row["event_id"] = bytes.fromhex(row["event_id"])
        amount = row.get("source_amount")
        if isinstance(amount, str):
            row["source_amount"] = pl.select(pl.lit(amount).cast(pl.Decimal(38, 9))).item()
    return pl.DataFrame(rows, schema=WORKED, orient="row")
