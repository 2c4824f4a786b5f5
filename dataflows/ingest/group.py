"""Group commit: requests that wait at one moment are decoded, written and synced together.

One thread does it for one log, so the event loop stays free, and each sync serves everybody who
waits. The fuller the queue, the larger the groups and the less each record costs.
"""

import asyncio
import queue
import threading
import time
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from dataflows.ingest import problems
from dataflows.ingest.bodies import Content, decompressed, records_of
from dataflows.ingest.judge import Verdict, judge
from dataflows.ingest.limits import TokenBucket
from dataflows.ingest.log import IngestLog, Keyed, LogUnavailable
from dataflows.ingest.problems import Problem
from tallywire.catalog.snapshot import Feed

_GROUP_BYTES = 4 * 1024 * 1024
_RETRY_S = 2


@dataclass(frozen=True)
class Sent:
    """A request whose body has arrived.

    Attributes:
        catalog: Hash of the catalogue that the feed is from.
        gzipped: The body is compressed.
        attributes: Of a CloudEvent in binary mode.
        bucket: Of a key with a limit.
        answer: Gets the verdicts, or the problem.
    """

    feed: Feed
    catalog: str
    body: bytes
    content: Content
    gzipped: bool
    attributes: Mapping[str, str]
    bucket: TokenBucket | None
    answer: "asyncio.Future[Sequence[Verdict]]"


@dataclass
class _Opened:
    sent: Sent
    records: list[bytes]
    outcome: Sequence[Verdict] | Problem = field(default_factory=list)


class GroupCommit:
    """The thread of one log.

    Args:
        log: Where records go.
        body_bytes: Bytes that a body may have when it is decompressed.
        loop: The event loop, to which answers go back.
        committed: Told there how many seconds a group took.
        fault: Told here, by the thread, of a fault of our own, and that the log is unavailable.
    """

    def __init__(
        self, log: IngestLog, body_bytes: int, loop: asyncio.AbstractEventLoop,
        committed: Callable[[float], None], fault: Callable[[Exception], None],
    ) -> None:  # fmt: skip
        self.log = log
        self._body_bytes, self._loop = body_bytes, loop
        self._committed, self._fault = committed, fault
        self._queue: queue.SimpleQueue[Sent | None] = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._run, name="ingest-commit", daemon=True)
        self._thread.start()

    def submit(self, sent: Sent) -> None:
        """Queue a request; its `answer` comes when it is durable."""
        self._queue.put(sent)

    def close(self) -> None:
        """Work what is queued, then end the thread and close the log."""
        self._queue.put(None)
        self._thread.join()
        self.log.close()

    def _run(self) -> None:
        while (first := self._queue.get()) is not None:
            began = time.monotonic()
            group, ends = self._group(first)
            for feed, members in _by_feed(group):
                self._commit(feed, members)
            self._loop.call_soon_threadsafe(self._settle, group, time.monotonic() - began)
            if ends:
                return

    def _group(self, first: Sent) -> tuple[list[_Opened], bool]:
        """Open what waits, up to a bound on its plain bytes; tell whether the end was met."""
        group: list[_Opened] = []
        size, sent = 0, first
        while True:
            opened = self._open(sent)
            group.append(opened)
            size += sum(map(len, opened.records)) + len(sent.body)
            if size >= _GROUP_BYTES:
                return group, False
            try:
                following = self._queue.get_nowait()
            except queue.Empty:
                return group, False
            if following is None:
                return group, True
            sent = following

    def _open(self, sent: Sent) -> _Opened:
        """Cut a body into records; what cannot be is answered with a problem."""
        opened = _Opened(sent, [])
        try:
            body = decompressed(sent.body, self._body_bytes) if sent.gzipped else sent.body
            opened.records = records_of(body, sent.content, sent.attributes)
            wait = sent.bucket.take(len(opened.records)) if sent.bucket else 0
            if wait:
                opened.records = []
                raise rate_limited(wait)  # noqa: TRY301  one way to answer
        except Problem as problem:
            opened.outcome = problem
        except Exception as error:  # noqa: BLE001  a fault of ours costs one request, not the gateway
            opened.outcome = self._internal(error)
        return opened

    def _internal(self, error: Exception) -> Problem:
        self._fault(error)
        detail = "the request was not done, or only in part; sending it again is harmless"
        return Problem(problems.INTERNAL, detail)

    def _commit(self, feed: Feed, members: list[_Opened]) -> None:
        """Judge the records of one feed, keep the good ones, note what became of each request."""
        records = [record for one in members for record in one.records]
        try:
            verdicts = judge(records, feed, self.log.longest)
            kept = [
                Keyed(verdict.key, record)
                for verdict, record in zip(verdicts, records, strict=True)
                if not verdict.reason
            ]
            if kept:
                self.log.append(feed, kept)
        except LogUnavailable as error:
            self._fault(error)
            outcome = Problem(problems.LOG_UNAVAILABLE, f"{error}; send the request again",
                              retry_after_s=_RETRY_S)  # fmt: skip
            _all(members, outcome)
        except Exception as error:  # noqa: BLE001  as in _open
            _all(members, self._internal(error))
        else:
            start = 0
            for one in members:
                one.outcome = verdicts[start : start + len(one.records)]
                start += len(one.records)

    def _settle(self, group: list[_Opened], seconds: float) -> None:
        """Answer, in the event loop; a sender that went away needs no answer."""
        self._committed(seconds)
        for one in group:
            if one.sent.answer.done():
                continue
            if isinstance(one.outcome, Problem):
                one.sent.answer.set_exception(one.outcome)
            else:
                one.sent.answer.set_result(one.outcome)


def rate_limited(wait_s: float) -> Problem:
    """Refuse what is beyond a key's limit."""
    detail = "the key's limit of events in a second is used up; send again after the time given"
    return Problem(problems.RATE_LIMIT, detail, retry_after_s=wait_s)


def _all(members: Sequence[_Opened], problem: Problem) -> None:
    for one in members:
        one.outcome = problem


def _by_feed(group: Sequence[_Opened]) -> list[tuple[Feed, list[_Opened]]]:
    """Put together what is decoded together: one feed of one catalogue."""
    found: dict[tuple[str, str], list[_Opened]] = defaultdict(list)
    for one in group:
        if not isinstance(one.outcome, Problem):
            found[one.sent.feed.feed_id, one.sent.catalog].append(one)
    return [(members[0].sent.feed, members) for members in found.values()]
