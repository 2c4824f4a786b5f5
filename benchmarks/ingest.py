"""Usage by HTTP: the gateway against a plain FastAPI on the same server that only reads bodies.

Sender and gateway share the machine's cores. Waits count from when a request was due, so that a slow
answer is not hidden by the requests that waited behind it.
"""

import http.client
import json
import os
import shutil
import statistics
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import psutil
from fastapi import FastAPI, Request, Response

from benchmarks.report import Row, print_sections
from tests.live.gateway import LINES, Gateway, event, http_catalog
from warehouse.server import free_port

OUT = Path("benchmarks/out/ingest")
BATCH = 100
RATE = 20_000
_CONNECTIONS = 8
_OVERLOAD = 80
"""Connections that send as fast as they can: ten times as many."""
_WARM_S = 3.0
_UNPACED = 4_000
"""Batches made beforehand where nothing paces the sender; after them the first come again."""

plain = FastAPI()


@plain.post("/v1/usage", status_code=202)
async def take(request: Request) -> Response:
    """Read a body, and nothing else."""
    await request.body()
    return Response(status_code=202)


@dataclass
class Sent:
    """What came of requests.

    Attributes:
        waits: Seconds from when each was due to its answer.
    """

    waits: list[float] = field(default_factory=list)
    statuses: Counter[int] = field(default_factory=Counter)


def _bodies(worker: int, count: int) -> list[bytes]:
    """Make batches of events that nobody sent before."""
    first = (time.monotonic_ns() // 10**9 * 1_000 + worker) * 10**9
    numbers = range(first, first + count * BATCH, BATCH)
    return [
        b"\n".join(event(number + one, filler="x" * 180) for one in range(BATCH))
        for number in numbers
    ]


def _send(
    port: int, key: str, ready: list[bytes], every_s: float, seconds: float, sent: Sent
) -> None:
    """Send batches on one connection: one each `every_s`, or as fast as answers come."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    head = {"Content-Type": LINES, "X-API-Key": key}
    began = time.perf_counter()
    number = 0
    while (now := time.perf_counter()) - began < seconds:
        due = began + number * every_s if every_s else now
        if due > now:
            time.sleep(due - now)
        connection.request("POST", "/v1/usage", body=ready[number % len(ready)], headers=head)
        answer = connection.getresponse()
        answer.read()
        sent.statuses[answer.status] += 1
        if due - began > min(_WARM_S, seconds / 2):
            sent.waits.append(time.perf_counter() - due)
        number += 1


def load(port: int, key: str, connections: int, rate: int, seconds: float) -> tuple[Sent, float]:
    """Send from several connections at once; give what came, and events accepted a second."""
    every_s = connections * BATCH / rate if rate else 0.0
    made = [Sent() for _ in range(connections)]
    each = int(seconds / every_s) + 1 if rate else _UNPACED // connections
    ready = [_bodies(number, each) for number in range(connections)]
    threads = [
        threading.Thread(target=_send, args=(port, key, bodies, every_s, seconds, sent))
        for bodies, sent in zip(ready, made, strict=True)
    ]
    began = time.perf_counter()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    whole = Sent()
    for one in made:
        whole.waits += one.waits
        whole.statuses += one.statuses
    return whole, whole.statuses[202] * BATCH / (time.perf_counter() - began)


@contextmanager
def _plain() -> Iterator[int]:
    port = free_port()
    server = subprocess.Popen(
        [sys.executable, "-m", "granian", "--interface", "asgi", "--port", str(port),
         "--log-level", "error", "benchmarks.ingest:plain"],
    )  # fmt: skip
    try:
        while True:
            try:
                http.client.HTTPConnection("127.0.0.1", port).connect()
                break
            except OSError:
                time.sleep(0.1)
        yield port
    finally:
        server.terminate()
        server.wait(30)


@contextmanager
def _gateway() -> Iterator[Gateway]:
    gateway = Gateway(OUT, http_catalog(OUT / "catalog"), executes=True)
    try:
        gateway.start()
        yield gateway
    finally:
        gateway.close()


def _watched(pid: int, peak: list[int], ended: threading.Event) -> None:
    process = psutil.Process(pid)
    while not ended.wait(0.1):
        peak.append(process.memory_info().rss)


def main(seconds: float = 20.0) -> None:
    """Measure, print, keep."""
    shutil.rmtree(OUT, ignore_errors=True)
    OUT.mkdir(parents=True)
    with _plain() as port:
        _, floor = load(port, "", _CONNECTIONS, 0, seconds / 2)
    with _gateway() as gateway:
        paced, taken = load(gateway.port, gateway.key, _CONNECTIONS, RATE, seconds)
        _, most = load(gateway.port, gateway.key, _CONNECTIONS, 0, seconds / 2)
        pid = gateway.process.pid if gateway.process else 0
        calm, ended = psutil.Process(pid).memory_info().rss, threading.Event()
        peak = [calm]
        watcher = threading.Thread(target=_watched, args=(pid, peak, ended))
        watcher.start()
        flood, over = load(gateway.port, gateway.key, _OVERLOAD, 0, seconds / 2)
        ended.set()
        watcher.join()
    waits = sorted(paced.waits)
    note = f"batches of {BATCH}, offered {RATE:,} a second, {os.cpu_count()} cores for both sides"
    rows = [
        Row("accepted", "events/s", taken, note),
        Row("answered, half of them", "ms", statistics.median(waits) * 1e3),
        Row("answered, 99 %", "ms", waits[int(len(waits) * 0.99)] * 1e3),
        Row("as fast as it goes", "events/s", most, f"{_CONNECTIONS} connections"),
        Row("floor: FastAPI that reads bodies", "events/s", floor, "same server, same sender"),
        Row("ratio to floor", "", most / floor),
        Row(
            "flood: accepted", "events/s", over, f"{_OVERLOAD} connections, {dict(flood.statuses)}"
        ),
        Row("flood: memory above calm", "MiB", (max(peak) - calm) / 2**20),
    ]
    print_sections({"Usage by HTTP": rows})
    content = [{"what": row.what, "unit": row.unit, "value": row.value} for row in rows]
    (OUT / "ingest.json").write_text(json.dumps(content, indent=2))
