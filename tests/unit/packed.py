"""Archives for tests: whole ones, and every kind that nobody should open."""

import gzip
import io
import tarfile
import zipfile
from collections.abc import Mapping
from pathlib import Path

LINES = b"".join(b"%d\n" % number for number in range(200))


def zipped(path: Path, members: Mapping[str, bytes], **options: int) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, **options) as archive:
        for name, content in members.items():
            archive.writestr(zipfile.ZipInfo(name), content, zipfile.ZIP_DEFLATED)
    return path


def zipped_link(path: Path) -> Path:
    link = zipfile.ZipInfo("link.csv")
    link.create_system, link.external_attr = 3, 0o120777 << 16
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr(link, "/etc/passwd")
        archive.writestr("good.csv", LINES)
    return path


def zipped_encrypted(path: Path) -> Path:
    """Python writes none: the flag is set where both headers have it."""
    zipped(path, {"secret.csv": LINES, "good.csv": LINES})
    data = bytearray(path.read_bytes())
    for magic, offset in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        data[data.find(magic) + offset] |= 1
    path.write_bytes(data)
    return path


def tarred(path: Path, members: Mapping[str, bytes], mode: str = "w:gz") -> Path:
    with tarfile.open(path, mode) as archive:
        for name, content in members.items():
            info = tarfile.TarInfo(name)
            info.size = len(content)
            archive.addfile(info, io.BytesIO(content))
    return path


def tarred_with(path: Path, kind: bytes, **fields: object) -> Path:
    """A member of another kind than a file, before a good one."""
    with tarfile.open(path, "w:gz") as archive:
        info = tarfile.TarInfo("bad.csv")
        info.type = kind
        for name, value in fields.items():
            setattr(info, name, value)
        archive.addfile(info)
        good = tarfile.TarInfo("good.csv")
        good.size = len(LINES)
        archive.addfile(good, io.BytesIO(LINES))
    return path


def tar_declaring(path: Path, kind: bytes, size: int) -> Path:
    """A tar whose only header declares a size that nobody has."""
    info = tarfile.TarInfo("bad.csv")
    info.type, info.size = kind, size
    path.write_bytes(info.tobuf(tarfile.GNU_FORMAT) + bytes(1024))
    return path


def bomb(length: int) -> bytes:
    return gzip.compress(bytes(length), 9)
