"""The format of a home: what lies in it and how, and the steps from one format to the next.

A change to what a restart reads (journals, snapshots, ledgers, the usage log) that the code before
could not have written gets a new format, and a step that brings a home there. Steps run once, in
order, before the workers start; the format is written after each, durably. A step that was killed
is run again, so it must be fit for that.
"""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import orjson

from dataflows.files import write_atomic
from dataflows.settings import Home

FORMAT = 2
"""What this version writes, and the newest that it reads."""
LAYOUT = "layout.json"

Step = Callable[[Home], None]


def _as_it_is(_home: Home) -> None:
    """Leave a home of format 1: of what format 2 knows it has no numbered sessions, no open parts.

    What it has is read as before; the version before could not read what this one adds.
    """


STEPS: Mapping[int, Step] = {1: _as_it_is}
"""By the format that it begins with: what brings a home to the next one."""


class HomeTooNew(ValueError):  # noqa: N818  it says what is the case
    """A newer version has worked this home; ours would misread it."""


def format_of(path: Path, layout: Mapping[str, Any]) -> int:
    """Give the format that a layout tells; one that tells none is of format 1.

    Raises:
        HomeTooNew: If this version does not know it.
    """
    found = int(layout.get("format", 1))
    if found > FORMAT:
        msg = (
            f"{path.parent.parent} is of format {found}, this version of Tallywire knows formats "
            f"up to {FORMAT}: run the version that worked it last, or a newer one"
        )
        raise HomeTooNew(msg)
    return found


def check_format(home: Home) -> None:
    """Make sure that this version knows the format of a home that it does not bring further.

    Raises:
        HomeTooNew: If it does not.
        OSError: If the home cannot be read.
    """
    path = home.spool / LAYOUT
    if path.exists():
        format_of(path, orjson.loads(path.read_bytes()))


def upgrade(home: Home, steps: Mapping[int, Step] = STEPS, wanted: int = FORMAT) -> int:
    """Bring a home to this version's format; whoever calls holds its run lock.

    Args:
        home: It may be empty, which is of every format.
        steps: By the format that they begin with.
        wanted: The format to reach.

    Returns:
        How many steps were made.

    Raises:
        HomeTooNew: If a newer version has worked it.
        OSError: If it cannot be read or written.
    """
    path = home.spool / LAYOUT
    if not path.exists():
        return 0
    layout: dict[str, Any] = orjson.loads(path.read_bytes())
    found = format_of(path, layout)
    for number in range(found, wanted):
        steps[number](home)
        layout["format"] = number + 1
        write_atomic(path, orjson.dumps(layout), durable=True)
    return wanted - found
