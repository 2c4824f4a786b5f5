"""Members of a tar, read once from its beginning to its end."""

import tarfile
import zlib
from collections.abc import Iterator
from typing import IO, Self, cast

from dataflows.fetching.refused import Meter, Refused
from dataflows.fetching.streams import CHUNK, Metered, Readable, damaged
from schemas.refusals import Refusal

_LONGEST_HEADER = 1024 * 1024
_HEADERS = {
    tarfile.XHDTYPE, tarfile.XGLTYPE, tarfile.SOLARIS_XHDTYPE, tarfile.GNUTYPE_LONGNAME,
    tarfile.GNUTYPE_LONGLINK,
}  # fmt: skip
_DAMAGE = (
    tarfile.TarError, zlib.error, EOFError, ValueError, KeyError, IndexError, OverflowError,
    AttributeError, TypeError,
)  # fmt: skip
_BLOCK = 512
_ASKED_AT_END = 8


class _BoundedInfo(tarfile.TarInfo):
    """A header whose extension is never longer than a name can be: it is read into memory."""

    @classmethod
    def frombuf(cls, buf: bytes | bytearray, encoding: str, errors: str) -> Self:
        """Read a header.

        Raises:
            Refused: If its extension is beyond all bounds.
        """
        found = super().frombuf(buf, encoding, errors)
        if found.type in _HEADERS and not 0 <= found.size <= _LONGEST_HEADER:
            text = f"a header of it declares {found.size} bytes"
            raise Refused(Refusal.FILE_TOO_LARGE, text)
        return found


def _check(info: tarfile.TarInfo, meter: Meter) -> None:
    """Refuse a member that is no plain file of a size that may be.

    Raises:
        Refused: With the reason.
    """
    if info.issym() or info.islnk():
        raise Refused(Refusal.LINK, f"it is a link to {info.linkname[:100]!r}, not a file")
    if not info.isreg() or info.issparse():
        raise Refused(Refusal.SPECIAL_FILE, "it is no plain file: a device, a pipe, or sparse")
    meter.declared(info.size)


class _Checked:
    """Reads a member; what is wrong with it is a refusal."""

    def __init__(self, inner: Readable, size: int) -> None:
        self._inner, self._left = inner, size

    def read(self, size: int, /) -> bytes:
        """Read up to so many bytes.

        Raises:
            Refused: If it is damaged or shorter than it says.
        """
        try:
            piece = self._inner.read(min(size, CHUNK))
        except _DAMAGE as error:
            raise damaged(error) from error
        self._left -= len(piece)
        if not piece and self._left:
            raise damaged(EOFError("a member ends too early"))
        return piece


class _Ending:
    """Ends whoever asks for more behind the end again and again: for years, says a broken size."""

    def __init__(self, inner: Metered) -> None:
        self._inner, self._empty = inner, 0

    def read(self, size: int, /) -> bytes:
        """Read up to so many bytes.

        Raises:
            Refused: If there is no more, and was none for some time.
        """
        piece = self._inner.read(size)
        self._empty = 0 if piece else self._empty + 1
        if self._empty > _ASKED_AT_END:
            raise damaged(EOFError("it ends within a member"))
        return piece


def tar_members(stream: Metered, meter: Meter) -> Iterator[tuple[str, Readable | Refused]]:
    """Give the name and the content of every member that is no folder.

    Each content must be read before the next member is asked for.

    Args:
        stream: The tar itself, not compressed any more.

    Yields:
        A member's name, and what it is read from, or why it is refused.

    Raises:
        Refused: If the tar is damaged, or cut short.
    """
    try:
        archive = tarfile.open(  # noqa: SIM115  it owns nothing
            fileobj=cast("IO[bytes]", _Ending(stream)), mode="r|", tarinfo=_BoundedInfo
        )
        for info in archive:
            if info.isdir():
                continue
            meter.member()
            yield info.name, _member(archive, info, meter)
    except _DAMAGE as error:
        raise damaged(error) from error
    while stream.read(CHUNK):
        pass
    if len(stream.tail) < _BLOCK or stream.tail.strip(b"\0"):
        raise damaged(EOFError("a tar without its end"))


def _member(archive: tarfile.TarFile, info: tarfile.TarInfo, meter: Meter) -> Readable | Refused:
    try:
        _check(info, meter)
    except Refused as refused:
        if refused.reason is Refusal.FILE_TOO_LARGE:
            raise  # what lies behind it is out of reach
        return refused
    content = archive.extractfile(info)
    if content is None:
        return Refused(Refusal.SPECIAL_FILE, "it is no plain file")
    return _Checked(content, info.size)
