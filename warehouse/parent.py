"""Ending with the process that started this one, where it asks for that by environment."""

import ctypes
import os
import signal

PARENT = "TALLYWIRE_SUPERVISED_BY"
"""Holds the process id of the supervisor."""

_PR_SET_PDEATHSIG = 1


def end_with_parent() -> None:
    """End cleanly when the supervisor dies: the next one must find no orphan that owns anything."""
    parent = os.environ.get(PARENT)
    if not parent:
        return
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGTERM, 0, 0, 0)
    if os.getppid() != int(parent):  # it died before we asked
        os.kill(os.getpid(), signal.SIGTERM)
