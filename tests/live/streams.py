"""A home whose platform feed is a raw Kafka topic: fed, started, killed, and compared."""

import random
import shutil
import signal
import subprocess
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self

import orjson
from confluent_kafka import Producer

from cli.demo.usage import write_platform
from dataflows.catalogs import example_folder
from dataflows.groups import COLLECTION, RATING, account_lanes
from dataflows.ingest.log import Keyed
from dataflows.ingest.spool import SpoolLog as IngestLog
from dataflows.jobs import Job
from dataflows.kafka.client import consumer
from dataflows.kafka.fetcher import Fetcher
from dataflows.progress import read as read_progress
from dataflows.run import compile_into
from dataflows.settings import Home, Settings
from dataflows.sources.streams import lane_of
from dataflows.usage_log.kafka import KafkaLog
from dataflows.usage_log.reading import SpoolLog
from dataflows.usage_log.spool import USAGE, partition_folder
from schemas.feeds import LedgerEntry
from tallywire.rating.rulebook import CounterKey, Rulebook
from tests.conftest import Store
from tests.live.broker import Broker
from tests.live.forks import Forked, executed
from tests.live.oracle import COMPARED
from warehouse.client import Client, connect
from warehouse.configuration import password
from warehouse.migrate import migrate

PATIENCE_S = 180
FEED = "platform"
_WHOLE_LOG = 1 << 40


def until(found: Callable[[], bool], what: str, seconds: float = PATIENCE_S) -> None:
    """Wait for a condition.

    Raises:
        AssertionError: If it does not come true in time.
    """
    deadline = time.monotonic() + seconds
    while not found():
        assert time.monotonic() < deadline, f"not in {seconds:.0f} s: {what}"
        time.sleep(0.05)


def usage_of(folder: Path, events: int, repeated: float = 0.05, seed: int = 1) -> list[bytes]:
    """Give platform events, some of them twice or three times, within a window of each other."""
    shutil.rmtree(folder, ignore_errors=True)
    write_platform(folder, events)
    chance = random.Random(seed)
    found: list[bytes] = []
    for path in sorted(folder.glob("*.jsonl")):
        for record in path.read_bytes().splitlines():
            found.append(record)
            if chance.random() < repeated:
                found.insert(len(found) - chance.randrange(min(50, len(found))), record)
    return found


def natural_key(record: bytes) -> bytes:
    """Give the key under which a producer sends a record; its own bytes where it has none."""
    try:
        event = orjson.loads(record)
        return f"{event['source']}\x1f{event['id']}".encode()
    except (orjson.JSONDecodeError, KeyError):
        return record


def produce(
    address: str, topic: str, records: Iterable[bytes], partition: int | None = None
) -> None:
    """Send records, each under its natural key, and wait until all are acknowledged."""
    failed: list[object] = []
    producer = Producer(
        {"bootstrap.servers": address, "acks": "all", "enable.idempotence": True, "log_level": 0,
         "linger.ms": 5, "partitioner": "murmur2_random", "reconnect.backoff.max.ms": 500,
         "queue.buffering.max.messages": 1_000_000}
    )  # fmt: skip
    place = {} if partition is None else {"partition": partition}
    for record in records:
        producer.produce(
            topic, record, natural_key(record), **place,
            on_delivery=lambda error, _message: failed.append(error) if error else None,
        )  # fmt: skip
        producer.poll(0)
    assert producer.flush(PATIENCE_S) == 0, "the broker did not take all"
    assert not failed, failed[:3]


def stream_catalog(folder: Path, source: str) -> Path:
    """Write the example catalogue with the platform's feed out of a stream.

    Args:
        source: `topic: NAME`, or `http: yes`.
    """
    shutil.copytree(example_folder(), folder)
    feed = folder / "feeds" / f"{FEED}.yaml"
    feed.write_text(feed.read_text().replace("path: platform/*.jsonl", source))
    return folder


def database(server: tuple[Path, Any], name: str) -> Store:
    """Make a database of its own, empty."""
    home, running = server
    owner = connect("", home, role="owner")
    owner.command(f"DROP DATABASE IF EXISTS {name}")
    migrate(owner, name)
    return Store(home, name, running)


def store_url(store: Store, port: int) -> str:
    """Name a store by an address of its own, such as that of something in between."""
    return f"http://writer:{password(store.home, 'writer')}@127.0.0.1:{port}/{store.database}"


@dataclass(frozen=True)
class Quiet:
    """Usage, and what an uninterrupted run makes of it.

    Attributes:
        expected: What `order_free` gave.
    """

    usage: list[bytes]
    expected: dict[str, object]


