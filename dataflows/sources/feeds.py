"""All collection lanes of a process as a Bytewax source."""

import datetime
from collections.abc import Collection, Mapping

from bytewax.inputs import FixedPartitionedSource, StatefulSourcePartition

from dataflows import stop
from dataflows.sources.feed_batch import FeedBatch, FeedWorld
from dataflows.sources.files import FeedPart

_POLL = datetime.timedelta(milliseconds=200)


class IdlePart(StatefulSourcePartition[tuple[str, FeedBatch], int]):
    """A lane that the catalogue does not know now; its place is kept, should its feed come back.

    Args:
        follow: Wait with the other lanes instead of ending.
    """

    def __init__(self, resume: int, *, follow: bool) -> None:
        self._position, self._follow = resume, follow

    def next_batch(self) -> list[tuple[str, FeedBatch]]:
        """Give nothing."""
        if stop.stopping() or not self._follow:
            raise StopIteration
        return []

    def next_awake(self) -> datetime.datetime | None:
        """Let epochs pass, and notice a stop."""
        return datetime.datetime.now(datetime.UTC) + _POLL

    def snapshot(self) -> int:
        """Keep the position."""
        return self._position


class FeedSource(FixedPartitionedSource[tuple[str, FeedBatch], int]):
    """All lanes that this process collects.

    Args:
        idle: Lanes that it collected before, and that have no feed now.
    """

    def __init__(self, worlds: Mapping[str, FeedWorld], idle: Collection[str] = ()) -> None:
        self._worlds, self._idle = worlds, idle

    def list_parts(self) -> list[str]:
        """Name every lane."""
        return sorted([*self._worlds, *self._idle])

    def build_part(
        self, _step_id: str, for_part: str, resume_state: int | None
    ) -> FeedPart | IdlePart:
        """Open a lane where the last committed epoch left it."""
        if for_part in self._worlds:
            return FeedPart(self._worlds[for_part], resume_state)
        follow = any(world.follow for world in self._worlds.values())
        return IdlePart(resume_state or 0, follow=follow)
