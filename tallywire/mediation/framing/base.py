"""What a framing is: how the bytes of a file are cut into records, wherever reading goes on."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import numpy.typing as npt

from tallywire.mediation.decoded import Frames

PROLOGUE_BYTES = 1024 * 1024
"""What a file says ahead of its records ends within so many bytes, or the file is broken."""

Places = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Cut:
    """Records found in a piece of a file.

    Attributes:
        starts: Offset of each record in the piece, ascending.
        lengths: Bytes of each record.
        consumed: Bytes that are settled: reading goes on behind them.
    """

    starts: Places
    lengths: Places
    consumed: int


def cut_of(found: list[tuple[int, int]], consumed: int) -> Cut:
    """Make a cut of (start, end) pairs."""
    pairs = np.array(found, np.int64).reshape(-1, 2)
    return Cut(pairs[:, 0], pairs[:, 1] - pairs[:, 0], consumed)


class Framing:
    """How a format cuts records. Framings are values: equal ones cut alike.

    A piece is cut knowing only its bytes and its place in the file, so that reading may stop and go
    on behind any record. Every byte is in a record, except `blank` ones between records.

    Attributes:
        separator: What ends a record beyond all bounds; empty where only the end of the file does.
        whole: A file is one record and is read at once.
        blank: Bytes that may lie between records.
    """

    separator: ClassVar[bytes] = b""
    whole: ClassVar[bool] = False
    blank: ClassVar[bytes] = b" \t\r\n"

    def cut(self, data: bytes, *, at_end: bool, offset: int) -> Cut:
        """Cut a piece that begins where a record begins.

        Args:
            at_end: Nothing follows, so an unfinished last record is one.
            offset: Place of the piece in its file.
        """
        raise NotImplementedError

    def prologue(self, start: bytes, *, at_end: bool) -> int | None:  # noqa: ARG002  a default
        """Tell how long that is which a file says ahead of its records and they need to be read.

        Args:
            start: First bytes of the file.
            at_end: These are all of them.

        Returns:
            Its length, 0 for none; `None` where more bytes must be seen.
        """
        return 0


def frame(
    data: bytes,
    framing: Framing,
    *,
    at_end: bool,
    first_record_no: int = 0,
    base_offset: int = 0,
    prologue: bytes = b"",
) -> tuple[Frames, int]:
    """Cut a piece of a file into records.

    Args:
        data: The piece; it begins where a record begins.
        at_end: Nothing follows, so an unterminated last record is one.
        first_record_no: Number of the first record in the file.
        base_offset: Place of the piece in the file.
        prologue: What the file says ahead of its records.

    Returns:
        The records, and how many bytes are settled: an incomplete last record stays.
    """
    cut = framing.cut(data, at_end=at_end, offset=base_offset)
    frames = Frames(data, cut.starts, cut.lengths, first_record_no, base_offset, prologue)
    return frames, cut.consumed
