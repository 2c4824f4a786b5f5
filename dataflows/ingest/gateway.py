"""The way of a request: whose it is, which feed, its body within bounds, then the group commit."""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from starlette.requests import Request

from dataflows.ingest import problems
from dataflows.ingest.bodies import attributes_of, compressed, content_of
from dataflows.ingest.counts import ACCEPTED, Counts
from dataflows.ingest.group import GroupCommit, Sent, rate_limited
from dataflows.ingest.judge import Verdict
from dataflows.ingest.keys import Keyring, Sender
from dataflows.ingest.limits import Budget
from dataflows.ingest.log import LogUnavailable
from dataflows.ingest.problems import Problem
from dataflows.ingest.reading import Reading
from tallywire.catalog.snapshot import Feed, Snapshot

Answer = asyncio.Future[Sequence[Verdict]]

_RETRY_S = 1
_CHECKED_S = 1.0
_BEARER = "bearer "


@dataclass
class Gateway:
    """Everything that requests share; used by the event loop alone.

    Attributes:
        snapshot: Gives the catalogue in use.
        open: Requests without a key are taken.
        spool, topics: Group commits of feeds without and with a topic.
        body_bytes: Largest body.
        budget: Bytes of bodies that may be in memory.
        stopping: Nothing new is begun.
    """

    snapshot: Callable[[], Snapshot]
    keyring: Keyring
    open: bool
    spool: GroupCommit
    topics: GroupCommit
    body_bytes: int
    budget: Budget
    counts: Counts
    stopping: bool = False
    _checked: tuple[float, str] = (float("-inf"), "")
    _checking: asyncio.Lock = field(default_factory=asyncio.Lock)

    async def take(self, request: Request) -> int:
        """Take the usage of a request; give how many records were accepted, all durable.

        Raises:
            Problem: If it was not taken, or not wholly.
        """
        reading = Reading(request.receive, self.body_bytes, self.budget)
        try:
            feed, answer = await self._submitted(request, reading)
            return self._told(feed, await answer)
        except Problem:
            await reading.discard()
            raise
        finally:
            reading.give_back()

    async def _submitted(self, request: Request, reading: Reading) -> tuple[Feed, Answer]:
        """Bring a request into the group commit of its feed."""
        if self.stopping:
            detail = "the gateway is stopping; send the request again"
            raise Problem(problems.STOPPING, detail, retry_after_s=_RETRY_S)
        sender = await self._sender(request)
        snapshot = self.snapshot()
        feed = choose(snapshot, request.query_params.get("feed", ""), sender)
        attributes = attributes_of(request.headers.items())
        content = content_of(request.headers.get("content-type", ""), binary=bool(attributes))
        gzipped = compressed(request.headers.get("content-encoding", ""))
        bucket = sender.bucket if sender else None
        if bucket and (wait := bucket.wait_s()):
            raise rate_limited(wait)
        body = await reading.read(int(request.headers.get("content-length") or 0))
        self.counts.body_bytes += len(body)
        answer: Answer = asyncio.get_running_loop().create_future()
        sent = Sent(feed, snapshot.hash, body, content, gzipped, attributes, bucket, answer)
        (self.topics if feed.topic else self.spool).submit(sent)
        return feed, answer

    async def _sender(self, request: Request) -> Sender | None:
        authorization = request.headers.get("authorization", "")
        presented = request.headers.get("x-api-key", "")
        if authorization[: len(_BEARER)].lower() == _BEARER:
            presented = authorization[len(_BEARER) :].strip()
        if presented:
            return await self.keyring.sender(presented)
        if self.open:
            return None
        raise Problem(
            problems.KEY_MISSING, "send a key: `Authorization: Bearer KEY` or `X-API-Key`"
        )

    def _told(self, feed: Feed, verdicts: Sequence[Verdict]) -> int:
        """Count what became of the records, and say what was refused."""
        refused = [(index, verdict) for index, verdict in enumerate(verdicts) if verdict.reason]
        accepted = len(verdicts) - len(refused)
        counted = self.counts.events[feed.feed_id]
        counted[ACCEPTED] += accepted
        counted.update(verdict.reason for _, verdict in refused)
        if not refused:
            return accepted
        listed = [
            {"index": index, "reason": verdict.reason, "detail": verdict.detail}
            for index, verdict in refused[: problems.LISTED]
        ]
        detail = (
            f"{len(refused)} of {len(verdicts)} records are no usage of feed {feed.feed_id}; the "
            "others are accepted and durable: correct those listed and send them again"
        )
        more = {"accepted": accepted, "refused": len(refused), "errors": listed}
        raise Problem(problems.RECORDS_REFUSED, detail, more=more)

    async def check(self) -> None:
        """Find out whether usage can be made durable now; asked often, it looks once a second.

        Raises:
            Problem: If it cannot.
        """
        if self.stopping:
            raise Problem(problems.STOPPING, "the gateway is stopping")
        async with self._checking:
            now = asyncio.get_running_loop().time()
            if now - self._checked[0] > _CHECKED_S:
                self._checked = (now, await asyncio.to_thread(self._look))
        if self._checked[1]:
            raise Problem(problems.LOG_UNAVAILABLE, self._checked[1], retry_after_s=_RETRY_S)

    def _look(self) -> str:
        feeds = [feed for feed in self.snapshot().feeds.values() if feed.http]
        logs = {True: self.topics.log, False: self.spool.log}
        try:
            for kind in sorted({bool(feed.topic) for feed in feeds}):
                logs[kind].check()
        except LogUnavailable as error:
            return str(error)
        return ""


def choose(snapshot: Snapshot, named: str, sender: Sender | None) -> Feed:
    """Find the feed of a request: the one it names, or the only one there can be.

    Args:
        named: What the request says; may be empty.
        sender: Whose request it is; `None` where no key is needed.

    Raises:
        Problem: If there is no such feed, or it is not the sender's.
    """
    taken: Mapping[str, Feed] = {name: feed for name, feed in snapshot.feeds.items() if feed.http}
    if sender is None:
        allowed = set(taken)
    else:
        allowed = {
            name for name in sender.key.feeds
            if name in taken and taken[name].tenant_id == sender.key.tenant
        }  # fmt: skip
    if named:
        if named not in taken:
            detail = f"the catalogue in use has no feed {named[:80]!r} that takes HTTP"
            raise Problem(problems.FEED_UNKNOWN, detail)
        if named not in allowed:
            raise Problem(problems.FEED_NOT_ALLOWED, f"the key may not send to feed {named!r}")
        return taken[named]
    if len(allowed) != 1:
        detail = f"say which feed this is with ?feed=ID: {', '.join(sorted(allowed)) or 'none yet'}"
        raise Problem(problems.FEED_NOT_NAMED, detail)
    return taken[allowed.pop()]
