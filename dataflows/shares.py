"""The share of all lanes that a home owns, where many machines divide them among themselves."""

import orjson

from dataflows.files import write_atomic
from dataflows.groups import GroupsWrong
from dataflows.settings import Home


def hold_share(home: Home, kind: str, share: str) -> None:
    """Hold a share against the one that the home was begun with, or note it for good.

    Raises:
        GroupsWrong: If they differ: the state of lanes lies where they were worked before.
    """
    path = home.root / "shares.json"
    known = orjson.loads(path.read_bytes()) if path.exists() else {}
    if known.setdefault(kind, share) != share:
        msg = (
            f"{home.root} was begun with the share {known[kind]} of {kind}, not {share}: "
            f"give --share {known[kind]}, and move lanes with `tallywire lanes move`"
        )
        raise GroupsWrong(msg)
    home.root.mkdir(parents=True, exist_ok=True)
    write_atomic(path, orjson.dumps(known), durable=True)
