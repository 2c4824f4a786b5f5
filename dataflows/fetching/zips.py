"""Members of a zip, its directory bounded before it is read."""

import stat
import struct
import zipfile
import zlib
from collections.abc import Iterator
from pathlib import Path

from dataflows.fetching.refused import Limits, Meter, Refused
from dataflows.fetching.streams import Metered, Readable, damaged
from schemas.refusals import Refusal

_END = struct.Struct("<4s4H2LH")
_END64 = struct.Struct("<4sQ2H2L4Q")
_FIND64 = struct.Struct("<4sLQL")
_LONGEST_COMMENT = 65_535
_ENTRY_BYTES = 512
"""Bytes of the directory allowed for each member: it is read into memory at once."""
_ENCRYPTED = 0x1
_METHODS = {zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED}
_DAMAGE = (
    zipfile.BadZipFile, zlib.error, EOFError, ValueError, struct.error, KeyError, IndexError,
    OverflowError, NotImplementedError, RuntimeError,
)  # fmt: skip


def _directory_bytes(path: Path, size: int) -> int:
    """Give the length of a zip's directory, as the zip declares it.

    Raises:
        Refused: If it has no end.
    """
    with path.open("rb") as file:
        length = min(size, _END.size + _LONGEST_COMMENT)
        file.seek(size - length)
        tail = file.read(length)
        at = tail.rfind(b"PK\x05\x06")
        if at == -1 or len(tail) - at < _END.size:
            raise Refused(Refusal.DAMAGED, "it is damaged or cut short (a zip without its end)")
        declared = int(_END.unpack_from(tail, at)[5])
        before = size - length + at - _FIND64.size
        if before < 0:
            return declared
        file.seek(before)
        magic, _, place, _ = _FIND64.unpack(file.read(_FIND64.size))
        if magic != b"PK\x06\x07":
            return declared
        found = [before - _END64.size, place]
        for where in found:
            if 0 <= where <= size - _END64.size:
                file.seek(where)
                end = _END64.unpack(file.read(_END64.size))
                if end[0] == b"PK\x06\x06":
                    declared = max(declared if declared != 0xFFFFFFFF else 0, int(end[8]))
    return declared


def _check(info: zipfile.ZipInfo, meter: Meter) -> None:
    """Refuse a member that is no plain file of a size that may be.

    Raises:
        Refused: With the reason.
    """
    mode = info.external_attr >> 16
    if stat.S_ISLNK(mode):
        raise Refused(Refusal.LINK, "it is a link, not a file")
    if stat.S_IFMT(mode) and not stat.S_ISREG(mode):
        raise Refused(Refusal.SPECIAL_FILE, "it is no file but a device or the like")
    if info.flag_bits & _ENCRYPTED:
        raise Refused(Refusal.ENCRYPTED, "it is encrypted; have it sent without")
    if info.compress_type not in _METHODS:
        text = f"it is compressed by method {info.compress_type}; only stored and deflated are read"
        raise Refused(Refusal.UNSUPPORTED, text)
    meter.declared(info.file_size)


class _Checked:
    """Reads a member; what is wrong with it is a refusal."""

    def __init__(self, inner: Readable) -> None:
        self._inner = inner

    def read(self, size: int, /) -> bytes:
        """Read up to so many bytes.

        Raises:
            Refused: If it is damaged.
        """
        try:
            return self._inner.read(size)
        except _DAMAGE as error:
            raise damaged(error) from error


def zip_members(
    path: Path, limits: Limits, meter: Meter
) -> Iterator[tuple[str, Readable | Refused]]:
    """Give the name and the content of every member that is no folder.

    Yields:
        A member's name, and what it is read from, or why it is refused.

    Raises:
        Refused: If the zip itself is not to be read.
    """
    directory = _directory_bytes(path, path.stat().st_size)
    if directory > limits.members * _ENTRY_BYTES:
        text = f"its directory of {directory} bytes is one of more than {limits.members} members"
        raise Refused(Refusal.TOO_MANY_MEMBERS, text)
    try:
        archive = zipfile.ZipFile(path)
    except _DAMAGE as error:
        raise damaged(error) from error
    with archive:
        for info in archive.infolist():
            if info.is_dir():
                continue
            meter.member()
            yield info.filename, _member(archive, info, meter)


def _member(archive: zipfile.ZipFile, info: zipfile.ZipInfo, meter: Meter) -> Readable | Refused:
    try:
        _check(info, meter)
        return Metered(_Checked(archive.open(info)), meter)
    except Refused as refused:
        return refused
    except _DAMAGE as error:
        return damaged(error)
