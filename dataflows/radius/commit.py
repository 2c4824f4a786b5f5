"""Group commit of packets: those that wait at one moment are synced together, then answered.

One thread does it, so that packets are received while others are synced. A packet that could not be
made durable gets no answer: its sender sends it again.
"""

import queue
import socket
import threading
import time
from collections import defaultdict
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Any, NamedTuple

from dataflows.ingest.log import IngestLog, Keyed, LogUnavailable
from dataflows.radius.clients import Client
from dataflows.radius.counts import ACCEPTED, STATUS, UNAVAILABLE, Counts
from dataflows.radius.recent import Name, Recent
from tallywire.catalog.snapshot import Feed
from tallywire.mediation.radius.packet import Packet, answer

_GROUP_BYTES = 4 * 1024 * 1024


class Waiting(NamedTuple):
    """A proven packet that waits to be durable.

    Attributes:
        peer: Whence it came, as the socket says it.
        record: What is kept of it; a Status-Server keeps nothing.
    """

    client: Client
    packet: Packet
    peer: Any
    name: Name
    record: Keyed | None


class Committer:
    """The thread that makes packets durable and answers them.

    Args:
        spool, topics: Logs of feeds without and with a topic.
        answers: Socket that answers are sent by.
        fault: Told of a fault of our own, and that a log is unavailable.
    """

    def __init__(
        self, spool: IngestLog, topics: IngestLog, answers: socket.socket, recent: Recent,
        counts: Counts, fault: Callable[[Exception], None],
    ) -> None:  # fmt: skip
        self._spool, self._topics, self._answers = spool, topics, answers
        self._recent, self._counts, self._fault = recent, counts, fault
        self._queue: queue.SimpleQueue[list[Waiting] | None] = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._run, name="radius-commit", daemon=True)
        self._thread.start()

    def submit(self, packets: list[Waiting]) -> None:
        """Queue packets; each is answered when it is durable."""
        self._queue.put(packets)

    def close(self) -> None:
        """Work what is queued, then end the thread and close the logs."""
        self._queue.put(None)
        self._thread.join()
        self._spool.close()
        self._topics.close()

    def _run(self) -> None:
        while (first := self._queue.get()) is not None:
            began = time.monotonic()
            group, ends = self._group(first)
            by_feed: dict[str, list[Waiting]] = defaultdict(list)
            for one in group:
                by_feed[one.client.feed.feed_id].append(one)
            for members in by_feed.values():
                self._settle(members)
            self._counts.commits += 1
            self._counts.commit_s += time.monotonic() - began
            if ends:
                return

    def _group(self, first: list[Waiting]) -> tuple[list[Waiting], bool]:
        """Take what waits, up to a bound on its bytes; tell whether the end was met."""
        group = first
        size = sum(len(one.packet.raw) for one in group)
        while size < _GROUP_BYTES:
            try:
                following = self._queue.get_nowait()
            except queue.Empty:
                break
            if following is None:
                return group, True
            group += following
            size += sum(len(one.packet.raw) for one in following)
        return group, False

    def _settle(self, members: Sequence[Waiting]) -> None:
        """Make the packets of one feed durable, then answer them."""
        kept = self._kept(members)
        for one in members:
            self._counts.given_bytes += len(one.packet.raw)
            if not kept:
                self._recent.forget(one.name)
                self._counts.settled[UNAVAILABLE] += 1
                continue
            self._counts.settled[STATUS if one.record is None else ACCEPTED] += 1
            said = answer(one.packet, one.client.secret)
            if one.record is not None:
                self._recent.answered(one.name, said)
            with suppress(OSError):  # it is sent again, and answered then
                self._answers.sendto(said, one.peer)

    def _kept(self, members: Sequence[Waiting]) -> bool:
        feed: Feed = members[0].client.feed
        log = self._topics if feed.topic else self._spool
        records = [one.record for one in members if one.record is not None]
        try:
            if records:
                log.append(feed, records)
            else:
                log.check()
        except LogUnavailable as error:
            self._fault(error)
            return False
        except Exception as error:  # noqa: BLE001  a fault of ours costs one group, not the listener
            self._fault(error)
            return False
        return True
