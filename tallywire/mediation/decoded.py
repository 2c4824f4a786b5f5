"""Records as bytes, and records as decoded rows: the contract between formats and mediation."""

from collections.abc import Mapping, MutableMapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt
import polars as pl
import xxhash

from schemas.reasons import Reason
from schemas.services import QUANTITY_LIMIT
from tallywire.hashes import hash64

MAX_RECORD_BYTES = 1024 * 1024
"""A longer record is no record of any format here, it is a broken file."""

_TEXT = (
    "kind", "session_key", "linked_id", "service", "direction", "usage_type", "a_raw", "b_raw",
    "c_raw", "user_name", "customer", "account_code", "partner", "imsi", "imei", "ip", "cause",
    "serving_plmn", "cell_id", "apn", "rat", "trunk_in", "trunk_out", "source_currency",
    "attributes", "quality_flags", "clock_quality", "unit", "detail", "join", "node", "node_mark",
)  # fmt: skip
_COUNTS = ["duration_us", "up_octets", "down_octets", "session_time_us"]

DECODED = pl.Schema(
    {
        "record_no": pl.Int64(),
        "item_no": pl.Int32(),
        "byte_offset": pl.Int64(),
        "byte_length": pl.Int32(),
        "raw_hash": pl.UInt64(),
        "reason": pl.String(),  # null: usable usage
        "natural_key": pl.String(),
        "content": pl.String(),  # text whose hash tells restatement from duplicate; null: the bytes
        "is_first": pl.Boolean(),
        "is_last": pl.Boolean(),
        "partial_no": pl.Int32(),
        "node_sequence": pl.Int64(),
        "start_us": pl.Int64(),
        "setup_us": pl.Int64(),
        "end_us": pl.Int64(),
        "utc_offset_minutes": pl.Int32(),
        "quantity": pl.Int64(),
        "cause_q850": pl.Int32(),
        "source_amount": pl.Decimal(38, 9),
        **dict.fromkeys(_COUNTS, pl.Int64()),
        **dict.fromkeys(_TEXT, pl.String()),
    }
)
"""One row per frame, in order; a record that holds several usages has a row for each, numbered by
`item_no` from 0, each with a natural key of its own, the place and hash of the record in all.

`kind` says how a record stands to its session: `complete` (usage by itself), `partial` (waits for
the rest, then joined by `join`: `sum` adds up, `span` takes the first's start to the last's end),
`delta` (usage by itself, and number `partial_no` of a session whose numbers must be whole),
`start`, `interim`, `stop` (cumulative counters), `control` (its server began anew).
`node` is the network element that counted the record as `node_sequence`; `node_mark` is `start` or
`end` where the element says that its numbering begins or ends there.
"""

DECODED_TEXTS = tuple(name for name in _TEXT if name not in {"detail", "kind", "join", "node_mark"})
"""What a record says in words: enough, with its times and quantities, to normalise it again."""

_NULLABLE = frozenset(
    {"reason", "natural_key", "content", "start_us", "setup_us", "end_us", "quantity",
     "source_amount", "node_sequence"}
)  # fmt: skip
_EARLIEST_US = 0
_LATEST_US = 4_102_444_800_000_000  # 2100-01-01


@dataclass(frozen=True)
class Frames:
    """Slices of a piece of a file, one per record.

    Attributes:
        data: The piece.
        starts: Offset of each slice in `data`, ascending.
        lengths: Bytes of each slice, separators not included.
        first_record_no: Number of the first record in its file, from 0.
        base_offset: Place of `data[0]` in its file.
        prologue: What the file says ahead of its records, where they cannot be read without it:
            the names of its columns, the head of a TAP file.
    """

    data: bytes
    starts: npt.NDArray[np.int64]
    lengths: npt.NDArray[np.int64]
    first_record_no: int = 0
    base_offset: int = 0
    prologue: bytes = b""

    def __len__(self) -> int:
        return len(self.starts)

    def slices(self) -> list[bytes]:
        """Give the bytes of every record."""
        ends = (self.starts + self.lengths).tolist()
        data = self.data
        return [data[start:end] for start, end in zip(self.starts.tolist(), ends, strict=True)]


@dataclass(frozen=True)
class Decoded:
    """What a format made of frames.

    Attributes:
        frame: Rows of DECODED, one at least per frame, in order.
        control: What header and trailer lines said: `sequence`, `declared_records`,
            `declared_total`, `trailer_found`, `trailer_wanted`, other `declared_...`; and what is
            counted of each in these rows: `counted_records`, `counted_total`, ...
        series: Whose numbers `sequence` is one of, where the file says so: sender and recipient of
            a TAP file; empty where all files of a feed are numbered together.
    """

    frame: pl.DataFrame
    control: Mapping[str, int] = field(default_factory=dict)
    series: str = ""


def gathered(counts: MutableMapping[str, Any], control: Mapping[str, int]) -> None:
    """Put what a piece says of its file to what the pieces before it said.

    What is counted adds up; the earliest and the latest of it are kept; anything else is said once.
    """
    for name, value in control.items():
        if name == "counted_earliest":
            counts[name] = min(counts.get(name, value), value)
        elif name == "counted_latest":
            counts[name] = max(counts.get(name, value), value)
        elif name.startswith("counted_"):
            counts[name] = counts.get(name, 0) + value
        else:
            counts[name] = value


