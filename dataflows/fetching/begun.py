"""What a collection process fetches: from the places of its feeds, and packed in its inputs."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import IO

from dataflows import stop
from dataflows.fetching.bringing import Stopped
from dataflows.fetching.collector import Collector, Swept, Watched, kept_us
from dataflows.fetching.folders import PackedInputs
from dataflows.fetching.inbox import INPUTS, Inbox, Ready, inbox_of
from dataflows.fetching.opened import source_of
from dataflows.fetching.place import Place, Rules, Tell
from dataflows.fetching.refused import Limits
from dataflows.fetching.source import Source
from dataflows.files import LaneTaken, lock
from dataflows.groups import COLLECTION
from dataflows.jobs import Job
from dataflows.settings import Home, Settings
from dataflows.sources.folder import Candidate, matches, set_apart, whole_owner_of
from dataflows.sources.streams import feed_of
from tallywire.catalog.feed import Collect, Feed
from tallywire.catalog.snapshot import Snapshot

_INPUTS_POLL_US = 1_000_000
_TRY_LOCK_S = 1.0


@dataclass(frozen=True)
class LaneInbox:
    """What a lane knows of the files that are fetched for it.

    Attributes:
        scan: Gives those that it has not read yet.
        awaited: More of them may come, though the run shall end.
        committed: Takes the position of its ledger that every restart lies at or behind.
    """

    scan: Callable[[], list[Candidate]]
    awaited: Callable[[], bool]
    committed: Callable[[int], None]


def limits_of(settings: Settings) -> Limits:
    """Give the bounds of files."""
    return Limits(
        settings.collection_file_bytes, settings.collection_unpack_ratio,
        settings.collection_members,
    )  # fmt: skip


def fetching(
    job: Job, snapshot: Snapshot, problem: Tell
) -> tuple[Collector, dict[str, LaneInbox], Callable[[], None]]:
    """Put together what is fetched for the lanes of a job.

    Returns:
        The collector, the inbox of each lane of files, and what starts the collector's threads.
    """
    home, settings = Home(job.settings.home), job.settings
    collector = Collector(job.run, job.follow, kept_us(settings.log_days), problem)
    watched: dict[Path, Watched] = {}
    inboxes = {}
    for lane in job.collect:
        feed = snapshot.feeds[feed_of(lane)]
        if not feed.path or not (feed.collect or job.inputs):
            continue
        if feed.collect:
            folder = inbox_of(home.inbox, feed.feed_id)
            watched[folder] = _of_feed(folder, feed, feed.collect, limits_of(settings))
        else:
            folder = home.inbox / INPUTS
            watched[folder] = _of_inputs(folder, job, snapshot.feeds)
        one = Swept(feed.feed_id, home.lane(COLLECTION, lane) / "ledger", Ready(folder))
        collector.swept.append(one)
        inboxes[lane] = LaneInbox(
            partial(one.ready.candidates, feed.feed_id),
            partial(collector.awaited, folder),
            partial(setattr, one, "committed"),
        )
    return collector, inboxes, partial(collector.start, watched)


def _of_feed(folder: Path, feed: Feed, collect: Collect, limits: Limits) -> Watched:
    def owner_of(name: str) -> str:
        return feed.feed_id if matches(name, feed.path) else ""

    rules = Rules(owner_of, limits, feed.feed_id, collect.marker, collect.after)
    make = partial(source_of, feed.feed_id, collect)
    return Watched(
        folder, feed.feed_id, collect.address, collect.poll_us, partial(_open, folder, make, rules)
    )


def _of_inputs(folder: Path, job: Job, feeds: Mapping[str, Feed]) -> Watched:
    rules = Rules(lambda name: whole_owner_of(name, feeds), limits_of(job.settings))
    find = partial(set_apart, job.inputs)
    make = partial(PackedInputs, find, atomic=not job.follow)
    return Watched(
        folder, INPUTS, PackedInputs.address, _INPUTS_POLL_US, partial(_open, folder, make, rules)
    )


def _open(
    folder: Path, make: Callable[[], Source], rules: Rules, tell: Tell
) -> tuple[Source, Place]:
    """Open a place as soon as no other process of the home works it.

    Raises:
        Stopped: If the process shall stop before.
    """
    held = _locked(folder)
    source = make()
    place = Place(source, Inbox(folder), rules, tell, held)
    return source, place


def _locked(folder: Path) -> IO[bytes]:
    while True:
        try:
            return lock(folder, f"the inbox {folder}")
        except LaneTaken:
            if stop.wait(_TRY_LOCK_S):
                raise Stopped(str(folder)) from None


def unread(home: Home) -> set[str]:
    """Name the feeds for which unpacked files of the inputs wait."""
    return Ready(home.inbox / INPUTS).feeds()
