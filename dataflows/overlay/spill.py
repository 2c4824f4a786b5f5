"""Rows put aside on disk by a hash of a text, to be read again part by part."""

from collections.abc import Iterator
from pathlib import Path

import polars as pl
import pyarrow as pa
from pyarrow import ipc

from tallywire.hashes import hash64

_HELD_ROWS = 131_072


class Spill:
    """Parts on disk: rows whose text is equal are in one part.

    Args:
        folder: An empty place of its own.
        schema: Of the rows.
        parts: How many.
    """

    def __init__(self, folder: Path, schema: pl.Schema, parts: int) -> None:
        folder.mkdir(parents=True)
        self._schema, self._folder, self.parts = schema, folder, parts
        self._held: list[pl.DataFrame] = []
        self._rows = 0
        self._writers: dict[int, ipc.RecordBatchStreamWriter] = {}

    def add(self, rows: pl.DataFrame, texts: pl.Series) -> None:
        """Add rows, each with the text that decides its part.

        Raises:
            OSError: If the disk is full.
        """
        part = pl.Series("part", hash64(texts) % self.parts, dtype=pl.UInt64)
        self._held.append(rows.select(self._schema.names()).with_columns(part))
        self._rows += rows.height
        if self._rows >= _HELD_ROWS:
            self._write()

    def _write(self) -> None:
        if self._rows:
            whole = pl.concat(self._held)
            for (number,), rows in whole.partition_by("part", as_dict=True).items():
                self._append(int(number), rows.drop("part"))
        self._held, self._rows = [], 0

    def _append(self, number: int, rows: pl.DataFrame) -> None:
        table = rows.to_arrow(compat_level=pl.CompatLevel.oldest())
        if number not in self._writers:
            options = ipc.IpcWriteOptions(compression="lz4")
            self._writers[number] = ipc.new_stream(
                str(self._path(number)), table.schema, options=options
            )
        self._writers[number].write_table(table)

    def _path(self, number: int) -> Path:
        return self._folder / f"{number:05d}.arrow"

    def close(self) -> None:
        """Write what is held; nothing may be added after."""
        self._write()
        for writer in self._writers.values():
            writer.close()

    def __iter__(self) -> Iterator[pl.DataFrame]:
        """Read the parts in order; empty ones, too. A part is removed when it was read."""
        for number in range(self.parts):
            yield self.read(number)

    def read(self, number: int) -> pl.DataFrame:
        """Read a part and remove it."""
        path = self._path(number)
        if not path.exists():
            return pl.DataFrame(schema=self._schema)
        with pa.memory_map(str(path)) as source:
            frame = pl.DataFrame(ipc.open_stream(source).read_all())
        path.unlink()
        return frame.cast(self._schema)
