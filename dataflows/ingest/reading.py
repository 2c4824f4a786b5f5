"""Reading a body: within bounds of size, memory and time, and to its end also when it is refused.

A sender that is still writing when its connection is closed may never see why. So what is refused
early is read on and thrown away, up to a bound.
"""

import asyncio

from starlette.requests import ClientDisconnect
from starlette.types import Receive

from dataflows.ingest import problems
from dataflows.ingest.limits import Budget
from dataflows.ingest.problems import Problem

BODY_S = 30.0
"""How long a body may take to arrive, seconds."""
_DISCARD_S = 5.0
_FULL_S = 1


class Reading:
    """The body of one request.

    Args:
        receive: Gives its pieces.
        limit: Bytes that it may have.
        budget: Bytes of bodies that may be in memory.
    """

    def __init__(self, receive: Receive, limit: int, budget: Budget) -> None:
        self._receive, self._limit, self._budget = receive, limit, budget
        self._taken = 0
        self._ended = False

    async def _piece(self) -> bytes:
        message = await self._receive()
        if message["type"] == "http.disconnect":
            self._ended = True
            raise ClientDisconnect
        self._ended = not message.get("more_body", False)
        piece: bytes = message.get("body", b"")
        return piece

    async def read(self, declared: int) -> bytes:
        """Read it; what is declared to be too large is refused before it is read.

        Args:
            declared: Bytes that its header says it has; 0 where it says nothing.

        Raises:
            Problem: If it is too large or too slow, or too much waits already.
            ClientDisconnect: If the sender went away.
        """
        if declared > self._limit:
            raise self._too_large()
        self._take(declared)  # all at once: halves of many bodies would keep each other from ending
        pieces: list[bytes] = []
        size = 0
        try:
            async with asyncio.timeout(BODY_S):
                while not self._ended:
                    piece = await self._piece()
                    size += len(piece)
                    if size > self._limit:
                        raise self._too_large()
                    self._take(max(0, size - self._taken))
                    pieces.append(piece)
        except TimeoutError:
            self._ended = True
            detail = f"the body took longer than {BODY_S:.0f} seconds"
            raise Problem(problems.BODY_TOO_SLOW, detail) from None
        return b"".join(pieces)

    def _take(self, size: int) -> None:
        if not self._budget.take(size):
            detail = "too many bytes wait to be made durable; send the request again"
            raise Problem(problems.QUEUE_FULL, detail, retry_after_s=_FULL_S)
        self._taken += size

    async def discard(self) -> None:
        """Throw away what still comes, up to as much as a body may have."""
        left = self._limit
        try:
            async with asyncio.timeout(_DISCARD_S):
                while not self._ended and left > 0:
                    left -= len(await self._piece())
        except (TimeoutError, ClientDisconnect):
            return

    def give_back(self) -> None:
        """Let go of the memory."""
        self._budget.give_back(self._taken)
        self._taken = 0

    def _too_large(self) -> Problem:
        detail = f"a body has at most {self._limit} bytes; send fewer records at once"
        return Problem(problems.BODY_TOO_LARGE, detail)
