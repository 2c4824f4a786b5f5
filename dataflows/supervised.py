"""What a supervisor says to the processes that it starts, by their environment."""

import os
from collections.abc import Mapping

from warehouse.parent import PARENT

_CAREFUL = "TALLYWIRE_CAREFUL"


def environment(*, careful: bool) -> Mapping[str, str]:
    """Give what a supervisor adds to the environment of a process that it starts."""
    return {PARENT: str(os.getpid()), **({_CAREFUL: "1"} if careful else {})}


def careful() -> bool:
    """Tell whether the last process of this kind died without a word."""
    return bool(os.environ.get(_CAREFUL))
