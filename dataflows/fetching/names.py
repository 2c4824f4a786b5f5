"""Names: which are packed files, what they are called unpacked, and which are never safe."""

from collections.abc import Set as AbstractSet
from pathlib import PurePosixPath

from dataflows.fetching.refused import Refused
from schemas.refusals import Refusal

ARCHIVES = {
    ".zip": "zip", ".tar": "tar", ".tar.gz": "tar.gz", ".tgz": "tar.gz", ".tar.zst": "tar.zst",
}  # fmt: skip
"""Endings of archives: a member is called `archive.zip/member.csv`."""
COMPRESSED = {".gz": "gz", ".zst": "zst"}
"""Endings of compressed files: `calls.csv.gz` is called `calls.csv` then."""
_LONGEST = 1_024
_FIRST_PRINTABLE = " "


def packing(name: str) -> str:
    """Tell how a file is packed, by its name; empty where it is not.

    >>> packing("a/CDR.TGZ"), packing("calls.csv.gz"), packing("calls.csv")
    ('tar.gz', 'gz', '')
    """
    last = PurePosixPath(name).name.lower()
    for ending, kind in (ARCHIVES | COMPRESSED).items():
        if last.endswith(ending) and kind.startswith("tar"):
            return kind
    ending = PurePosixPath(last).suffix
    return (ARCHIVES | COMPRESSED).get(ending, "") if last != ending else ""


def is_archive(name: str) -> bool:
    """Tell whether a file has members."""
    return packing(name) in ARCHIVES.values()


def unpacked_name(name: str) -> str:
    """Name what a compressed file holds.

    >>> unpacked_name("a/calls.csv.gz")
    'a/calls.csv'
    """
    return name[: -len(PurePosixPath(name).suffix)] if packing(name) in {"gz", "zst"} else name


def beside(archive: str, name: str) -> str:
    """Name a member as if it lay where its archive lies.

    >>> beside("nordvik/day.zip", "nordvik/day.zip/NV001.cdr")
    'nordvik/NV001.cdr'
    """
    return (PurePosixPath(archive).parent / name.removeprefix(f"{archive}/")).as_posix()


def safe_name(name: str) -> str:
    """Give the name of a member of an archive, without a leading `./`.

    Raises:
        Refused: If it leaves its folder, is absolute, of another system, or cannot be shown.
    """
    parts = name.split("/")
    why = ""
    if name.startswith("/") or (len(name) > 1 and name[1] == ":"):
        why = "is absolute"
    elif ".." in parts:
        why = "leaves its folder by .."
    elif "\\" in name or any(letter < _FIRST_PRINTABLE or letter == "\x7f" for letter in name):
        why = "holds a backslash or a control character"
    elif len(name) > _LONGEST or not PurePosixPath(name).name:
        why = "is empty or too long"
    elif not name.isprintable():
        why = "holds characters that cannot be shown"
    if why:
        text = f"the name {name[:100]!r} {why}"
        raise Refused(Refusal.UNSAFE_NAME, text)
    return PurePosixPath(name).as_posix()


def first_time(name: str, seen: AbstractSet[str]) -> None:
    """Make sure that a name is new in its archive.

    Raises:
        Refused: If another member has it.
    """
    if name in seen:
        text = f"two members are called {name}"
        raise Refused(Refusal.NAME_TWICE, text)
