"""The streaming section: usage on a real Kafka broker, rated into the embedded store, on one machine.

Broker, store and workers share the machine's cores, and so does the producer where one runs. Events
are CloudEvents of about 370 bytes. Figures are medians of one run each; ratios are what holds.
"""

import json
import os
import random
import shutil
import signal
import statistics
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Self

import polars as pl
import psutil
from confluent_kafka import Consumer, Producer, TopicPartition
from rich.console import Console
from rich.table import Table

from benchmarks.pipeline import NESTED_EVENT, settle
from benchmarks.workload import write_catalog
from dataflows.settings import Home, Settings
from tests.live.broker import Broker
from warehouse.client import Client, StoreError, opened, told
from warehouse.server import free_port

OUT = Path("benchmarks/out/streaming")
TOPIC = "bench"
PARTITIONS = 4
SUBSCRIBERS = 100_000
_LATENCY_LOOK_S = 0.02
_LOOK_S = 0.5
_SETTLE_S = 15.0
_AT_ONCE = 32_768
_ROWS_AN_INSERT = (
    "SELECT avg(records) FROM lane_ledger WHERE startsWith(lane, 'usage-') AND records > 0"
)
FEED = """- id: events
  format: cloudevents
  topic: bench
  partitioner: none
  service: voice
  served: [{identifier: msisdn, field: a_number}]
  options:
    events:
      - {type: call.completed, service: voice, quantity: data.usage.seconds, unit: seconds, fields: {a_raw: data.parties.from, b_raw: data.parties.to, session_key: data.session.id, cell_id: data.place.cell}}
"""


class Events:
    """Makes events without end, each another call."""

    def __init__(self, prefixes: list[str]) -> None:
        self._chance, self._prefixes = random.Random(7), prefixes
        self.made = 0

    def next(self) -> bytes:
        number, chance = self.made, self._chance
        self.made += 1
        second = number // 25 % 80_000
        caller = 4_790_000_000 + chance.randrange(SUBSCRIBERS)
        called = (chance.choice(self._prefixes) + str(chance.randrange(10**9, 10**10)))[:12]
        return (
            b'{"specversion":"1.0","type":"call.completed","source":"switch/osl-1","id":"c-%012d",'
            b'"time":"2026-10-24T%02d:%02d:%02d.125Z","subject":"%d","datacontenttype":'
            b'"application/json","data":{"session":{"id":"s%010d","leg":"a"},"parties":{"from":'
            b'"+%d","to":"+%b"},"usage":{"seconds":%d,"answered":true},"place":{"cell":"24299-%d",'
            b'"rat":"NR"},"cause":{"q850":16,"text":"normal clearing"}}}'
            % (
                number, second // 3600, second // 60 % 60, second % 60, caller, number, caller,
                called.encode(), chance.randrange(1, 600), number % 997,
            )
        )  # fmt: skip


def _producer(broker: Broker) -> Producer:
    return Producer(
        {
            "bootstrap.servers": broker.address,
            "linger.ms": 20,
            "compression.type": "lz4",
            "acks": "all",
            "queue.buffering.max.messages": 1_000_000,
        }
    )


def produce(broker: Broker, events: Events, count: int, per_message: int) -> None:
    """Put events on the topic, as fast as it takes them."""
    out = _producer(broker)
    for number in range(count // per_message):
        found = [events.next() for _ in range(per_message)]
        value = found[0] if per_message == 1 else b"[" + b",".join(found) + b"]"
        while True:
            try:
                out.produce(TOPIC, value, partition=number % PARTITIONS)
                break
            except BufferError:
                out.poll(0.05)
    out.flush()


def pace(
    broker: Broker, events: Events, rate: int, seconds: float, stop: threading.Event
) -> list[tuple[int, float]]:
    """Put events on the topic at a rate; give how many were sent by when."""
    out, sent, marks = _producer(broker), 0, []
    began = time.time()
    while (now := time.time()) - began < seconds and not stop.is_set():
        due = int((now - began) * rate)
        for _ in range(due - sent):
            out.produce(TOPIC, events.next(), partition=sent % PARTITIONS)
            sent += 1
        out.poll(0)
        marks.append((sent, time.time()))
        time.sleep(0.005)
    out.flush()
    return marks


class Product:
    """`tallywire up` on a home of its own."""

    def __init__(self, name: str, broker: Broker, catalog: Path, **settings: str) -> None:
        self.home = OUT / name
        shutil.rmtree(self.home, ignore_errors=True)
        self.settings = Settings(home=self.home, store_memory_bytes=3_000_000_000)
        self._catalog = catalog
        self._environment = {
            **os.environ,
            "TALLYWIRE_KAFKA": broker.address,
            "TALLYWIRE_PUBLISH": '["alerts"]',
            "TALLYWIRE_METRICS_PORT": "0",
            "TALLYWIRE_STORE_MEMORY_BYTES": "3000000000",
            **{f"TALLYWIRE_{key.upper()}": value for key, value in settings.items()},
        }
        self.process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def start(self) -> None:
        self.home.mkdir(parents=True, exist_ok=True)
        with (self.home / "up.log").open("ab") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "cli.main", "up", "--home", str(self.home),
                 "--catalog", str(self._catalog)],
                env=self._environment, stdout=log, stderr=log,
            )  # fmt: skip

    def stop(self) -> None:
        if self.process is not None:
            self.process.send_signal(signal.SIGTERM)
            self.process.wait(90)
            self.process = None

    def _pid(self, name: str) -> int:
        content = json.loads((Home(self.home).progress / "supervisor.json").read_text())
        return int(content["processes"][name]["pid"])

    def cpu(self) -> dict[str, float]:
        """CPU seconds of each process so far."""
        return {name: _cpu(self._pid(name)) for name in ("collection", "rating", "store")}

    def copying_floor(self) -> float:
        """CPU seconds the store takes to copy all rated rows within itself, merges included."""
        where = ("", Home(self.home).store)
        with opened(*where, database=self.settings.database, role="owner") as owner:
            settle(owner)
            owner.command("CREATE TABLE copied AS rated_events")
            before = _cpu(self._pid("store"))
            owner.command(
                "INSERT INTO copied SELECT * FROM rated_events",
                settings={"max_block_size": 131_072, "min_insert_block_size_rows": 131_072,
                          "max_insert_threads": 1, "max_threads": 1},
            )  # fmt: skip
            settle(owner)
            return _cpu(self._pid("store")) - before

    @contextmanager
    def store(self) -> Iterator[Client]:
        while True:
            try:
                where = ("", Home(self.home).store)
                with opened(*where, database=self.settings.database, role="reader") as client:
                    with told("the store"):
                        _count(client)
                    yield client
                    return
            except StoreError:  # it starts, or its tables are being made
                time.sleep(0.2)


