"""Opening what lanes read: streams of collection lanes, partitions of the usage log."""

from collections.abc import Sequence
from functools import cache, partial
from pathlib import Path

from confluent_kafka import Message

from dataflows.kafka.affinity import misplaced
from dataflows.kafka.client import Tell, consumer, partitions_of
from dataflows.kafka.fetcher import Fetcher
from dataflows.kafka.messages import Unwrapper
from dataflows.kafka.names import topic_of
from dataflows.kafka.registry import registry_of
from dataflows.settings import Home, Settings
from dataflows.sources.http import HttpStream
from dataflows.sources.log import Readers
from dataflows.sources.streams import LANE_SEPARATOR, RecordStream
from dataflows.sources.topic import TopicStream
from dataflows.usage_log.kafka import KafkaLog
from dataflows.usage_log.reading import LogReader, SpoolLog
from dataflows.usage_log.spool import partition_folder
from tallywire.catalog.snapshot import Feed


def _fetcher(settings: Settings, group: str, tell: Tell) -> Fetcher:
    return Fetcher(consumer(settings, group, tell), tell, settings.store_patience_s)


def _spool(home: Home, feed: Feed) -> Path:
    if feed.mqtt:
        return home.mqtt
    return home.radius if feed.radius else home.ingest


class Streams:
    """The streams of a process: topics share one consumer.

    Args:
        tell: Told of what goes wrong and mends itself.
    """

    def __init__(self, settings: Settings, tell: Tell) -> None:
        self._settings, self._tell = settings, tell
        self._fetcher = cache(lambda: _fetcher(settings, "collection", tell))
        self._registry = cache(lambda: registry_of(settings))
        self._partitions = cache(partial(partitions_of, settings))

    def of(self, lane: str, feed: Feed) -> RecordStream | None:
        """Open the stream of a lane; `None` where its feed reads files."""
        _, separator, number = lane.partition(LANE_SEPARATOR)
        if not separator:
            return None
        partition = int(number)
        if not feed.topic:
            root = _spool(Home(self._settings.home), feed)
            return HttpStream(root, feed.feed_id, partition, self._settings.log_days)
        partitions = self._partitions(feed.topic)

        def elsewhere(messages: Sequence[Message]) -> int:
            keys = [message.key() for message in messages]
            return misplaced(keys, partition, partitions, feed.partitioner)

        unwrapper = Unwrapper(feed, self._registry())
        return TopicStream(self._fetcher(), feed.topic, partition, unwrapper.unwrap, elsewhere)


def readers_of(settings: Settings, tell: Tell) -> Readers:
    """Give what opens partitions of the usage log, wherever it lies."""
    if settings.usage_log == "spool":
        root = Home(settings.home).spool
        return lambda topic, partition: SpoolLog(
            partition_folder(root, topic, partition), settings.log_days
        )
    shared = cache(lambda: _fetcher(settings, "rating", tell))

    def open_partition(topic: str, partition: int) -> LogReader:
        name = topic_of(settings, topic)
        apart = lambda: _fetcher(settings, "again", tell)  # noqa: E731  a thought, no function
        return KafkaLog(shared(), name, partition, apart, tell)

    return open_partition
