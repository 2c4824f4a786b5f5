"""Bounds of what is taken in: bytes that wait, and events of a key in a second."""

import threading
import time
from collections.abc import Callable


class Budget:
    """Bytes of requests that are in memory; used by the event loop alone.

    Args:
        limit: Bytes at most.
    """

    def __init__(self, limit: int) -> None:
        self.limit, self.used = limit, 0

    def take(self, size: int) -> bool:
        """Take some, where they are to be had."""
        if self.used + size > self.limit:
            return False
        self.used += size
        return True

    def give_back(self, size: int) -> None:
        """Give some back."""
        self.used -= size


class TokenBucket:
    """Events that a key may send: a rate, and what one second of it leaves unused.

    A batch larger than what is left is taken as long as something is left; what follows then waits
    until that is paid. So a limit never makes a batch impossible.

    Args:
        rate: Events in a second, `> 0`.
        clock: Seconds, ascending.
    """

    def __init__(self, rate: int, clock: Callable[[], float] = time.monotonic) -> None:
        self.rate = rate
        self._clock, self._left, self._at = clock, float(rate), clock()
        self._lock = threading.Lock()

    def _fill(self) -> None:
        now = self._clock()
        self._left = min(float(self.rate), self._left + (now - self._at) * self.rate)
        self._at = now

    def wait_s(self) -> float:
        """Give the seconds until something may be sent; 0 for now."""
        with self._lock:
            self._fill()
            return 0.0 if self._left >= 1 else (1 - self._left) / self.rate

    def take(self, events: int) -> float:
        """Take events where anything is left; give the seconds to wait, 0 where they are taken."""
        with self._lock:
            self._fill()
            if self._left < 1:
                return (1 - self._left) / self.rate
            self._left -= events
            return 0.0