def in_prologue(frames: Frames) -> pl.Expr:
    """Tell which rows are what the file says ahead of its records."""
    return pl.col("byte_offset") < len(frames.prologue)


def contiguous(frames: Frames) -> bytes | None:
    """Give the bytes of frames that follow each other with one newline between, else nothing."""
    if not len(frames):
        return None
    ends = frames.starts + frames.lengths
    if (frames.starts[1:] != ends[:-1] + 1).any():
        return None
    return frames.data[int(frames.starts[0]) : int(ends[-1])]


def lines(frames: Frames) -> pl.Series | None:
    """Give records as text without a loop; nothing where that could change a byte of them.

    The reader of separated values serves as a splitter of lines: its separator must not occur, nor
    a return, which it would drop.
    """
    data = contiguous(frames)
    if data is None or b"\x01" in data or b"\r" in data or b"\x00" in data:
        return None
    if data.count(b"\n") != len(frames) - 1:  # a newline is a byte of a record
        return None
    try:
        table = pl.read_csv(
            data, has_header=False, separator="\x01", quote_char=None, infer_schema=False,
            new_columns=["text"],
        )  # fmt: skip
    except (pl.exceptions.PolarsError, UnicodeDecodeError):
        return None
    if table.height != len(frames) or table.width != 1:
        return None
    return table["text"]


def _hashes(frames: Frames) -> pl.Series:
    """Hash the bytes of every record with xxh3-64."""
    texts = lines(frames)
    if texts is not None:
        return pl.Series(hash64(texts))
    digest = xxhash.xxh3_64_intdigest
    found = (digest(piece) for piece in frames.slices())
    return pl.Series(np.fromiter(found, np.uint64, len(frames)))


def places(frames: Frames) -> pl.DataFrame:
    """Give place and hash of every frame: the columns that no format has to make."""
    return pl.DataFrame(
        {
            "record_no": np.arange(len(frames), dtype=np.int64) + frames.first_record_no,
            "byte_offset": frames.starts + frames.base_offset,
            "byte_length": frames.lengths.astype(np.int32),
            "raw_hash": _hashes(frames),
        }
    )


def _defaults(name: str, kind: pl.DataType) -> pl.Expr:
    if name in _NULLABLE:
        return pl.lit(None, dtype=kind)
    if kind == pl.String():
        return pl.lit("complete" if name == "kind" else "", dtype=kind)
    if kind == pl.Boolean():
        return pl.lit(value=True)
    return pl.lit(0, dtype=kind)


def complete(frame: pl.DataFrame) -> pl.DataFrame:
    """Give a frame all columns of DECODED, ordered, absent and null ones defaulted."""
    columns = []
    for name, kind in DECODED.items():
        if name not in frame.columns:
            columns.append(_defaults(name, kind).alias(name))
        elif name in _NULLABLE:
            columns.append(pl.col(name).cast(kind))
        else:
            fits = kind != pl.Int32()  # what is out of range was refused, and reads as absent
            columns.append(pl.col(name).cast(kind, strict=fits).fill_null(_defaults(name, kind)))
    return frame.select(columns)


def refuse(frame: pl.DataFrame, wrong: pl.Expr, reason: Reason, detail: pl.Expr) -> pl.DataFrame:
    """Give rows a reason, unless an earlier check already did.

    A detail that quotes what a record lacks is null: the reason's own words stand for it.
    """
    hit = pl.col("reason").is_null() & wrong.fill_null(value=False)
    detail = detail.fill_null(reason.value.replace("_", " "))
    return frame.with_columns(
        pl.when(hit).then(pl.lit(reason.value)).otherwise("reason").alias("reason"),
        pl.when(hit).then(detail).otherwise("detail").alias("detail"),
    )


def check_world(frame: pl.DataFrame) -> pl.DataFrame:
    """Refuse usable rows whose time or quantity cannot be true."""
    frame = refuse(
        frame, pl.col("start_us").is_null(), Reason.TIME_INVALID, pl.lit("no start time was read")
    )
    outside = pl.any_horizontal(
        (pl.col(name) < _EARLIEST_US) | (pl.col(name) >= _LATEST_US)
        for name in ("start_us", "setup_us", "end_us")
    )
    frame = refuse(
        frame, outside, Reason.TIME_OUT_OF_RANGE,
        pl.format("a time lies outside 1970 to 2100 (start {} microseconds)", pl.col("start_us")),
    )  # fmt: skip
    counts = ("quantity", "duration_us", "up_octets", "down_octets", "session_time_us")
    wrong = pl.any_horizontal(
        (pl.col(name) < 0) | (pl.col(name) > QUANTITY_LIMIT) for name in counts
    )
    return refuse(
        frame, wrong, Reason.QUANTITY_OUT_OF_RANGE,
        pl.format("a quantity is negative or above 10^15 (quantity {})", pl.col("quantity")),
    )  # fmt: skip


def refused(frames: Frames, reason: Reason, detail: str) -> Decoded:
    """Refuse every frame for one reason."""
    frame = places(frames).with_columns(
        pl.lit(reason.value).alias("reason"), pl.lit(detail).alias("detail")
    )
    return Decoded(complete(frame))
