"""Cutting bytes into records: lines, blank-line separated paragraphs, or the whole document."""

import numpy as np

from tallywire.mediation.decoded import Frames

LINES = "lines"
PARAGRAPHS = "paragraphs"
DOCUMENT = "document"

_NEWLINE, _RETURN = 10, 13
_BLANK = b" \t\r"


def frame(
    data: bytes, framing: str, *, at_end: bool, first_record_no: int = 0, base_offset: int = 0
) -> tuple[Frames, int]:
    """Cut a piece of a file into records.

    Args:
        data: The piece; it begins where a record begins.
        framing: `lines`, `paragraphs` or `document`.
        at_end: Nothing follows, so an unterminated last record is one.
        first_record_no: Number of the first record in the file.
        base_offset: Place of the piece in the file.

    Returns:
        The records, and how many bytes are settled: an incomplete last record stays.

    Raises:
        ValueError: If the framing is none of the three.
    """
    if framing == LINES:
        starts, lengths, consumed = _lines(data, at_end=at_end)
    elif framing == PARAGRAPHS:
        starts, lengths, consumed = _paragraphs(data, at_end=at_end)
    elif framing == DOCUMENT:
        starts, lengths, consumed = _document(data, at_end=at_end)
    else:
        msg = f"unknown framing {framing!r}"
        raise ValueError(msg)
    return Frames(data, starts, lengths, first_record_no, base_offset), consumed


_Cut = tuple[np.ndarray, np.ndarray, int]


def _lines(data: bytes, *, at_end: bool) -> _Cut:
    buffer = np.frombuffer(data, np.uint8)
    ends = np.flatnonzero(buffer == _NEWLINE).astype(np.int64)
    consumed = int(ends[-1]) + 1 if len(ends) else 0
    if at_end and consumed < len(data):
        ends = np.append(ends, len(data))
        consumed = len(data)
    starts = np.concatenate((np.zeros(1, np.int64), ends[:-1] + 1)) if len(ends) else ends
    lengths = ends - starts
    returns = (lengths > 0) & (buffer[np.maximum(ends - 1, 0)] == _RETURN) if len(ends) else ends
    lengths = lengths - returns.astype(np.int64)
    short = np.flatnonzero(lengths <= 8)
    blank = [
        index for index in short.tolist()
        if not data[starts[index] : starts[index] + lengths[index]].strip(_BLANK)
    ]  # fmt: skip
    keep = np.ones(len(starts), bool)
    keep[blank] = False
    return starts[keep], lengths[keep], consumed


def _paragraphs(data: bytes, *, at_end: bool) -> _Cut:
    """Join consecutive lines that are not blank; a blank line ends a record."""
    starts: list[int] = []
    lengths: list[int] = []
    position = settled = 0
    begun = -1
    while position < len(data):
        end = data.find(b"\n", position)
        stop = len(data) if end == -1 else end
        blank = not data[position:stop].strip(_BLANK)
        if end == -1 and not at_end:
            break
        if blank and begun >= 0:
            starts.append(begun)
            lengths.append(position - 1 - begun)
            begun = -1
        elif not blank and begun < 0:
            begun = position
        position = stop + 1 if end != -1 else stop
        if begun < 0:
            settled = position
    if at_end and begun >= 0:
        starts.append(begun)
        lengths.append(len(data.rstrip(b"\r\n")) - begun)
    return (
        np.array(starts, np.int64), np.array(lengths, np.int64), len(data) if at_end else settled
    )  # fmt: skip


def _document(data: bytes, *, at_end: bool) -> _Cut:
    if not at_end:
        return np.empty(0, np.int64), np.empty(0, np.int64), 0
    has = 1 if data.strip() else 0
    return np.zeros(has, np.int64), np.full(has, len(data), np.int64), len(data)
