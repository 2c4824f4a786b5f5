"""The kinds of actions there are. A new one is a file, what it is asked, and a line here."""

from collections.abc import Mapping
from typing import Any

from assurance.actions.asked import Asked, Kind, read
from assurance.actions.fold import Action
from cli.actions.block import Blocking
from cli.actions.credit import Crediting
from cli.actions.doing import Doing
from cli.actions.recycle import Recycling
from cli.actions.rerate import Rerating

KINDS: Mapping[Kind, Doing[Any]] = {
    Kind.RECYCLE: Recycling(),
    Kind.RERATE: Rerating(),
    Kind.CREDIT: Crediting(),
    Kind.BLOCK: Blocking(),
}


def asked_of(action: Action) -> Asked:
    """Read what an action was asked to do."""
    return read(action.kind, action.asked)
