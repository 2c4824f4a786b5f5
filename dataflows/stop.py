"""The stop flag: a signal sets it, sources end their stream, the last snapshot is written."""

import signal
import threading
from types import FrameType

_stopping = threading.Event()


def stopping() -> bool:
    """Tell whether the process was asked to stop."""
    return _stopping.is_set()


def wait(seconds: float) -> bool:
    """Wait, but not beyond a request to stop; tell whether there was one."""
    return _stopping.wait(seconds)


def _request(_number: int, _frame: FrameType | None) -> None:
    _stopping.set()


def listen() -> None:
    """Let SIGTERM and SIGINT ask for a clean end."""
    _stopping.clear()
    signal.signal(signal.SIGTERM, _request)
    signal.signal(signal.SIGINT, _request)
