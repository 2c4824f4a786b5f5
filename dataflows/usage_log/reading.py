"""What an account lane asks of the usage log, wherever the log lies."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import polars as pl

from dataflows.ledger import Folded
from dataflows.segments import forget
from dataflows.usage_log.blocks import BlockDamaged, decode, header_at
from dataflows.usage_log.spool import SpoolReader
from schemas.columns import Record, conform
from schemas.feeds import LedgerEntry
from schemas.usage import UsageEvent
from warehouse.tables import TABLES

_DAY_S = 86_400.0


@dataclass(frozen=True)
class Planned:
    """What lies in a partition behind a position.

    Attributes:
        last: End of the next range, whole blocks up to a number of rows.
        rows: Rows in it; 0 where there is nothing to work.
        full: Waiting for more would be vain: the range is full, or cannot grow.
        ended: Lane to the run in which it came to the end of its input.
        at: Where the reader stands: what lies before it holds no rows to work.
        end: Position behind the newest block that is known.
        detail: What the ledger keeps with the range.
    """

    last: int
    rows: int
    full: bool
    ended: Mapping[str, str]
    at: int
    end: int
    detail: str = ""


class LogReader(Protocol):
    """One partition of the usage log."""

    def resume(self, folded: Folded, entries: Sequence[LedgerEntry]) -> None:
        """Begin behind ranges that are committed.

        Args:
            folded: What the oldest of them came to.
            entries: The others, in order.
        """
        ...

    def plan(self, first: int, max_rows: int) -> Planned:
        """Look what can be read; never waits."""
        ...

    def read(self, cut: LedgerEntry) -> dict[str, pl.DataFrame]:
        """Read a ledgered range, by record; ranges are read in their order.

        Raises:
            BlockDamaged: If it is not there any more.
        """
        ...

    def forget(self, before: int) -> None:
        """Let go of what lies before a position that no restart and no request goes back to."""
        ...

    def again(
        self, cut: LedgerEntry, folded: Folded, before: Sequence[LedgerEntry]
    ) -> dict[str, pl.DataFrame]:
        """Read an older range once more, given what lies before it as for `resume`."""
        ...


_RECORDS: dict[str, type[Record]] = {
    "usage_events": UsageEvent,
    **{name: table.record for name, table in TABLES.items()},
}


def tables_of(data: memoryview) -> dict[str, pl.DataFrame]:
    """Read the rows of whole blocks, by record, with all their columns: older blocks have fewer.

    Raises:
        BlockDamaged: If the bytes are not whole blocks.
    """
    pieces: dict[str, list[pl.DataFrame]] = defaultdict(list)
    offset = 0
    while offset < len(data):
        header = header_at(data, offset)
        if header is None:
            msg = "a range of the usage log does not end with a block: restore it from a backup"
            raise BlockDamaged(msg)
        for name, frame in decode(data, offset, header).items():
            record = _RECORDS.get(name)
            pieces[name].append(conform(frame, record) if record else frame)
        offset += header.length
    return {name: pl.concat(frames, rechunk=False) for name, frames in sorted(pieces.items())}


class SpoolLog:
    """A partition of the spool; positions are bytes.

    Args:
        days: How long segments stay after they were written, whoever has read them.
    """

    def __init__(self, folder: Path, days: int) -> None:
        self._reader = SpoolReader(folder)
        self._folder, self._days = folder, days

    def forget(self, before: int) -> None:
        """Delete old segments."""
        forget(self._folder, before, self._days * _DAY_S)

    def resume(self, _folded: Folded, _entries: Sequence[LedgerEntry]) -> None:
        """Nothing depends on what was read before."""

    def plan(self, first: int, max_rows: int) -> Planned:
        """Look what is durable."""
        durable = self._reader.durable()
        if durable.length <= first:
            return Planned(first, 0, False, durable.ended, first, durable.length)
        last, rows, full = self._reader.plan(first, durable.length, max_rows)
        return Planned(last, rows, bool(full), durable.ended, first, durable.length)

    def read(self, cut: LedgerEntry) -> dict[str, pl.DataFrame]:
        """Read a range."""
        return tables_of(self._reader.read(cut.first, cut.last))

    def again(
        self, cut: LedgerEntry, _folded: Folded, _before: Sequence[LedgerEntry]
    ) -> dict[str, pl.DataFrame]:
        """Read a range."""
        return self.read(cut)
