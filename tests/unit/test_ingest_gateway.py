"""The way of a request to its feed, and its body within bounds of size and time."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError
from starlette.requests import Request

from dataflows.ingest import reading as module
from dataflows.ingest.bodies import Content
from dataflows.ingest.counts import Counts
from dataflows.ingest.gateway import Gateway, choose
from dataflows.ingest.group import GroupCommit, Sent
from dataflows.ingest.keys import ApiKey, Keyring, Sender
from dataflows.ingest.limits import Budget
from dataflows.ingest.problems import Problem
from dataflows.ingest.spool import SpoolLog
from dataflows.sources.http import HttpStream
from tests.laws.feeds import PLAIN, SNAPSHOT

PLATFORM = replace(SNAPSHOT.feeds["platform"], http=True, path="")
PLAIN_FEED = replace(SNAPSHOT.feeds["plain"], http=True, path="")
FOREIGN = replace(PLAIN_FEED, feed_id="foreign", tenant_id="other")
TAKEN = {"platform": PLATFORM, "plain": PLAIN_FEED, "foreign": FOREIGN}
CATALOG = replace(SNAPSHOT, feeds={**SNAPSHOT.feeds, **TAKEN})


def _sender(*feeds: str) -> Sender:
    return Sender(
        ApiKey(id="0" * 8, tenant=PLATFORM.tenant_id, feeds=list(feeds), events_per_s=0,
               hash="-", created="-")
    )  # fmt: skip


@pytest.mark.parametrize(
    ("named", "sender", "found"),
    [
        ("platform", _sender("platform"), "platform"),
        ("", _sender("platform"), "platform"),
        ("", _sender("platform", "pbx"), "platform"),  # the other takes no HTTP
        ("plain", None, "plain"),
        ("", _sender("platform", "plain"), 400),
        ("", _sender("pbx"), 400),
        ("", None, 400),
        ("plain", _sender("platform"), 403),
        ("foreign", _sender("platform", "foreign"), 403),  # of another tenant
        ("pbx", _sender("pbx"), 404),
        ("x" * 10_000, None, 404),
    ],
)
def test_the_feed_of_a_request(named: str, sender: Sender | None, found: str | int) -> None:
    if isinstance(found, str):
        assert choose(CATALOG, named, sender).feed_id == found
        return
    with pytest.raises(Problem) as told:
        choose(CATALOG, named, sender)
    assert told.value.kind.status == found
    assert len(told.value.detail) < 300


def _with_gateway(
    root: Path, work: Callable[[Gateway], Awaitable[None]], queue_bytes: int = 1_000_000
) -> list[Exception]:
    """Run some work against a gateway with a real spool; give the faults that it told."""
    faults: list[Exception] = []

    async def run() -> None:
        loop = asyncio.get_running_loop()
        counts = Counts(root / "ingest.json")
        log = SpoolLog(root / "ingest", 1, 1_000_000)
        group = GroupCommit(log, 100_000, loop, counts.committed, faults.append)
        gateway = Gateway(
            snapshot=lambda: CATALOG, keyring=Keyring(root / "keys.json"), open=True, spool=group,
            topics=group, body_bytes=100_000, budget=Budget(queue_bytes), counts=counts,
        )  # fmt: skip
        try:
            await work(gateway)
            assert gateway.budget.used == 0
        finally:
            await asyncio.to_thread(group.close)

    asyncio.run(run())
    return faults


def _request(pieces: list[bytes], *, hangs: bool = False) -> Request:
    """A request whose body arrives in pieces, and perhaps never ends."""
    left = list(pieces)

    async def receive() -> dict[str, Any]:
        if hangs and not left:
            await asyncio.sleep(3_600)
        body = left.pop(0)
        return {"type": "http.request", "body": body, "more_body": hangs or bool(left)}

    scope = {
        "type": "http", "method": "POST", "path": "/v1/usage", "query_string": b"feed=plain",
        "headers": [(b"content-type", b"application/x-ndjson")],
    }  # fmt: skip
    return Request(scope, receive)


def test_a_body_that_does_not_arrive_gives_its_bytes_back(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "BODY_S", 0.05)

    async def work(gateway: Gateway) -> None:
        with pytest.raises(Problem) as told:
            await gateway.take(_request([b"{"], hangs=True))
        assert told.value.kind.status == 408

    assert _with_gateway(tmp_path, work) == []


def test_what_does_not_fit_into_the_queue_is_refused_as_it_comes(tmp_path: Path) -> None:
    async def work(gateway: Gateway) -> None:
        for pieces, status in (([bytes(600), bytes(600)], 429), ([bytes(60_000)] * 2, 413)):
            gateway.budget.limit = 1_000 if status == 429 else 1_000_000
            with pytest.raises(Problem) as told:
                await gateway.take(_request(pieces))
            assert told.value.kind.status == status

    assert _with_gateway(tmp_path, work) == []


def test_requests_of_one_moment_are_answered_each_for_itself(tmp_path: Path) -> None:
    """Bodies of many senders, good, faulty and unreadable, worked in common."""
    lines = PLAIN.splitlines()

    async def work(gateway: Gateway) -> None:
        bodies = [b"\n".join(lines[:2]), lines[2], b"", PLAIN, lines[0]]
        found = await asyncio.gather(
            *(gateway.take(_request([body])) for body in bodies), return_exceptions=True
        )
        assert [one for one in found if isinstance(one, int)] == [2, 0, 1]
        problems = [one for one in found if isinstance(one, Problem)]
        told = [(one.kind.status, one.more["accepted"], one.more["refused"]) for one in problems]
        assert told == [(422, 0, 1), (422, 2, 4)]
        assert gateway.counts.events["plain"]["accepted"] == 5
        assert gateway.counts.commits <= len(bodies)

    assert _with_gateway(tmp_path, work) == []
    stream = HttpStream(tmp_path / "ingest", "plain", 0, 7)
    records = stream.next(0, rows=100, limit=10_000)
    assert records is not None
    assert records.frames(0, 0).slices() == [*lines[:2], *lines[:2], lines[0]]


def test_a_fault_of_ours_is_told_and_the_next_request_is_served(tmp_path: Path) -> None:
    async def work(gateway: Gateway) -> None:
        broken = replace(PLAIN_FEED, options={"events": "no rules"})
        answer: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        gateway.spool.submit(Sent(broken, "other", PLAIN, Content.LINES, False, {}, None, answer))
        with pytest.raises(Problem) as told:
            await answer
        assert told.value.kind.status == 500
        assert "no rules" not in told.value.detail
        assert await gateway.take(_request([PLAIN.splitlines()[0]])) == 1

    assert [type(one) for one in _with_gateway(tmp_path, work)] == [ValidationError]


def test_a_gateway_that_stops_takes_nothing_and_is_not_ready(tmp_path: Path) -> None:
    async def work(gateway: Gateway) -> None:
        await gateway.check()
        gateway.stopping = True
        for attempt in (gateway.check(), gateway.take(_request([b""]))):
            with pytest.raises(Problem) as told:
                await attempt
            assert told.value.kind.status == 503

    assert _with_gateway(tmp_path, work) == []
