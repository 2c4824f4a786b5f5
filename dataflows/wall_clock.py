"""The wall clock of a process: when it is set back, the process begins anew, in place.

Bytewax calls an idle source again at a time of the wall clock. When that is set back by two hours,
sources that were idle would rest for two hours. Beginning anew is what follows a crash, too.
"""

import os
import sys
import threading
import time
from collections.abc import Callable, Sequence

_LOOK_S = 1.0
BACK_S = 3.0
"""By how much it must have been set back; less is waited for."""


def now_us() -> int:
    """Read the wall clock, microseconds since 1970, UTC: only for ledger entries and progress."""
    return time.time_ns() // 1_000


def offset() -> float:
    """Tell how far the wall clock is ahead of the time since the machine was started, seconds."""
    return time.time() - time.monotonic()


def watch(act: Callable[[], object], look_s: float = _LOOK_S) -> threading.Thread:
    """Look in a thread whether the wall clock is set back, and act when it is.

    Small steps back add up: the farthest the clock ever was ahead is what it is held against.
    """

    def run() -> None:
        ahead = offset()
        while ahead - offset() < BACK_S:
            ahead = max(ahead, offset())
            time.sleep(look_s)
        act()

    thread = threading.Thread(target=run, name="wall-clock", daemon=True)
    thread.start()
    return thread


def begin_anew(module: str, arguments: Sequence[str]) -> None:
    """Replace this process by a new one of the same module; its id and its output stay."""
    sys.stdout.flush()
    sys.stderr.flush()
    os.execv(sys.executable, [sys.executable, "-m", module, *arguments])  # noqa: S606  ourselves