@dataclass
class StreamHome:
    """A home, its raw topic and its workers.

    Attributes:
        topic: The raw topic; its name also begins those of the usage log.
        raw: Its partitions.
        source: `topic`, or `http`: then usage goes into the spool of the ingest gateway instead.
        log: Where the usage log lies.
        partitions: Of the usage log.
        url: Address of the store, where it is not found by its home.
        executes: Workers are started as users start them, not forked.
    """

    root: Path
    store: Store
    broker: Broker
    topic: str
    raw: int = 2
    source: str = "topic"
    log: str = "spool"
    partitions: int = 3
    url: str = ""
    more: dict[str, Any] = field(default_factory=dict)
    executes: bool = False
    run: str = "first"
    processes: dict[str, Forked | subprocess.Popen[bytes]] = field(default_factory=dict)
    environment: dict[str, str] = field(default_factory=dict)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def __post_init__(self) -> None:
        self.home = self.root / "home"
        self.home.mkdir(parents=True)
        (self.home / "store").symlink_to(self.store.home)
        self.catalog = stream_catalog(
            self.root / "catalog",
            f"topic: {self.topic}" if self.source == "topic" else "http: yes",
        )
        self.snapshot = compile_into(Home(self.home), self.catalog)
        self.inputs = self.root / "usage"
        self.inputs.mkdir()

    def create_topics(self, **raw: object) -> None:
        """Create the raw topic and those of the usage log."""
        self.broker.create_topic(self.topic, self.raw, **raw)
        self.broker.create_topic(f"{self.topic}.lanes", 1)
        if self.log == "kafka":
            self.broker.create_topic(
                f"{self.topic}.usage", self.partitions, max_message_bytes=17_000_000
            )
            self.broker.create_topic(f"{self.topic}.outcomes", 1, max_message_bytes=17_000_000)

    def produce(self, records: Iterable[bytes], partition: int | None = None) -> None:
        """Send usage."""
        if self.source == "http":
            self._spool(records)
            return
        produce(self.broker.address, self.topic, records, partition)

    def _spool(self, records: Iterable[bytes]) -> None:
        """Write usage as the gateway does after it has judged it."""
        log = IngestLog(Home(self.home).ingest, self.raw, 1 << 20)
        kept = [Keyed(natural_key(record).decode(), record) for record in records]
        log.append(self.snapshot.feeds[FEED], kept)
        log.close()

    def settings(self, **changed: Any) -> Settings:
        """Give the settings of a start."""
        return Settings(
            **{
                "home": self.home, "database": self.store.database, "store_url": self.url,
                "partitions": self.partitions, "kafka": self.broker.address,
                "usage_log": self.log, "topic_prefix": f"{self.topic}.", "publish": [],
                "ingest_partitions": self.raw, "linger_ms": 50, "epoch_ms": 100, "metrics_port": 0, "late_usage_s": 0,
                "store_patience_s": 60, **self.more, **changed,
            }
        )  # fmt: skip

    @property
    def lanes(self) -> list[str]:
        """Name the collection lanes."""
        return [lane_of(FEED, number) for number in range(self.raw)]

    def start(
        self, role: str, *, follow: bool = True, lanes: Sequence[str] = (), **changed: Any
    ) -> "Forked | subprocess.Popen[bytes]":
        """Start a worker of a role; it owns all lanes of its kind, or some.

        Args:
            role: Begins with `collection` or `rating`.
        """
        settings = self.settings(**changed)
        kind = COLLECTION if role.startswith(COLLECTION) else RATING
        names = list(lanes) or (self.lanes if kind == COLLECTION else account_lanes(settings))
        job = Job(
            run=self.run, inputs=[self.inputs], follow=follow, ends=self.lanes, settings=settings,
            **{"collect" if kind == COLLECTION else "rate": names},
        )  # fmt: skip
        path = self.home / f"job-{role}-{time.monotonic_ns()}.json"
        path.write_text(job.model_dump_json())
        (Home(self.home).progress / f"{role}.json").unlink(missing_ok=True)
        environment = {"POLARS_MAX_THREADS": "1", **self.environment}
        log = self.home / f"{role}.log"
        log.touch()
        start = executed if self.executes else Forked
        self.processes[role] = start([role, path], log, environment)
        return self.processes[role]

    def alive(self, role: str) -> bool:
        """Tell whether a worker runs."""
        return role in self.processes and self.processes[role].poll() is None

    def said(self, role: str) -> str:
        """Give what a worker said at last."""
        return (self.home / f"{role}.log").read_text()[-3_000:]

    def progress(self, role: str) -> dict[str, Any]:
        """Read how far a worker is."""
        return read_progress(Home(self.home).progress / f"{role}.json")

    def progressed(self, role: str) -> bool:
        """Tell whether a worker has worked a batch since it was started."""
        worked = "batches" if role.startswith(RATING) else "collected"
        return int(self.progress(role).get(worked, 0)) > 0

    def kill(self, *roles: str) -> None:
        """Kill workers at once, all at the same moment."""
        for role in roles:
            self.processes[role].send_signal(signal.SIGKILL)
        for role in roles:
            self.processes[role].wait()

    def goes_on(self, *roles: str) -> None:
        """Wait until workers have done something more than now, then kill them."""
        for role in roles:
            name = "batches" if role.startswith(RATING) else "collected"
            before = self.progress(role).get(name, 0)
            until(
                lambda role=role, name=name, before=before: (
                    self.progress(role).get(name, 0)  # type: ignore[misc]
                    > before
                ),
                f"{role} goes on; {self.said(role)}",
            )
        self.kill(*roles)

    def arrived(self, count: int) -> None:
        """Wait until the store has so many records: whoever is ended in an outage says so."""
        query = "SELECT sum(collected), sum(abs(difference)) FROM v_conservation"
        until(
            lambda: self.store.client().query(query).result_rows[0] == (count, 0),
            f"{count} records in the store",
        )

    def finish(self, **changed: Any) -> None:
        """Let all that was sent be worked to its end; workers that wait for more are ended."""
        for role, process in self.processes.items():
            if process.poll() is None:
                process.send_signal(signal.SIGTERM)
                assert process.wait(PATIENCE_S) == 0, self.said(role)
        self.run = f"{time.monotonic_ns()}"  # an end that was reported before is none of this run
        roles = (COLLECTION, RATING)
        for role in roles:
            self.start(role, follow=False, **changed)
        for role in roles:
            assert self.processes[role].wait(PATIENCE_S) == 0, self.said(role)

    def stop(self) -> None:
        """Leave nothing running."""
        for process in self.processes.values():
            if process.poll() is None:
                process.send_signal(signal.SIGCONT)
                process.kill()
                process.wait()

    def logged(self, partition: int) -> Iterator[dict[str, Any]]:
        """Read a partition of the usage log from its beginning, as an account lane does."""
        reader = self._reader(partition)
        reader.resume({}, [])
        first, quiet = 0, time.monotonic()
        while True:
            found = reader.plan(first, 100_000)
            if found.rows:
                cut = LedgerEntry(
                    lane="oracle", position=0, source=USAGE, first=first, last=found.last,
                    records=found.rows, ledgered_at=0, catalog_hash="", token="", detail="",
                )  # fmt: skip
                yield from reader.read(cut)["usage_events"].iter_rows(named=True)
                first, quiet = found.last, time.monotonic()
            elif self.log == "spool" or found.at >= found.end:
                return
            else:
                assert time.monotonic() < quiet + PATIENCE_S, "the log is not read to its end"

    def _reader(self, partition: int) -> SpoolLog | KafkaLog:
        settings = self.settings()
        if self.log == "spool":
            return SpoolLog(partition_folder(Home(self.home).spool, USAGE, partition), 1)

        def fetcher() -> Fetcher:
            return Fetcher(consumer(settings, "oracle"), lambda _text: None, PATIENCE_S)

        return KafkaLog(fetcher(), f"{self.topic}.usage", partition, fetcher, lambda _text: None)

    def charges(self) -> dict[str, tuple[Any, ...]]:
        """Rate the log, one event after the other: what the charges must be."""
        book = Rulebook(self.snapshot)
        found: dict[str, tuple[Any, ...]] = {}
        for partition in range(self.partitions):
            used: dict[CounterKey, int] = {}
            for event in self.logged(partition):
                rating = book.rate(event, lambda key, used=used: used.get(key, 0))  # type: ignore[misc]
                used.update(rating.writes)
                for charge in rating.charges:
                    assert event["event_id"].hex() not in found, "one event twice in the log"
                    found[event["event_id"].hex()] = tuple(charge.row[name] for name in COMPARED)
        return found


