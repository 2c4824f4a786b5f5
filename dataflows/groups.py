"""Lanes, and the groups in which processes own them.

A group is one process with one recovery folder; it owns lanes of one kind, by name, or the rest of
its kind. A group is what is moved to another machine, and what is split when one core is too few.
"""

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter

from dataflows.files import write_atomic
from dataflows.settings import Home, Settings
from dataflows.sources.log import part_name
from dataflows.sources.streams import lane_of
from dataflows.usage_log.spool import OUTCOMES, USAGE
from tallywire.catalog.snapshot import Feed

COLLECTION, RATING, ENGINE = "collection", "rating", "engine"
REST = "*"
_NAME = r"^[a-z][a-z0-9-]{0,62}$"


class GroupsWrong(ValueError):  # noqa: N818  it says what is the case
    """Groups do not own every lane once."""


class LaneGroup(BaseModel):
    """The lanes of one process.

    Attributes:
        name: Names its process, its recovery folder and its log.
        lanes: Names of lanes; `*` for those that no other group of the kind owns.
        home: Where the group lives now, if it was moved out of this home.
    """

    model_config = ConfigDict(extra="forbid")

    name: Annotated[str, Field(pattern=_NAME)]
    kind: Literal["collection", "rating"]
    lanes: list[str]
    home: str = ""


_FILE = TypeAdapter(list[LaneGroup])
DEFAULT = (
    LaneGroup(name=COLLECTION, kind="collection", lanes=[REST]),
    LaneGroup(name=RATING, kind="rating", lanes=[REST]),
)
"""One process collects, one rates."""


def _path(home: Home) -> Path:
    return home.root / "groups.json"


def read_groups(home: Home) -> list[LaneGroup]:
    """Read the groups of a home.

    Raises:
        GroupsWrong: If the file cannot be read, or two groups have one name.
    """
    path = _path(home)
    if not path.exists():
        return list(DEFAULT)
    try:
        groups = _FILE.validate_json(path.read_bytes())
    except ValueError as error:
        msg = f"{path} cannot be read ({error}): restore it from a backup"
        raise GroupsWrong(msg) from error
    names = [group.name for group in groups]
    if len(set(names)) < len(names):
        msg = f"{path} names a group twice: {', '.join(sorted(names))}"
        raise GroupsWrong(msg)
    return groups


def write_groups(home: Home, groups: Sequence[LaneGroup]) -> None:
    """Write the groups of a home, durably."""
    write_atomic(_path(home), _FILE.dump_json(list(groups), indent=2), durable=True)


def account_lanes(settings: Settings) -> list[str]:
    """Name the lanes that rate: one for each partition of the log, one for its outcomes."""
    usage = [part_name(USAGE, number) for number in range(settings.partitions)]
    return [*usage, part_name(OUTCOMES, 0)]


def collection_lanes(
    settings: Settings, feeds: Iterable[Feed], partitions_of: Callable[[str], int]
) -> dict[str, str]:
    """Name the lanes that collect.

    Args:
        partitions_of: Tells how many partitions a topic has.

    Returns:
        Lane to the id of its feed.
    """
    found: dict[str, str] = {}
    for feed in feeds:
        if feed.path:
            found[feed.feed_id] = feed.feed_id
            continue
        count = partitions_of(feed.topic) if feed.topic else settings.ingest_partitions
        found |= {lane_of(feed.feed_id, number): feed.feed_id for number in range(count)}
    return found


def owned(groups: Sequence[LaneGroup], lanes: Mapping[str, Sequence[str]]) -> dict[str, list[str]]:
    """Give every group its lanes.

    Args:
        lanes: All lanes there are by kind.

    Returns:
        Lanes by group. Groups that live elsewhere own theirs, too.

    Raises:
        GroupsWrong: If a lane has no group or two.
    """
    owner: dict[str, str] = {}
    for group in groups:
        for lane in group.lanes:
            if lane != REST and owner.setdefault(lane, group.name) != group.name:
                msg = f"lane {lane} is owned by the groups {owner[lane]} and {group.name}"
                raise GroupsWrong(msg)
    found: dict[str, list[str]] = {group.name: [] for group in groups}
    for kind, names in lanes.items():
        rest = [group.name for group in groups if group.kind == kind and REST in group.lanes]
        if len(rest) > 1:
            msg = f"the groups {' and '.join(rest)} both own the rest of {kind}"
            raise GroupsWrong(msg)
        for lane in names:
            name = owner.get(lane) or (rest[0] if rest else "")
            if not name:
                msg = f"no group owns lane {lane}: add it to one of {', '.join(found)}"
                raise GroupsWrong(msg)
            found[name].append(lane)
    return found


def matching(lanes: Sequence[str], pattern: str) -> list[str]:
    """Choose lanes by a share such as `0/4`: every fourth, from the first.

    >>> matching(["a", "b", "c"], "0/2")
    ['a', 'c']

    Raises:
        GroupsWrong: If it is no share.
    """
    found = re.fullmatch(r"(\d+)/(\d+)", pattern)
    if found is None or not int(found[1]) < int(found[2]):
        msg = f"{pattern!r} is no share of lanes: write 0/4, 1/4, …"
        raise GroupsWrong(msg)
    return list(lanes[int(found[1]) :: int(found[2])])
