"""Hashes that are kept: xxh3 over text, in columns, always the same bytes."""

import numpy as np
import numpy.typing as npt
import polars as pl
import polars_hash as plh
import pyarrow as pa

UInts = npt.NDArray[np.uint64]

_WORD = 2**64
_BYTES = 16


def hash128(texts: pl.Series) -> tuple[UInts, UInts]:
    """Hash texts with xxh3-128: the high and the low word of each."""
    frame = pl.DataFrame({"text": texts.cast(pl.String)}).select(
        plh.col("text").nchash.xxh3_128().cast(pl.UInt128).alias("hash")
    )
    words = frame.select(
        (pl.col("hash") // _WORD).cast(pl.UInt64).alias("hi"),
        (pl.col("hash") & (_WORD - 1)).cast(pl.UInt64).alias("lo"),
    )
    return words["hi"].to_numpy(), words["lo"].to_numpy()


def hash64(texts: pl.Series) -> UInts:
    """Hash texts with xxh3-64."""
    frame = pl.DataFrame({"text": texts.cast(pl.String)})
    return frame.select(plh.col("text").nchash.xxh3_64())["text"].cast(pl.UInt64).to_numpy()


def to_bytes(hi: UInts, lo: UInts) -> pl.Series:
    """Write words as 16 big-endian bytes: the order of a UUID's text."""
    words = np.empty((len(hi), 2), ">u8")
    words[:, 0], words[:, 1] = hi, lo
    buffer = pa.py_buffer(words.tobytes())
    array = pa.FixedSizeBinaryArray.from_buffers(pa.binary(_BYTES), len(hi), [None, buffer])
    return pl.Series(array.cast(pa.large_binary()), dtype=pl.Binary)


def from_bytes(column: pl.Series) -> tuple[UInts, UInts]:
    """Read words back from 16 big-endian bytes."""
    array = column.to_arrow(compat_level=pl.CompatLevel.oldest()).cast(pa.binary(_BYTES))
    if isinstance(array, pa.ChunkedArray):
        array = array.combine_chunks()
    raw = array.buffers()[1]
    words = np.frombuffer(raw, ">u8")[2 * array.offset : 2 * (array.offset + len(array))]
    pairs = words.reshape(-1, 2).astype(np.uint64)
    return pairs[:, 0].copy(), pairs[:, 1].copy()
