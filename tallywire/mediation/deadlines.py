"""Which of many is due first: a heap of instants, in which what has moved is left behind."""

from collections.abc import Iterator
from heapq import heapify, heappop, heappush


class Deadlines:
    """Keys by the instant after which each is due.

    Args:
        due: Key and instant of each.
    """

    def __init__(self, due: Iterator[tuple[str, int]]) -> None:
        self._now = dict(due)
        self._heap = [(instant, key) for key, instant in self._now.items()]
        heapify(self._heap)

    def put(self, key: str, instant: int) -> None:
        """Set or move the deadline of a key."""
        self._now[key] = instant
        heappush(self._heap, (instant, key))

    def drop(self, key: str) -> None:
        """Forget a key."""
        self._now.pop(key, None)

    def passed(self, moment: int) -> list[tuple[int, str]]:
        """Take out what is due before a moment: instants and keys, by instant."""
        found = []
        while self._heap and self._heap[0][0] < moment:
            instant, key = heappop(self._heap)
            if self._now.get(key) == instant:
                del self._now[key]
                found.append((instant, key))
        return found
