"""What became of the records of a batch, counted in columns for the figures of its lane."""

from collections.abc import Mapping

import polars as pl

from tallywire.hashes import hash64

_GROUPS = (("lane_counts", "term"), ("set_aside_events", "fate"))
_TERMS = ("collected", "accepted", "duplicate", "filtered", "merged")


def fates_of(tables: Mapping[str, pl.DataFrame]) -> dict[str, int]:
    """Count the records of a batch by what became of them.

    Sums that go up and down, such as open records, are left out: figures of a process only grow.

    Args:
        tables: Record name to rows, as a lane leaves them.
    """
    found: dict[str, int] = {}
    for table, column in _GROUPS:
        rows = tables.get(table)
        if rows is not None and rows.height:
            sums = rows.group_by(column).agg(pl.col("records").sum())
            found |= {name: int(number) for name, number in sums.rows() if name in _TERMS}
    suspense = tables.get("suspense_events")
    if suspense is not None and suspense.height:
        for name, sign in (("suspended", 1), ("recycled", -1)):
            rows = suspense.filter(pl.col("change") == sign)
            if rows.height:
                found[name] = int(rows["records"].sum())
    rated = tables.get("rated_events")
    if rated is not None and rated.height:
        found["rated"] = int(rated["fate_change"].sum())
    return found


def misplaced(usage: pl.DataFrame, partition: int, partitions: int) -> int:
    """Count events that lie in another partition of the usage log than their account's.

    Allowances of such an account are drawn in two places, so its charges may be wrong.
    """
    if partitions == 1 or usage.is_empty():
        return 0
    return int((hash64(usage["routing_id"]) % partitions != partition).sum())