def _cpu(pid: int) -> float:
    used = psutil.Process(pid).cpu_times()
    return used.user + used.system


def _count(client: Client) -> int:
    return int(client.query("SELECT count() FROM rated_events").result_rows[0][0])


def throughput(name: str, broker: Broker, catalog: Path, count: int) -> dict[str, Any]:
    """Rate everything that lies on the topic; from the first visible row to the last."""
    seen: list[tuple[float, int]] = []
    with Product(name, broker, catalog) as product, product.store() as client:
        while not seen or seen[-1][1] < count:
            rows = _count(client)
            if rows and not seen:
                before = {**product.cpu(), "broker": _cpu(broker.pid)}
            if rows:
                seen.append((time.time(), rows))
            time.sleep(_LOOK_S)
        after = {**product.cpu(), "broker": _cpu(broker.pid)}
        floor = _reading_floor(broker, count) | {"store": product.copying_floor() / count * 1e9}
    seconds, rows = seen[-1][0] - seen[0][0], seen[-1][1] - seen[0][1]
    most = (os.cpu_count() or 1) / sum(floor.values()) * 1e9
    return {
        "events": count, "seconds": seconds, "events_per_s": rows / seconds,
        "cpu_ns": {key: (after[key] - before[key]) / rows * 1e9 for key in after},
        "floor_cpu_ns": floor, "floor_events_per_s": most, "ratio": rows / seconds / most,
    }  # fmt: skip


def _reading_floor(broker: Broker, count: int) -> dict[str, float]:
    """CPU of plain libraries that read the topic and decode its JSON, nanoseconds an event."""
    consumer = Consumer(
        {"bootstrap.servers": broker.address, "group.id": "floor", "enable.auto.commit": False}
    )
    consumer.assign([TopicPartition(TOPIC, number, 0) for number in range(PARTITIONS)])
    spent, events = {"consume": 0.0, "decode": 0.0}, 0
    while events < count:
        began = time.process_time()
        messages = consumer.consume(_AT_ONCE, 1.0)
        values = [message.value() for message in messages if message.error() is None]
        read = time.process_time()
        spent["consume"] += read - began
        lines = b"\n".join(values)  # type: ignore[arg-type]  # none of ours is absent
        if values and values[0][:1] == b"[":  # type: ignore[index]  # as above
            lines = b"\n".join(value[1:-1].replace(b"},{", b"}\n{") for value in values)  # type: ignore[union-attr,index]  # as above
        read = time.process_time()
        events += pl.read_ndjson(lines, schema=NESTED_EVENT).height if values else 0
        spent["decode"] += time.process_time() - read
    consumer.close()
    return {name: seconds / count * 1e9 for name, seconds in spent.items()}


def _visible(client: Client, until: Callable[[int], bool]) -> list[tuple[int, float]]:
    """Look again and again how many rows are there, and when."""
    found = []
    while True:
        rows = _count(client)
        found.append((rows, time.time()))
        if until(rows):
            return found
        time.sleep(_LATENCY_LOOK_S)


