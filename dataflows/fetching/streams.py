"""Reading packed bytes in small pieces: gz and zst, damage told from the end."""

import gzip
import io
import zlib
from typing import Protocol

from dataflows.fetching.refused import Meter, Refused
from schemas.refusals import Refusal

CHUNK = 1024 * 1024
_ZST_IN = 256
"""Packed bytes given to zstd at once: four of them may become 128 KiB."""
_ZST_WINDOW = 128 * 1024 * 1024
_TAIL = 512


class Readable(Protocol):
    """Something bytes are read from."""

    def read(self, size: int, /) -> bytes:
        """Read up to so many bytes; none at the end."""
        ...


class _Zst:
    """Reads zst, frame by frame.

    Raises:
        Refused: If no library for it is installed.
    """

    def __init__(self, packed: Readable) -> None:
        try:
            import zstandard  # noqa: PLC0415  an extra
        except ImportError:
            text = "zst needs `pip install tallywire[files]`"
            raise Refused(Refusal.UNSUPPORTED, text) from None
        self._damaged = zstandard.ZstdError
        self._make = zstandard.ZstdDecompressor(max_window_size=_ZST_WINDOW).decompressobj
        self._packed, self._frame, self._out, self._in = packed, self._make(), b"", b""
        self._begun, self._ended = False, False

    def read(self, size: int, /) -> bytes:
        """Read up to so many bytes; none at the end.

        Raises:
            EOFError: If it is cut short.
            ValueError: If it is damaged.
        """
        while not self._out and not self._ended:
            self._advance()
        piece, self._out = self._out[:size], self._out[size:]
        return piece

    def _advance(self) -> None:
        if not self._in:
            self._in = self._packed.read(CHUNK)
        if not self._in:
            if self._begun or not self._frame:
                msg = "it ends within a frame"
                raise EOFError(msg)
            self._ended = True
            return
        piece, self._in = self._in[:_ZST_IN], self._in[_ZST_IN:]
        self._begun = True
        try:
            self._out = self._frame.decompress(piece)
        except self._damaged as error:
            raise ValueError(str(error)) from None
        if self._frame.eof:
            self._in = self._frame.unused_data + self._in
            self._frame, self._begun = self._make(), False


class _Gz:
    """Reads gz, all members of it."""

    def __init__(self, packed: Readable) -> None:
        self._file = gzip.GzipFile(fileobj=_Raw(packed), mode="rb")

    def read(self, size: int, /) -> bytes:
        """Read up to so many bytes; none at the end."""
        return self._file.read(size)


class _Raw(io.RawIOBase):
    """What gzip wants of a file, without a position to go back to."""

    def __init__(self, packed: Readable) -> None:
        self._packed = packed

    def readable(self) -> bool:
        """It can be read."""
        return True

    def read(self, size: int = -1, /) -> bytes:
        """Read up to so many bytes."""
        return self._packed.read(CHUNK if size < 0 else size)


class Metered:
    """Counts what is read, and remembers how it ended.

    Attributes:
        tail: Its last 512 bytes.
    """

    def __init__(self, inner: Readable, meter: Meter) -> None:
        self._inner, self._meter, self.tail = inner, meter, b""

    def read(self, size: int, /) -> bytes:
        """Read up to so many bytes.

        Raises:
            Refused: If it is too much, or damaged.
        """
        try:
            piece = self._inner.read(min(size, CHUNK))
        except (EOFError, zlib.error, gzip.BadGzipFile, ValueError) as error:
            raise damaged(error) from error
        self._meter.add(len(piece))
        self.tail = piece[-_TAIL:] if len(piece) >= _TAIL else (self.tail + piece)[-_TAIL:]
        return piece


def damaged(error: BaseException) -> Refused:
    """Say that a packed file is not whole."""
    return Refused(Refusal.DAMAGED, f"it is damaged or cut short ({error})")


def decompressed(packed: Readable, kind: str, meter: Meter) -> Readable:
    """Read what a compressed file holds.

    Args:
        kind: `gz` or `zst`.

    Raises:
        Refused: If it cannot be read here.
    """
    return Metered(_Gz(packed) if kind == "gz" else _Zst(packed), meter)
