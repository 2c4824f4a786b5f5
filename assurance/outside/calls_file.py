"""A partner's list of calls as CSV."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

import polars as pl

from assurance.outside.calls import CALLS, SECOND_US
from assurance.outside.reading import Row, digits, moment, number, read_rows

COLUMNS = ("call_id", "start", "caller", "called", "seconds")
"""Columns that a list must have; `amount` may be there."""
_NANO = Decimal("0.000000001")


def read_calls(name: str, text: str, zone: str, names: Mapping[str, str]) -> pl.DataFrame:
    """Read a list of calls as rows of CALLS.

    Args:
        zone: IANA zone of times without an offset.
        names: Column to what it is called in the file.

    Raises:
        ListWrongError: If something of it cannot be read.
    """

    def made(row: Row) -> dict[str, Any]:
        return _call(row, zone)

    rows = read_rows(name, text, COLUMNS, names, made)
    return pl.DataFrame(rows, schema=CALLS, orient="row")


def _call(row: Row, zone: str) -> dict[str, Any]:
    size = number(row["seconds"], "seconds") * SECOND_US
    if size < 0 or size != int(size):
        msg = f"seconds {row['seconds']!r} is no duration: 0 or more, to the microsecond"
        raise ValueError(msg)
    said = row.get("amount", "")
    amount = number(said, "amount").quantize(_NANO) if said else None
    return {
        "place": row["call_id"], "time": moment(row["start"], zone),
        "caller": digits(row["caller"]), "called": digits(row["called"]), "size": int(size),
        "amount": amount, "tariff": "", "destination": "", "suspended": False, "waiting": 0,
    }  # fmt: skip
