"""The share of all lanes that a home owns, where many machines divide them among themselves."""

from pathlib import Path

import orjson

from dataflows.files import write_atomic
from dataflows.groups import GroupsWrong
from dataflows.settings import Home


def _path(home: Home) -> Path:
    return home.root / "shares.json"


def shares_of(home: Home) -> dict[str, str]:
    """Read which share of each kind a home owns; nothing where it owns all lanes."""
    path = _path(home)
    found: dict[str, str] = orjson.loads(path.read_bytes()) if path.exists() else {}
    return found


def check_whole(home: Home) -> None:
    """Refuse to work all lanes in a home that owns a share: the others live in other homes.

    A second home that works a lane would begin it anew, from the first record.

    Raises:
        GroupsWrong: If that is so.
    """
    shares = [f"the share {share} of {kind}" for kind, share in shares_of(home).items()]
    if shares:
        msg = (
            f"{home.root} owns {' and '.join(shares)}: it is worked by `tallywire work` with that "
            "share, and what concerns all lanes is not done here"
        )
        raise GroupsWrong(msg)


def hold_share(home: Home, kind: str, share: str) -> None:
    """Hold a share against the one that the home was begun with, or note it for good.

    Raises:
        GroupsWrong: If they differ: the state of lanes lies where they were worked before.
    """
    known = shares_of(home)
    if known.setdefault(kind, share) != share:
        msg = (
            f"{home.root} was begun with the share {known[kind]} of {kind}, not {share}: "
            f"give --share {known[kind]}, and move lanes with `tallywire lanes move`"
        )
        raise GroupsWrong(msg)
    home.root.mkdir(parents=True, exist_ok=True)
    write_atomic(_path(home), orjson.dumps(known), durable=True)
