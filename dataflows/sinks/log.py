"""The usage log as a Bytewax sink: what an epoch wrote is durable before the epoch commits."""

from pathlib import Path

import orjson
from bytewax.outputs import FixedPartitionedSink, StatefulSinkPartition

from dataflows.files import write_atomic
from dataflows.lane import SpoolItem
from dataflows.settings import Home, Settings
from dataflows.upgrades import FORMAT, LAYOUT, format_of
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


class LogWriters(StatefulSinkPartition[SpoolItem, None]):
    """Writers of all partitions of both topics."""

    def __init__(self, settings: Settings) -> None:
        root = Home(settings.home).spool
        check_layout(root, settings)
        places = [(USAGE, number) for number in range(settings.partitions)] + [(OUTCOMES, 0)]
        self._writers = {
            place: SpoolWriter(partition_folder(root, *place), settings.segment_bytes)
            for place in places
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


class LogSink(FixedPartitionedSink[SpoolItem, None]):
    """The usage log, written by this one process."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings

    def list_parts(self) -> list[str]:
        """One part: one writer holds every partition."""
        return [LOG_PART]

    def build_part(self, _step_id: str, _for_part: str, _resume_state: None) -> LogWriters:
        """Open the log where its blocks end."""
        return LogWriters(self._settings)
