"""Moving and splitting groups of lanes: stop, copy, prove equal, write down the new owner, start.

What is written down in `groups.json` is the commit: a crash before it leaves the old owner, after
it the new one, and the same command finishes what is left.
"""

import hashlib
import shutil
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from dataflows.files import LaneTaken, lock, sync_folder
from dataflows.groups import REST, GroupsWrong, LaneGroup, read_groups, write_groups
from dataflows.services import hold_path
from dataflows.settings import Home

_PATIENCE_S = 60.0
_LOOK_S = 0.1
_LOCK = "lock"


@contextmanager
def stopped(home: Home, group: str, patience_s: float = _PATIENCE_S) -> Iterator[None]:
    """Keep a group from running: a supervisor ends it, nobody starts it again meanwhile.

    Raises:
        LaneTaken: If its process does not end in time.
    """
    path = hold_path(home, group)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.touch()
    held: IO[bytes] | None = None
    try:
        deadline = time.monotonic() + patience_s
        while held is None:
            try:
                held = lock(home.root / "locks" / group, f"the group {group} of {home.root}")
            except LaneTaken:
                if time.monotonic() > deadline:
                    raise
                time.sleep(_LOOK_S)
        yield
    finally:
        if held is not None:
            held.close()
        path.unlink(missing_ok=True)


def group_named(home: Home, name: str) -> LaneGroup:
    """Find a group that lives here.

    Raises:
        GroupsWrong: If there is none of that name.
    """
    groups = {group.name: group for group in read_groups(home)}
    if name not in groups:
        msg = f"there is no group {name} in {home.root}; there are {', '.join(groups)}"
        raise GroupsWrong(msg)
    return groups[name]


def split(home: Home, name: str, lanes: Sequence[str], parts: int) -> list[LaneGroup]:
    """Divide the lanes of a group among several processes; the group must be stopped.

    Each new group resumes from a copy of the recovery folder, and takes from it what its own lanes
    left there. The first keeps the name, and the rest of its kind where it owned that.

    Args:
        lanes: All lanes that the group owns now.
        parts: How many groups there shall be.

    Returns:
        The groups that the one became.

    Raises:
        GroupsWrong: If there are fewer lanes than parts.
    """
    group = group_named(home, name)
    if not 2 <= parts <= len(lanes):
        msg = f"{name} owns {len(lanes)} lanes: it can be split into 2 to {len(lanes)} groups"
        raise GroupsWrong(msg)
    taken = {one.name for one in read_groups(home)}
    names = [name, *_free_names(name, taken, parts - 1)]
    shares = [list(lanes[number::parts]) for number in range(parts)]
    first = [REST] if REST in group.lanes else shares[0]
    made = [
        group.model_copy(update={"name": one, "lanes": share})
        for one, share in zip(names, [first, *shares[1:]], strict=True)
    ]
    recovery = home.recovery(name)
    for new in names[1:]:
        shutil.rmtree(home.recovery(new), ignore_errors=True)
        if recovery.exists():
            copy_proven(recovery, home.recovery(new))
    others = [one for one in read_groups(home) if one.name != name]
    write_groups(home, [*others, *made])
    return made


def _free_names(name: str, taken: set[str], count: int) -> list[str]:
    found: list[str] = []
    number = 2
    while len(found) < count:
        if (one := f"{name}-{number}") not in taken:
            found.append(one)
        number += 1
    return found


@dataclass(frozen=True)
class Moved:
    """What a move carried.

    Attributes:
        files: Files that were copied, each proven equal by its sha256.
        octets: Their bytes.
    """

    files: int
    octets: int


def move(home: Home, group: LaneGroup, lanes: Sequence[str], to: Home) -> Moved:
    """Carry a group to another home; it must be stopped in both.

    Args:
        group: The group as this home knows it.
        lanes: All lanes that it owns now.
        to: The other home, on this machine or on a disk that both see.

    Raises:
        GroupsWrong: If the other home has one of the lanes already.
        OSError: If a copy is not what was copied.
    """
    moved = Moved(0, 0)
    if not group.home:
        moved = _carry(home, group, lanes, to)
        here = group.model_copy(update={"lanes": list(lanes), "home": str(to.root.resolve())})
        rest = [one for one in read_groups(home) if one.name != group.name]
        write_groups(home, [*rest, here])
    elsewhere = [
        one if one.home else one.model_copy(update={"home": str(home.root.resolve())})
        for one in read_groups(home)
        if one.name != group.name
    ]
    known = read_groups(to) if (to.root / "groups.json").exists() else elsewhere
    there = LaneGroup(name=group.name, kind=group.kind, lanes=list(lanes))
    write_groups(to, [*(one for one in known if one.name != group.name), there])
    _set_aside(home, group, lanes)
    return moved


def _carry(home: Home, group: LaneGroup, lanes: Sequence[str], to: Home) -> Moved:
    pairs = [(home.recovery(group.name), to.recovery(group.name))]
    pairs += [(home.lane(group.kind, lane), to.lane(group.kind, lane)) for lane in lanes]
    incoming = to.root / "incoming" / group.name
    shutil.rmtree(incoming, ignore_errors=True)
    for _, target in pairs:
        if target.exists() and any(path.name != _LOCK for path in target.iterdir()):
            msg = f"{target} holds something already: a lane cannot have two pasts"
            raise GroupsWrong(msg)
    files = octets = 0
    for number, (source, _) in enumerate(pairs):
        if source.exists():
            made = copy_proven(source, incoming / str(number))
            files, octets = files + made.files, octets + made.octets
    copy_missing(home.catalogs, to.catalogs)
    for number, (source, target) in enumerate(pairs):
        if source.exists():
            shutil.rmtree(target, ignore_errors=True)
            target.parent.mkdir(parents=True, exist_ok=True)
            (incoming / str(number)).replace(target)
            sync_folder(target.parent)
    shutil.rmtree(incoming, ignore_errors=True)
    return Moved(files, octets)


def _set_aside(home: Home, group: LaneGroup, lanes: Sequence[str]) -> None:
    """Keep what was left behind where nobody takes it for the lane."""
    aside = home.root / "moved" / f"{group.name}-{time.time_ns()}"
    pairs = [(home.recovery(group.name), aside / "recovery")]
    pairs += [(home.lane(group.kind, lane), aside / lane) for lane in lanes]
    for source, target in pairs:
        if source.exists():
            target.parent.mkdir(parents=True, exist_ok=True)
            source.replace(target)


def _files(folder: Path) -> list[Path]:
    return sorted(path.relative_to(folder) for path in folder.rglob("*") if path.is_file())


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def copy_proven(source: Path, target: Path) -> Moved:
    """Copy a folder, and prove that every file of the copy is what was copied.

    Raises:
        OSError: If one is not.
    """
    shutil.copytree(source, target)
    names = _files(source)
    for name in names:
        if _digest(source / name) != _digest(target / name):
            msg = f"{target / name} is not what was copied: look at the disk and try again"
            raise OSError(msg)
    for folder in {target, *(path for path in target.rglob("*") if path.is_dir())}:
        sync_folder(folder)
    return Moved(len(names), sum((source / name).stat().st_size for name in names))


def copy_missing(source: Path, target: Path) -> None:
    """Copy the files of a folder that another does not have."""
    target.mkdir(parents=True, exist_ok=True)
    for name in _files(source):
        if not (target / name).exists():
            (target / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(source / name, target / name)
