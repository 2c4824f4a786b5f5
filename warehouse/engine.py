"""The embedded engine: a real ClickHouse server, out of the chdb-core wheel, in this process.

The wheel's engine opens its own HTTP and native listeners when told to; it listens as long as the
query that opened them runs. That query reads a pipe: the end of the pipe is the shutdown. The entry
point is private to the wheel, so the version is pinned exactly and this module is all that uses it.
"""

import os
import signal
import threading
from pathlib import Path
from types import FrameType

from warehouse.errors import StoreError

_POLL_S = 0.1


def listen(home: Path) -> None:
    """Serve from a prepared home until SIGTERM or SIGINT.

    Args:
        home: Folder with `config.xml`; the data lie in `home/data`.

    Raises:
        StoreError: If the engine is not installed or cannot start: port or folder in use.
    """
    try:
        from chdb import _chdb  # noqa: PLC0415  half a gigabyte: loaded only to serve
    except ImportError as error:
        msg = "the embedded store is not installed: pip install 'tallywire[embedded]'"
        raise StoreError(msg) from error
    os.chdir(home)  # the engine reads config.xml from here
    read_end, write_end = os.pipe()
    stopping, ended = threading.Event(), threading.Event()
    failures: list[str] = []

    def serve() -> None:
        blocking = f"SELECT count() FROM file('/dev/fd/{read_end}', LineAsString, 'line String')"  # noqa: S608
        result = _chdb.query(  # type: ignore[attr-defined]  # the wheel types nothing
            f"SYSTEM START LISTEN QUERIES DEFAULT; {blocking}",
            "TabSeparated",
            path=str(home / "data"),
        )
        if result.has_error() or not result.bytes():
            failures.append(result.error_message() or "see the lines above")
        ended.set()

    def stop(_number: int, _frame: FrameType | None) -> None:
        stopping.set()

    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, stop)
    threading.Thread(target=serve, daemon=True).start()
    while not stopping.wait(_POLL_S) and not ended.is_set():
        pass
    os.close(write_end)
    ended.wait()
    if failures:
        msg = f"the store in {home} could not serve: {failures[0]}"
        raise StoreError(msg)
