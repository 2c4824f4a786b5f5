"""Records of text: lines, paragraphs between blank lines, or the whole document."""

from dataclasses import dataclass

import numpy as np

from tallywire.mediation.framing.base import Cut, Framing

_NEWLINE, _RETURN = 10, 13
_BLANK = b" \t\r"


@dataclass(frozen=True)
class Lines(Framing):
    """A record is a line that is not blank.

    Attributes:
        header_lines: First lines of a file, which tell what its columns are.
    """

    separator = b"\n"
    header_lines: int = 0

    def cut(self, data: bytes, *, at_end: bool, offset: int) -> Cut:  # noqa: ARG002  all lines are alike
        """Cut lines; a return before the newline is no part of them."""
        buffer = np.frombuffer(data, np.uint8)
        ends = np.flatnonzero(buffer == _NEWLINE).astype(np.int64)
        consumed = int(ends[-1]) + 1 if len(ends) else 0
        if at_end and consumed < len(data):
            ends = np.append(ends, len(data))
            consumed = len(data)
        starts = np.concatenate((np.zeros(1, np.int64), ends[:-1] + 1)) if len(ends) else ends
        lengths = ends - starts
        last = buffer[np.maximum(ends - 1, 0)] if len(ends) else ends
        returns = (lengths > 0) & (last == _RETURN)
        lengths = lengths - returns.astype(np.int64)
        short = np.flatnonzero(lengths <= 8)
        blank = [
            index for index in short.tolist()
            if not data[starts[index] : starts[index] + lengths[index]].strip(_BLANK)
        ]  # fmt: skip
        keep = np.ones(len(starts), bool)
        keep[blank] = False
        return Cut(starts[keep], lengths[keep], consumed)

    def prologue(self, start: bytes, *, at_end: bool) -> int | None:
        """Give the length of the header lines."""
        length = 0
        for _ in range(self.header_lines):
            end = start.find(b"\n", length)
            if end == -1:
                return len(start) if at_end else None
            length = end + 1
        return length


@dataclass(frozen=True)
class Paragraphs(Framing):
    """A record is a run of lines that are not blank; a blank line ends it."""

    separator = b"\n\n"

    def cut(self, data: bytes, *, at_end: bool, offset: int) -> Cut:  # noqa: ARG002  all are alike
        """Cut paragraphs."""
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
        consumed = len(data) if at_end else settled
        return Cut(np.array(starts, np.int64), np.array(lengths, np.int64), consumed)


@dataclass(frozen=True)
class Document(Framing):
    """The file is the record."""

    whole = True

    def cut(self, data: bytes, *, at_end: bool, offset: int) -> Cut:  # noqa: ARG002  there is one
        """Take everything."""
        if not at_end:
            return Cut(np.empty(0, np.int64), np.empty(0, np.int64), 0)
        has = 1 if data.strip(self.blank) else 0
        return Cut(np.zeros(has, np.int64), np.full(has, len(data), np.int64), len(data))


LINES = Lines()
PARAGRAPHS = Paragraphs()
DOCUMENT = Document()
