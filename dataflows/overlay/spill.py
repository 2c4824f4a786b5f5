"""Rows put aside on disk by a hash of a text, to be read again part by part."""

from collections.abc import Iterator
from pathlib import Path

import polars as pl
import pyarrow as pa
from pyarrow import ipc

from tallywire.hashes import hash64

_HELD_ROWS = 131_072
_OPTIONS = ipc.IpcWriteOptions(compression="lz4")


class Spill:
    """Parts on disk: rows whose text is equal are in one part.

    A part is a file of Arrow streams, one behind the other: no file stays open, however many parts
    there are.

    Args:
        folder: A place of its own that does not exist yet.
        schema: Of the rows.
        parts: How many.
    """

    def __init__(self, folder: Path, schema: pl.Schema, parts: int) -> None:
        folder.mkdir(parents=True)
        self._schema, self._folder, self.parts = schema, folder, parts
        self._held: list[pl.DataFrame] = []
        self._rows = 0

    def add(self, rows: pl.DataFrame, texts: pl.Series) -> None:
        """Add rows, each with the text that decides its part.

        Raises:
            OSError: If the disk is full.
        """
        if rows.is_empty():
            return
        part = pl.Series("part", hash64(texts) % self.parts, dtype=pl.UInt64)
        self._held.append(rows.select(self._schema.names()).with_columns(part))
        self._rows += rows.height
        if self._rows >= _HELD_ROWS:
            self.flush()

    def flush(self) -> None:
        """Write what is held in memory."""
        if self._rows:
            whole = pl.concat(self._held)
            for (number,), rows in whole.partition_by("part", as_dict=True).items():
                self._append(int(number), rows.drop("part"))
        self._held, self._rows = [], 0

    def _append(self, number: int, rows: pl.DataFrame) -> None:
        table = rows.to_arrow(compat_level=pl.CompatLevel.oldest())
        with (
            self._path(number).open("ab") as file,
            ipc.new_stream(file, table.schema, options=_OPTIONS) as writer,
        ):
            writer.write_table(table)

    def _path(self, number: int) -> Path:
        return self._folder / f"{number:05d}.arrow"

    def __iter__(self) -> Iterator[pl.DataFrame]:
        """Read the parts in order; empty ones, too. A part is removed when it was read."""
        self.flush()
        for number in range(self.parts):
            yield self._read(number)

    def _read(self, number: int) -> pl.DataFrame:
        path = self._path(number)
        if not path.exists():
            return pl.DataFrame(schema=self._schema)
        found = []
        with pa.OSFile(str(path)) as source:
            while source.tell() < source.size():
                with ipc.open_stream(source) as reader:
                    found.append(pl.DataFrame(reader.read_all()))
        path.unlink()
        return pl.concat(found).cast(self._schema)
