"""Ranges at which a worker crashes: counted by lane, put aside when they do it again and again.

A crash with a cause of ours or of the data, not of the world, is counted against the range that was
being worked. After some, the lane is put aside: it stands still before that range, with its state
as it was, and the other lanes of the process go on. Nothing is skipped and nothing is lost.

A process that dies without a word cannot say where. It is started again carefully: then each range
is noted before it is worked, and the next death is counted against it.
"""

import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from pydantic import BaseModel, ValidationError

from dataflows.files import write_atomic
from dataflows.lane_progress import LaneProgress
from dataflows.settings import Home

_CRASH, _WORKING = "crash.json", "working"
_LOOK_S = 1.0


class Crash(BaseModel):
    """Crashes at one range of a lane.

    Attributes:
        token: The range.
        count: How often, in a row.
        reason: What the last one said.
        aside: The lane is put aside.
    """

    token: str
    count: int = 0
    reason: str = ""
    aside: bool = False


def read_crash(folder: Path) -> Crash | None:
    """Read what a lane's folder says of crashes."""
    try:
        return Crash.model_validate_json((folder / _CRASH).read_bytes())
    except (FileNotFoundError, ValidationError):
        return None


def note_crash(folder: Path, token: str, reason: str, most: int) -> Crash:
    """Count a crash at a range; the lane is put aside when it was one too many."""
    known = read_crash(folder)
    count = known.count + 1 if known is not None and known.token == token else 1
    crash = Crash(token=token, count=count, reason=reason, aside=count >= most)
    write_atomic(folder / _CRASH, crash.model_dump_json().encode(), durable=True)
    return crash


def release(folder: Path) -> Crash | None:
    """Let a lane go on; give what it was put aside for."""
    crash = read_crash(folder)
    (folder / _CRASH).unlink(missing_ok=True)
    (folder / _WORKING).unlink(missing_ok=True)
    return crash


class Guard:
    """Watches over the ranges of the lanes of one kind in one process.

    Args:
        kind: `collection` or `rating`.
        most: Crashes at one range after which its lane is put aside; 0 never.
        careful: Note each range before it is worked.
    """

    def __init__(self, home: Home, kind: str, most: int, *, careful: bool) -> None:
        self._home, self._kind, self._most, self._careful = home, kind, most, careful
        self._asides: dict[str, tuple[float, Crash | None]] = {}

    def _folder(self, lane: str) -> Path:
        return self._home.lane(self._kind, lane)

    def opened(self, lane: str) -> None:
        """Count the death of the last process, where it left a note."""
        note = self._folder(lane) / _WORKING
        if note.exists() and self._most:
            reason = "the process died while it worked this range"
            note_crash(self._folder(lane), note.read_text(), reason, self._most)
        note.unlink(missing_ok=True)

    def aside(self, lane: str, figures: LaneProgress) -> bool:
        """Tell whether a lane is put aside; looked at once a second, so that it can be released."""
        if not self._most:
            return False
        now = time.monotonic()
        looked, crash = self._asides.get(lane, (-_LOOK_S, None))
        if now - looked >= _LOOK_S:
            crash = read_crash(self._folder(lane))
            self._asides[lane] = (now, crash)
            figures.crashes = crash.count if crash else 0
            figures.quarantined = bool(crash and crash.aside)
            figures.quarantined_range = crash.token if crash and crash.aside else ""
        return figures.quarantined

    def put_aside(self, lane: str, place: str, reason: str) -> bool:
        """Put a lane aside at once; tell whether lanes are put aside here at all."""
        if not self._most:
            return False
        note_crash(self._folder(lane), place, reason, most=1)
        self._asides.pop(lane, None)
        return True

    @contextmanager
    def working(self, lane: str, token: str) -> Iterator[None]:
        """Work a range: an exception that the world did not cause is counted against it."""
        folder = self._folder(lane)
        if self._careful:
            write_atomic(folder / _WORKING, token.encode(), durable=True)
        try:
            yield
        except (OSError, MemoryError):
            raise
        except Exception as error:
            if self._most:
                note_crash(folder, token, f"{type(error).__name__}: {error}", self._most)
            raise
        finally:
            if self._careful:
                with suppress(OSError):
                    (folder / _WORKING).unlink(missing_ok=True)
