"""Findings of a comparison on their way to files: kept by cause, written as CSV and Parquet."""

from collections.abc import Iterator
from pathlib import Path

import polars as pl
import pyarrow as pa
from pyarrow import ipc, parquet

from assurance.overlay.judging import ENTRY

_ROWS = 65_536


class Findings:
    """Findings, appended in their order; read again cause by cause.

    Args:
        folder: An empty place of its own.
    """

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True)
        self._folder = folder
        self._writers: dict[str, ipc.RecordBatchStreamWriter] = {}

    def add(self, found: pl.DataFrame) -> None:
        """Add rows of ENTRY that have a cause.

        Raises:
            OSError: If the disk is full.
        """
        for (cause,), rows in found.group_by("cause", maintain_order=True):
            table = rows.to_arrow(compat_level=pl.CompatLevel.oldest())
            name = str(cause)
            if name not in self._writers:
                path = str(self._folder / f"{name}.arrow")
                self._writers[name] = ipc.new_stream(path, table.schema)
            self._writers[name].write_table(table)

    def close(self) -> None:
        """End writing."""
        for writer in self._writers.values():
            writer.close()

    def _pieces(self) -> Iterator[pl.DataFrame]:
        for name in sorted(self._writers):
            with pa.OSFile(str(self._folder / f"{name}.arrow")) as source:
                for batch in ipc.open_stream(source):
                    frame = pl.DataFrame(pa.Table.from_batches([batch])).cast(ENTRY)
                    for start in range(0, frame.height, _ROWS):
                        yield as_written(frame[start : start + _ROWS])

    def write(self, out: Path) -> None:
        """Write `findings.csv` and `findings.parquet`.

        Raises:
            OSError: If the folder cannot be written.
        """
        empty = as_written(pl.DataFrame(schema=ENTRY))
        schema = empty.to_arrow(compat_level=pl.CompatLevel.oldest()).schema
        with (
            (out / "findings.csv").open("wb") as text,
            parquet.ParquetWriter(out / "findings.parquet", schema, compression="zstd") as table,
        ):
            empty.write_csv(text)
            for piece in self._pieces():
                piece.write_csv(text, include_header=False)
                table.write_table(piece.to_arrow(compat_level=pl.CompatLevel.oldest()))


def as_written(entries: pl.DataFrame) -> pl.DataFrame:
    """Give entries with their start as text, UTC."""
    start = pl.from_epoch("start_time", "us").dt.strftime("%Y-%m-%dT%H:%M:%S%.6fZ")
    return entries.with_columns(start.alias("start_time")).rename({"start_time": "start"})