def quantiles(sent: list[tuple[int, float]], visible: list[tuple[int, float]]) -> dict[str, float]:
    """Hold when the n-th event was sent against when n rows were there."""
    waits, place = [], 0
    for number, moment in sent:
        while place < len(visible) and visible[place][0] < number:
            place += 1
        if place < len(visible):
            waits.append(visible[place][1] - moment)
    waits.sort()
    return {
        "p50_s": statistics.median(waits), "p99_s": waits[int(len(waits) * 0.99)],
        "max_s": waits[-1],
    }  # fmt: skip


def latency(
    name: str, broker: Broker, catalog: Path, events: Events, rate: int, seconds: float
) -> dict[str, Any]:
    """Arrival to visible row, at a steady rate, once the workers have started and caught up."""
    stop, sent = threading.Event(), list[tuple[int, float]]()
    with Product(name, broker, catalog) as product, product.store() as client:
        sender = threading.Thread(
            target=lambda: sent.extend(pace(broker, events, rate, seconds, stop))
        )
        sender.start()
        visible = _visible(client, lambda rows: rows > 0)
        settled = visible[-1][1] + _SETTLE_S
        visible += _visible(client, lambda _rows: time.time() > settled)
        before, begun = product.cpu(), visible[-1][0]
        visible += _visible(client, lambda _rows: not sender.is_alive())
        visible += _visible(client, lambda rows: rows >= sent[-1][0])
        after, worked = product.cpu(), visible[-1][0] - begun
        rows_an_insert = float(client.query(_ROWS_AN_INSERT).result_rows[0][0])
    late = [one for one in sent if one[1] > settled]
    return {
        "rate": sent[-1][0] / (sent[-1][1] - sent[0][1]), **quantiles(late, visible),
        "cpu_ns": {key: (after[key] - before[key]) / worked * 1e9 for key in after},
        "rows_an_insert": rows_an_insert,
    }  # fmt: skip


def catch_up(
    name: str, broker: Broker, catalog: Path, events: Events, rate: int, outage_s: float
) -> dict[str, Any]:
    """The workers are away while usage goes on arriving; then how fast the backlog shrinks."""
    product = Product(name, broker, catalog)
    stop = threading.Event()
    sender = threading.Thread(target=lambda: pace(broker, events, rate, 3_600, stop))
    try:
        with product, product.store() as client:
            sender.start()
            _visible(client, lambda rows: rows > 5 * rate)
        time.sleep(outage_s)
        with product, product.store() as client:
            before = _count(client)
            began = _visible(client, lambda rows: rows > before)[-1]
            visible = _visible(client, lambda rows: rows - began[0] > outage_s * rate)
    finally:
        stop.set()
        sender.join()
    rows, seconds = visible[-1][0] - began[0], visible[-1][1] - began[1]
    return {"rate": rate, "outage_s": outage_s, "events_per_s": rows / seconds,
            "ratio": rows / seconds / rate}  # fmt: skip


@contextmanager
def broker_of() -> Iterator[Broker]:
    """Run a broker of its own."""
    folder = (OUT / "broker").resolve()
    shutil.rmtree(folder, ignore_errors=True)
    broker = Broker(folder, free_port(), free_port(), heap_mb=512)
    broker.start()
    try:
        yield broker
    finally:
        broker.stop()
        shutil.rmtree(folder, ignore_errors=True)


def catalog_of() -> tuple[Path, list[str]]:
    """Write the catalogue; give its prefixes."""
    folder = OUT / "catalog"
    shutil.rmtree(folder, ignore_errors=True)
    prefixes = write_catalog(folder, SUBSCRIBERS, random.Random(1))
    (folder / "feeds" / "feeds.yaml").write_text(FEED)
    return folder, prefixes


def measure(name: str, events: int, seconds: float) -> dict[str, Any]:
    """Measure one thing on a broker of its own."""
    catalog, prefixes = catalog_of()
    made = Events(prefixes)
    with broker_of() as broker:
        broker.create_topic(TOPIC, PARTITIONS)
        broker.create_topic("tallywire.alerts", 1)
        match name:
            case "single":
                produce(broker, made, events, 1)
                return throughput(name, broker, catalog, events)
            case "tens":
                produce(broker, made, events, 10)
                return throughput(name, broker, catalog, events)
            case "latency":
                return latency(name, broker, catalog, made, 20_000, seconds)
            case _:
                return catch_up(name, broker, catalog, made, 20_000, seconds)


MEASURES = ("single", "tens", "latency", "catch_up")


def main(events: int, seconds: float, names: tuple[str, ...] = MEASURES) -> None:
    """Measure, print, keep."""
    found = {}
    for name in names:
        found[name] = measure(name, events, seconds)
        print(name, json.dumps(found[name]), flush=True)
    table = Table(title=f"Streaming from Kafka, {os.cpu_count()} cores for everything")
    table.add_column("what")
    table.add_column("measured", overflow="fold")
    for name, made in found.items():
        table.add_row(name, json.dumps(made))
    Console(width=150).print(table)
    OUT.mkdir(parents=True, exist_ok=True)
    (OUT / "streaming.json").write_text(json.dumps(found, indent=2))


if __name__ == "__main__":
    main(int(sys.argv[1]), float(sys.argv[2]), tuple(sys.argv[3:]) or MEASURES)
