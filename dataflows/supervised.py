"""What a process does that a supervisor has started: it ends with it, and is careful when asked."""

import ctypes
import os
import signal
from collections.abc import Mapping

PARENT, CAREFUL = "TALLYWIRE_SUPERVISED_BY", "TALLYWIRE_CAREFUL"
_PR_SET_PDEATHSIG = 1


def environment(*, careful: bool) -> Mapping[str, str]:
    """Give what a supervisor adds to the environment of a process that it starts."""
    return {PARENT: str(os.getpid()), **({CAREFUL: "1"} if careful else {})}


def careful() -> bool:
    """Tell whether the last process of this kind died without a word."""
    return bool(os.environ.get(CAREFUL))


def end_with_parent() -> None:
    """End cleanly when the supervisor dies: the next one must find no orphan that owns lanes."""
    parent = os.environ.get(PARENT)
    if not parent:
        return
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGTERM, 0, 0, 0)
    if os.getppid() != int(parent):  # it died before we asked
        os.kill(os.getpid(), signal.SIGTERM)
