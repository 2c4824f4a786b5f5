"""XML elements as columns of text: what stands at some paths of every record, unread ones told.

Records are read many at a time, wrapped in one root. Nothing that a file says ahead of them is
believed but the prefixes it uses: its entities are unknown to the parser, so that a record cannot
grow, and nothing is fetched. A batch in which any record is broken is read record by record, and
either way a record gives the same row.
"""

import re
from collections.abc import Sequence
from itertools import pairwise

import numpy as np
import polars as pl
from lxml import etree

from schemas.reasons import Reason
from tallywire.mediation.decoded import MAX_RECORD_BYTES, Frames, places
from tallywire.mediation.elements_reader import Reader
from tallywire.mediation.elements_shapes import quick_rows

PATH = r"^(?:[A-Za-z_][\w.:-]*/)*@?[A-Za-z_][\w.:-]*$"
"""How a path is written: names of elements joined by slashes, a last one with `@` an attribute."""
ENCODINGS = ("utf-8", "iso-8859-1", "us-ascii", "windows-1252", "iso-8859-15")

_BATCH_BYTES = 512 * 1024
_DECLARED = re.compile(rb"""<\?xml[^>]*?encoding\s*=\s*["']([A-Za-z0-9._-]+)["']""")
_PREFIX = re.compile(rb"""\bxmlns:([A-Za-z_][\w.-]*)\s*=""")
_BETWEEN = re.compile(
    rb"(?:\s|</[^<>]*>|<!--.*?-->|<\?.*?\?>|<!DOCTYPE[^<>\[]*>)*(?:<[A-Za-z_][^<>]*>\s*)?",
    re.DOTALL,
)
_Told = tuple[Reason, str] | None


def _why(piece: bytes, reader: Reader) -> tuple[Reason, str]:
    """Tell what is wrong with a record that cannot be read."""
    try:
        piece.decode(reader.encoding)
        reader.parse([piece])
    except UnicodeDecodeError:
        return Reason.ENCODING_INVALID, f"is not {reader.encoding} text"
    except etree.XMLSyntaxError as error:
        if not piece.endswith(b">"):
            return Reason.RECORD_TRUNCATED, "ends before its element does"
        return Reason.RECORD_UNREADABLE, f"is no XML: {str(error.msg)[:200]}"
    return Reason.RECORD_UNREADABLE, "is more than one element"


def _batches(pieces: Sequence[bytes]) -> list[tuple[int, int]]:
    """Cut records into batches of some bytes: (first, last)."""
    ends = np.cumsum([len(piece) for piece in pieces])
    cuts = np.searchsorted(
        ends, np.arange(_BATCH_BYTES, int(ends[-1]) + _BATCH_BYTES, _BATCH_BYTES)
    )
    edges = np.unique(np.concatenate(([0], np.minimum(cuts + 1, len(pieces))))).tolist()
    return list(pairwise(edges))


def _read(pieces: Sequence[bytes], reader: Reader) -> tuple[list[list[str]], list[_Told]]:
    """Read records that lie together; a broken one is a row of empty texts with what is wrong."""
    try:
        records = reader.parse(pieces)
        if len(records) == len(pieces):
            return reader.texts(records), [None] * len(pieces)
    except etree.XMLSyntaxError:
        pass
    if len(pieces) == 1:
        return [[""] for _ in reader.paths], [_why(pieces[0], reader)]
    columns: list[list[str]] = [[] for _ in reader.paths]
    told: list[_Told] = []
    for piece in pieces:
        found, wrong = _read([piece], reader)
        for column, part in zip(columns, found, strict=True):
            column.extend(part)
        told += wrong
    return columns, told


def _aside(frames: Frames, encoding: str, names: Sequence[str]) -> tuple[list[bytes], list[_Told]]:
    """Give all pieces, and of those that are no records to be read what they are."""
    pieces = frames.slices()
    starts = re.compile(b"<(?:" + b"|".join(re.escape(one.encode()) for one in names) + rb")[\s/>]")
    told: list[_Told] = []
    for offset, piece in zip((frames.starts + frames.base_offset).tolist(), pieces, strict=True):
        if len(piece) > MAX_RECORD_BYTES:
            told.append((Reason.RECORD_TOO_LONG, "longer than 1 MiB"))
        elif starts.match(piece):
            unknown = (
                Reason.ENCODING_INVALID,
                f"the file says it is {encoding}, which is not read",
            )
            told.append(None if encoding in ENCODINGS else unknown)
        elif b"<!ENTITY" in piece:
            told.append((Reason.RECORD_UNREADABLE, "declares entities, which are not read"))
        elif offset < len(frames.prologue) or _BETWEEN.fullmatch(piece):
            told.append((Reason.CONTROL_RECORD, "what stands around the records"))
        else:
            told.append((Reason.RECORD_UNREADABLE, "stands between records and is none"))
    return pieces, told


def _encoding(frames: Frames, wanted: str) -> str:
    declared = _DECLARED.search(frames.prologue)
    return (wanted or (declared[1].decode() if declared else "utf-8")).lower()


def element_frame(
    frames: Frames,
    names: Sequence[str],
    paths: Sequence[str],
    encoding: str = "",
    prefix: str = "",
) -> pl.DataFrame:
    """Give place, reason, detail and the texts at some paths of every record.

    Args:
        frames: Records as the framing `Elements` cuts them.
        names: Elements that are records, with their prefix where they have one.
        paths: As PATH says, from the record's element; the first that is found counts.
        encoding: One of ENCODINGS; empty: as the file declares, else UTF-8.
        prefix: Put before the names of the columns.

    Returns:
        A column by the name of each path, blanks around texts dropped; empty text where nothing
        stands there.
    """
    encoding = _encoding(frames, encoding)
    pieces, told = _aside(frames, encoding, names)
    prefixes = sorted({found.decode() for found in _PREFIX.findall(frames.prologue)})
    reader = Reader(tuple(paths), encoding, tuple(prefixes))
    chosen = [number for number, one in enumerate(told) if one is None]
    rows: dict[int, tuple[str, ...]] = dict(quick_rows(pieces, chosen, reader))
    left = [number for number in chosen if number not in rows]
    kept = [pieces[number] for number in left]
    for first, last in _batches(kept) if kept else []:
        found, wrong = _read(kept[first:last], reader)
        rows |= zip(left[first:last], zip(*found, strict=True), strict=True)
        for number, one in zip(left[first:last], wrong, strict=True):
            told[number] = one
    nothing = ("",) * len(paths)
    titles = [f"{prefix}{path}" for path in paths]
    columns = zip(*(rows.get(number, nothing) for number in range(len(pieces))), strict=True)
    texts = pl.DataFrame(
        [pl.Series(name, column, pl.String) for name, column in zip(titles, columns, strict=False)]
        or dict.fromkeys(titles, pl.Series(dtype=pl.String))
    ).select(pl.all().str.strip_chars(" \t\r\n"))
    return places(frames).with_columns(
        *texts.get_columns(),
        pl.Series("reason", [one[0].value if one else None for one in told], dtype=pl.String),
        pl.Series("detail", [one[1] if one else "" for one in told], dtype=pl.String),
    )