def sizes(chance: random.Random) -> dict[str, int]:
    """Draw sizes of batches, and how long they wait."""
    return {
        "collection_rows": chance.randrange(20, 400), "rating_rows": chance.randrange(20, 600),
        "epoch_ms": chance.choice([20, 50, 100, 300]), "linger_ms": chance.choice([0, 20, 80]),
    }  # fmt: skip


def kill_often(
    home: StreamHome, usage: Sequence[bytes], cycles: int, chance: random.Random
) -> dict[str, int]:
    """Kill workers at random moments while usage arrives, each only after it has made progress.

    Returns:
        Kills by kind.
    """
    share = -(-len(usage) // cycles)
    kills = {COLLECTION: 0, RATING: 0, "both": 0}
    deadline = time.monotonic() + 30 + 12 * cycles
    while (done := sum(kills.values())) < cycles:
        home.produce(usage[done * share : (done + 1) * share])
        for role in (COLLECTION, RATING):
            if not home.alive(role):
                home.start(role, **sizes(chance))
        kind = chance.choice([COLLECTION, RATING, COLLECTION, RATING, "both"])
        roles = [COLLECTION, RATING] if kind == "both" else [kind]
        while not all(home.progressed(role) for role in roles):
            for role in roles:
                assert home.alive(role), home.said(role)
            assert time.monotonic() < deadline, f"{roles} make no progress; {kills} in time"
            time.sleep(0.005)
        time.sleep(chance.random() * 0.25)
        home.kill(*roles)
        kills[kind] += 1
    return kills


_ORDER_FREE = {
    "rows": "SELECT count(), uniqExact(event_id), sum(rated_quantity), "
    "sum(cityHash64(event_id, service, start_time, account_id)) FROM rated_events",
    "set_aside": "SELECT fate, reason, sum(records) FROM set_aside_events GROUP BY 1, 2 "
    "ORDER BY 1, 2",
    "suspense": "SELECT reason, sum(change), count() FROM suspense_events GROUP BY 1 ORDER BY 1",
    "fates": "SELECT sum(collected), sum(rated), sum(duplicate), sum(suspended), sum(filtered), "
    "sum(merged), sum(open), sum(abs(difference)) FROM v_conservation",
}
_PASSED_ON = """
SELECT count() FROM (
    SELECT key, sum(records) AS n, sum(quantity) AS q, groupBitXor(ids) AS x FROM (
        SELECT concat('log ', feed_id, service) AS key, quantity * sign AS quantity, ids,
            if(stage = 'accepted', 1, -1) AS sign, records * sign AS records
        FROM stage_sums WHERE stage != 'rated'
        UNION ALL
        SELECT concat('store ', batch_token, feed_id, service) AS key, quantity, ids, 1, records
        FROM stage_sums WHERE stage = 'rated'
        UNION ALL
        SELECT concat('store ', batch_token, feed_id, service), -rated_quantity,
            reinterpretAsUInt64(rated_id), -1, -1
        FROM rated_events
    ) GROUP BY key HAVING n != 0 OR q != 0 OR x != 0
)
"""
_TWICE = {
    "what stages passed on": _PASSED_ON,
    "revenue": "SELECT (SELECT sum(amount) FROM v_revenue) - (SELECT sum(amount) FROM rated_events "
    "WHERE side != 'cost')",
    "events": "SELECT (SELECT sum(events) FROM v_revenue) - (SELECT sum(fate_change) "
    "FROM rated_events)",
    "collected": "SELECT (SELECT sum(records) FROM fates_1h WHERE term = 'collected') - "
    "(SELECT sum(records) FROM lane_counts WHERE term = 'collected')",
}


def order_free(client: Client) -> dict[str, object]:
    """Give what is equal between two runs even where accounts' usage came in another order."""
    return {name: client.query(text).result_rows for name, text in _ORDER_FREE.items()}


def check_whole(made: StreamHome, expected: dict[str, object]) -> str:
    """Hold what a home left in the store against an uninterrupted run and against the oracle.

    Args:
        expected: What `order_free` gave for the uninterrupted run.

    Returns:
        The figures, for a person.
    """
    client = made.store.client()
    rows = client.query(f"SELECT event_id, {', '.join(COMPARED)} FROM rated_events").result_rows
    stored = {event.hex: tuple(values) for event, *values in rows}
    assert len(stored) == len(rows), "one event twice in the store"
    assert stored == made.charges()
    found = order_free(client)
    assert found == expected
    for name, text in _TWICE.items():
        assert client.query(text).result_rows[0][0] == 0, f"rollup and base differ in {name}"
    fates = found["fates"][0]  # type: ignore[index]
    assert fates[-1] == 0
    return f"{fates[0]} collected, {fates[1]} rated, {fates[2]} duplicates, difference 0"
