"""The usage log as a Bytewax sink: what an epoch wrote is durable before the epoch commits."""

from collections.abc import Iterable, Sequence
from pathlib import Path

import orjson
from bytewax.outputs import FixedPartitionedSink, StatefulSinkPartition

from dataflows.files import write_atomic
from dataflows.kafka.client import Tell, producer
from dataflows.kafka.delivery import Deliveries
from dataflows.kafka.names import topic_of
from dataflows.kafka.owners import Claims
from dataflows.lane import SpoolItem
from dataflows.settings import Home, Settings
from dataflows.upgrades import FORMAT, LAYOUT, format_of
from dataflows.usage_log.blocks import header_at
from dataflows.usage_log.kafka import CLAIM, Heading, pieces
from dataflows.usage_log.spool import OUTCOMES, USAGE, SpoolWriter, partition_folder

LOG_PART = "log"


class LayoutChanged(ValueError):  # noqa: N818  it says what is the case
    """The log on disk has another layout than the configuration."""


def check_layout(root: Path, settings: Settings) -> None:
    """Hold the configured layout against the one on disk, or note it for good.

    Raises:
        HomeTooNew: If a newer version has worked this home.
        LayoutChanged: If they differ: an account's usage would lie in two partitions, or state
            would be resumed from another process's snapshots.
    """
    path = root / LAYOUT
    wanted = {"partitions": settings.partitions, "processes": settings.processes}
    if not path.exists():
        root.mkdir(parents=True, exist_ok=True)
        write_atomic(path, orjson.dumps(wanted | {"format": FORMAT}), durable=True)
        return
    found = orjson.loads(path.read_bytes())
    format_of(path, found)
    for name, value in wanted.items():
        if found[name] != value:
            msg = (
                f"{root} was begun with {name}={found[name]}, the configuration says {value}: "
                f"set TALLYWIRE_{name.upper()}={found[name]}, or begin with an empty home"
            )
            raise LayoutChanged(msg)


def places(settings: Settings) -> list[tuple[str, int]]:
    """Name all partitions of the log: of usage, and the one of its outcomes."""
    return [(USAGE, number) for number in range(settings.partitions)] + [(OUTCOMES, 0)]


class LogWriters(StatefulSinkPartition[SpoolItem, None]):
    """Writers of all partitions of both topics."""

    def __init__(self, settings: Settings) -> None:
        root = Home(settings.home).spool
        check_layout(root, settings)
        self._writers = {
            place: SpoolWriter(partition_folder(root, *place), settings.segment_bytes)
            for place in places(settings)
        }

    def write_batch(self, items: list[SpoolItem]) -> None:
        """Append blocks; they are neither durable nor visible yet."""
        for item in items:
            for place, block in item.blocks.items():
                self._writers[place].append(item.lane, item.position, block)
            if item.ended:
                for writer in self._writers.values():
                    writer.end(item.lane, item.ended)

    def snapshot(self) -> None:
        """Make the epoch's blocks durable, then visible: this runs before the epoch commits."""
        for writer in self._writers.values():
            writer.sync()

    def close(self) -> None:
        """Close the segments."""
        for writer in self._writers.values():
            writer.close()


class KafkaWriters(StatefulSinkPartition[SpoolItem, None]):
    """The producer of all partitions of both topics.

    Args:
        lanes: Collection lanes that write here; they are claimed before anything of them is read.
        tell: Told of what goes wrong and mends itself.

    Raises:
        KafkaUnavailable: If Kafka does not take the claims in time.
        KafkaRefused: If it does not take them at all.
    """

    def __init__(self, settings: Settings, lanes: Iterable[str], tell: Tell) -> None:
        check_layout(Home(settings.home).spool, settings)
        self._settings = settings
        self._deliveries = Deliveries(producer(settings, tell), settings.store_patience_s)
        patience_s = settings.store_patience_s
        self._claims = Claims(settings, self._deliveries, tell, patience_s)
        for lane in lanes:
            self._take_over(lane)
        self._deliveries.settle()

    def write_batch(self, items: list[SpoolItem]) -> None:
        """Hand blocks to the producer; they are not durable yet.

        Raises:
            KafkaRefused: If Kafka does not take them.
            KafkaUnavailable: If it does not do so in time.
        """
        for item in items:
            generation = self._claims.generation(item.lane)
            for place, block in item.blocks.items():
                for sequence, piece in pieces(item.lane, item.position, block):
                    header = header_at(memoryview(piece), 0)
                    rows = header.rows if header else 0
                    self._send(place, piece, Heading(item.lane, generation, sequence, rows))
            if item.ended:
                head = Heading(item.lane, generation, 0, 0, item.ended)
                for place in places(self._settings):
                    self._send(place, b"", head)

    def _take_over(self, lane: str) -> None:
        """Claim a lane, and shut out its last owner in every partition.

        An owner that was frozen, and wakes up again, may still send blocks before it looks who
        owns the lane now; a reader that knows of the claim drops them.
        """
        head = Heading(lane, self._claims.claim(lane), CLAIM, 0)
        for place in places(self._settings):
            self._send(place, b"", head)

    def _send(self, place: tuple[str, int], block: bytes, head: Heading) -> None:
        topic = topic_of(self._settings, place[0])
        self._deliveries.send(topic, place[1], block, headers=head.headers())

    def snapshot(self) -> None:
        """Wait until the epoch's blocks are acknowledged: this runs before the epoch commits.

        Raises:
            StaleOwner: If another process owns one of the lanes by now.
        """
        self._deliveries.settle()
        self._claims.check()

    def close(self) -> None:
        """Let go of the brokers."""
        self._claims.close()


class LogSink(FixedPartitionedSink[SpoolItem, None]):
    """The usage log, written by this process.

    On Kafka its lanes are claimed at once: Bytewax builds a part when its first item comes, and
    until then a lane would still belong to whoever wrote it before.

    Args:
        lanes: Collection lanes that write to it.
        tell: Told of what goes wrong and mends itself.
    """

    def __init__(self, settings: Settings, lanes: Sequence[str], tell: Tell) -> None:
        self._settings = settings
        kafka = settings.usage_log == "kafka"
        self._kafka = KafkaWriters(settings, lanes, tell) if kafka else None

    def list_parts(self) -> list[str]:
        """One part: one writer holds every partition."""
        return [LOG_PART]

    def build_part(
        self, _step_id: str, _for_part: str, _resume_state: None
    ) -> LogWriters | KafkaWriters:
        """Open the log where its blocks end."""
        return self._kafka or LogWriters(self._settings)
