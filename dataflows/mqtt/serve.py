"""`mqtt serve`: the subscriber's one process, from its start to its settled end."""

import os
import threading
import time
from collections.abc import Sequence
from typing import Any

from dataflows import stop
from dataflows.beside import Newest
from dataflows.catalogs import CatalogStore
from dataflows.files import lock
from dataflows.ingest.faults import Faults
from dataflows.ingest.kafka import KafkaLog
from dataflows.ingest.log import IngestLog, IngestMisuse, Keyed
from dataflows.ingest.spool import SpoolLog
from dataflows.logs import log_of
from dataflows.mqtt.counts import Counts, FeedCounts
from dataflows.mqtt.subscription import Shared, Subscription
from dataflows.settings import Home, Settings
from dataflows.upgrades import check_format
from tallywire.catalog.snapshot import Feed, Snapshot
from warehouse.parent import end_with_parent

MQTT = "mqtt"
_WRITTEN_S = 0.5


class _OneByOne:
    """A log for several threads: one writes at a time."""

    def __init__(self, log: IngestLog) -> None:
        self._log, self._turn = log, threading.Lock()
        self.longest, self.check, self.close = log.longest, log.check, log.close

    def append(self, feed: Feed, records: Sequence[Keyed]) -> None:
        """Write records, as the log does."""
        with self._turn:
            self._log.append(feed, records)


class Subscriptions:
    """The subscriptions of the catalogue in use.

    Args:
        spool, topics: Logs of feeds without and with a topic.
    """

    def __init__(self, spool: IngestLog, topics: IngestLog, counts: Counts, shared: Shared) -> None:
        self._spool, self._topics = _OneByOne(spool), _OneByOne(topics)
        self._counts, self._shared = counts, shared
        self._running: dict[str, Subscription] = {}

    def follow(self, snapshot: Snapshot) -> None:
        """Begin what is new in a catalogue, end what is not in it any more."""
        wanted = {name: feed for name, feed in snapshot.feeds.items() if feed.mqtt}
        self._end([
            name for name, one in self._running.items()
            if name not in wanted or _place(wanted[name]) != _place(one.feed)
        ])  # fmt: skip
        for name, feed in wanted.items():
            if name in self._running:
                self._running[name].feed = feed
                continue
            counts = self._counts.feeds.setdefault(name, FeedCounts())
            log = self._topics if feed.topic else self._spool
            self._running[name] = Subscription(feed, log, counts, self._shared)
            self._running[name].start()

    def close(self) -> None:
        """End all when what they have read is settled, and close the logs."""
        self._end(list(self._running))
        self._spool.close()
        self._topics.close()

    def _end(self, names: Sequence[str]) -> None:
        ending = [self._running.pop(name) for name in names]
        for one in ending:
            one.end()
        for one in ending:
            one.join()
            self._counts.feeds[one.feed.feed_id].problem = ""


def _place(feed: Feed) -> tuple[object, ...]:
    return feed.mqtt, feed.topic


def serve(settings: Settings) -> None:
    """Serve until SIGTERM or SIGINT; what was read by then is settled first.

    Raises:
        IngestMisuse: If no feed subscribes to anything.
        LaneTaken: If another subscriber works this home.
        HomeTooNew: If a newer version has worked it.
        LayoutChanged: If its spool was begun with another number of partitions.
        CatalogError: If no catalogue is in use.
        OSError: If the home cannot be written.
    """
    end_with_parent()
    home = Home(settings.home)
    check_format(home)
    log = log_of(MQTT)
    with lock(home.root / "locks" / MQTT, f"the MQTT subscriber of {home.root}"):
        catalogs = CatalogStore(home.catalogs)
        newest = Newest(catalogs, catalogs.load(catalogs.current()))
        if not any(feed.mqtt for feed in newest.snapshot().feeds.values()):
            msg = "no feed of the catalogue in use subscribes to a broker: give one `mqtt`"
            raise IngestMisuse(msg)
        faults = Faults(log)
        shared = Shared(
            client=settings.mqtt_client, inflight=settings.mqtt_inflight, environment=os.environ,
            sessions=home.mqtt_sessions, faults=faults, log=log,
        )  # fmt: skip
        counts = Counts(home.progress / f"{MQTT}.json")
        spool = SpoolLog(home.mqtt, settings.ingest_partitions, settings.segment_bytes)
        topics = KafkaLog(settings.kafka, settings.kafka_options)
        _serve(Subscriptions(spool, topics, counts, shared), newest, counts, faults, log)


def _serve(
    subscriptions: Subscriptions, newest: Newest, counts: Counts, faults: Faults, log: Any,  # noqa: ANN401  as log_of
) -> None:  # fmt: skip
    stop.listen()
    told = False
    log.info("subscriber begins")
    while True:
        subscriptions.follow(newest.snapshot())
        counts.problems = faults.now()
        told = _written(counts, log, told=told)
        if stop.wait(_WRITTEN_S):
            break
    began = time.monotonic()
    subscriptions.close()
    _written(counts, log, told=told, done=True)
    log.info("subscriber ends", seconds=round(time.monotonic() - began, 3))


def _written(counts: Counts, log: Any, *, told: bool, done: bool = False) -> bool:  # noqa: ANN401  as log_of
    """Write the counts; tell once that it cannot be done, and whether that is so."""
    try:
        counts.write(done=done)
    except OSError as error:
        if not told:
            log.warning("counts cannot be written", reason=str(error))
        return True
    return False
