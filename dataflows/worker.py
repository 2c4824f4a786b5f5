"""One worker process: builds its flow, runs it, ends cleanly; `python -m dataflows.worker`.

It owns the lanes that its job names; its role names its recovery folder, its lock and its log.

Exit codes are those of `dataflows.exits`; what went wrong is the last line of its log.
"""

import datetime
import errno
import gc
import shutil
import sys
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from functools import lru_cache, partial
from pathlib import Path

from bytewax._bytewax import cli_main
from bytewax.dataflow import Dataflow

from dataflows import stop, supervised
from dataflows.catalogs import CatalogStore
from dataflows.collection import collection_flow
from dataflows.crashes import Guard
from dataflows.decode import decode_batch, framing_of
from dataflows.exits import Exit, exit_code, explain
from dataflows.fetching.begun import LaneInbox, fetching
from dataflows.files import lock
from dataflows.groups import COLLECTION, ENGINE, RATING
from dataflows.jobs import Job
from dataflows.kafka.errors import StoppedWaiting
from dataflows.logs import log_of
from dataflows.progress import Progress
from dataflows.rating import rating_flow
from dataflows.recovery import keep_only, known_lanes, recovery_config
from dataflows.settings import Home
from dataflows.sinks.log import LogSink, check_layout
from dataflows.sinks.store import StoreSink, StoreWorld
from dataflows.sinks.topics import TopicsSink
from dataflows.sources.feed_batch import FeedWorld
from dataflows.sources.feeds import FeedSource
from dataflows.sources.folder import Candidate, discover
from dataflows.sources.log import LogEnds, LogSource
from dataflows.sources.opened import Streams, readers_of
from dataflows.sources.openings import RECYCLE_FOLDER
from dataflows.sources.streams import feed_of
from dataflows.wall_clock import begin_anew, watch
from tallywire.catalog.snapshot import Snapshot
from tallywire.worth import typical
from warehouse.client import connect
from warehouse.parent import end_with_parent

_ROOM_BYTES = 1024 * 1024
"""A disk with less room than this is full: what the engine could not write is not told."""


def _scanner(
    job: Job, lane: str, snapshot: Snapshot, inbox: LaneInbox | None
) -> Callable[[], list[Candidate]]:
    """Look for files of a lane: suspense to recycle, those of its feed, those fetched for it."""
    folder = Home(job.settings.home).lane(COLLECTION, lane) / RECYCLE_FOLDER
    feed_id = feed_of(lane)
    feed = snapshot.feeds[feed_id]
    inputs = job.inputs if feed.path and not feed.collect else []

    def scan() -> list[Candidate]:
        taken, _ = discover(inputs, snapshot.feeds)
        again = [
            Candidate(f"{RECYCLE_FOLDER}/{path.name}", path) for path in folder.glob("*.jsonl")
        ]
        fetched = inbox.scan() if inbox else []
        return sorted([*taken[feed_id], *again, *fetched])

    return scan


def _newest_for(catalogs: CatalogStore, feed_id: str) -> Callable[[int], str]:
    """Name the catalogue for a feed's next batch: the newest that reads the feed as we do.

    A feed that was removed, or whose records are cut in another way now, is read as before until
    the run ends.
    """
    framing = framing_of(catalogs.load(catalogs.current()).feeds[feed_id])
    taken = [catalogs.current()]

    def newest(at_us: int) -> str:
        found = catalogs.current(at_us)
        feed = catalogs.load(found).feeds.get(feed_id)
        if feed is not None and framing_of(feed) == framing:
            taken[0] = found
        return taken[0]

    return newest


def _add_collection(
    job: Job, catalogs: CatalogStore, recovery: Path, flow: Dataflow, progress: Progress
) -> Callable[[], None]:
    """Add the collection lanes; give what is to be done once they have ended."""
    current = catalogs.load(catalogs.current())
    streams = Streams(job.settings, progress.problem)
    guard = _guard(job, COLLECTION)
    collector, inboxes, start = fetching(job, current, progress.problem)
    worlds = {}
    for lane in job.collect:
        feed, inbox = current.feeds[feed_of(lane)], inboxes.get(lane)
        worlds[lane] = FeedWorld(
            settings=job.settings,
            lane=lane,
            feed=feed,
            framing=framing_of(feed),
            scan=_scanner(job, lane, current, inbox),
            follow=job.follow,
            run=job.run,
            progress=progress,
            catalog_at=_newest_for(catalogs, feed.feed_id),
            guard=guard,
            lost=partial(_lost, current),
            stream=streams.of(lane, feed),
        )
        if inbox:
            worlds[lane] = replace(worlds[lane], awaited=inbox.awaited, committed=inbox.committed)
    idle = known_lanes(recovery, "collect_source") - worlds.keys()
    taken, _ = discover(job.inputs, current.feeds)
    progress.bytes_total = sum(
        file.path.stat().st_size for lane in job.collect for file in taken[feed_of(lane)]
    )
    collection_flow(
        FeedSource(worlds, idle), LogSink(job.settings, job.collect, progress.problem),
        partial(decode_batch, catalogs.load), job.settings, catalogs.load, guard, progress, flow,
    )  # fmt: skip
    start()
    return collector.ended


def _add_rating(job: Job, catalogs: CatalogStore, flow: Dataflow, progress: Progress) -> None:
    ends = LogEnds() if job.follow else LogEnds(job.run, frozenset(job.ends))
    readers = readers_of(job.settings, progress.problem)
    guard = _guard(job, RATING)
    source = LogSource(job.rate, readers, job.settings, ends, progress, catalogs.current, guard)
    world = StoreWorld(
        connect=partial(connect, job.settings.store_url, Home(job.settings.home).store,
                        database=job.settings.database),
        ledgers=source.ledgers,
        folder=partial(Home(job.settings.home).lane, RATING),
        progress=progress,
        patience_s=job.settings.store_patience_s,
    )  # fmt: skip
    sink = StoreSink(world, source.list_parts())
    published = None
    if job.settings.kafka and job.settings.publish:
        published = TopicsSink(job.settings, source.list_parts(), progress.problem)
    rating_flow(source, sink, job.settings, catalogs.load, progress, guard, flow, published)


def _lost(snapshot: Snapshot, lane: str, messages: int) -> str:
    """Say what messages that are gone were worth, and what to do."""
    amount, currency, _ = typical(feed_of(lane), snapshot)
    worth = f", worth about {messages * amount:f} {currency}" if amount is not None else ""
    return (
        f"{worth}; have the producer send them again, then pass over those that are gone with "
        f"`tallywire lanes skip {lane} --note WHY`"
    )


def _guard(job: Job, kind: str) -> Guard:
    """Watch over lanes; a run that ends tells its crash at once instead."""
    most = job.settings.quarantine_after if job.follow else 0
    return Guard(Home(job.settings.home), kind, most, careful=supervised.careful())


def _flow_name(job: Job) -> str:
    """Name the flow by what it does: what it left in a recovery store is found by that name."""
    if job.collect and job.rate:
        return ENGINE
    return COLLECTION if job.collect else RATING


def work(role: str, job: Job) -> None:
    """Run one role of a job to its end.

    Raises:
        Exception: Whatever stopped the flow; nothing uncommitted was acknowledged.
    """
    home = Home(job.settings.home)
    check_layout(home.spool, job.settings)
    held = [lock(home.root / "locks" / role, f"the {role} of {home.root}")]
    for kind, lanes in ((COLLECTION, job.collect), (RATING, job.rate)):
        held += [lock(home.lane(kind, lane), f"lane {lane}") for lane in lanes]
    store = CatalogStore(home.catalogs)
    store.load = lru_cache(maxsize=4)(store.load)  # type: ignore[method-assign]
    progress = Progress(home.progress / f"{role}.json", role)
    progress.write(force=True)
    flow = Dataflow(_flow_name(job))
    recovery = home.recovery(role)
    ended = _add_collection(job, store, recovery, flow, progress) if job.collect else None
    if job.rate and not job.collect:
        keep_only(recovery, job.rate)
    if job.rate:
        _add_rating(job, store, flow, progress)
    gc.collect()
    gc.freeze()
    gc.disable()  # batches are freed by reference counts; collections would only cost time
    epoch_ms = job.settings.epoch_ms if job.collect else job.settings.rating_epoch_ms
    cli_main(  # type: ignore[no-untyped-call]  # as above
        flow,
        epoch_interval=datetime.timedelta(milliseconds=epoch_ms),
        recovery_config=recovery_config(recovery),
    )
    if ended:
        ended()
    progress.done, progress.ended = not stop.stopping(), True
    progress.write(force=True)
    for lock_file in held:
        lock_file.close()


def _told(stopped: BaseException, home: Path) -> Exception:
    """Give what stopped a worker; where the engine of the streams panicked, find out why.

    Raises:
        BaseException: If it is a signal to end.
    """
    if isinstance(stopped, Exception):
        return stopped
    if type(stopped).__name__ != "PanicException":
        raise stopped
    if shutil.disk_usage(home).free < _ROOM_BYTES:
        return OSError(errno.ENOSPC, "no space left", str(home))
    return RuntimeError(str(stopped))


def main(arguments: list[str]) -> int:
    """Run `ROLE JOB_FILE` and turn what happens into an exit code."""
    role, job_file = arguments
    log = log_of(role)
    stop.listen()
    end_with_parent()
    job = Job.model_validate_json(Path(job_file).read_bytes())

    def set_back() -> None:
        log.warning("worker begins anew: the wall clock was set back", run=job.run)
        begin_anew("dataflows.worker", arguments)

    watch(set_back)
    log.info("worker starts", run=job.run, lanes=[*job.collect, *job.rate])
    try:
        work(role, job)
    except StoppedWaiting:
        log.info("worker ends before it began", run=job.run)
        return int(Exit.DONE)
    except BaseException as stopped:  # noqa: BLE001  the one place where everything is told
        error = _told(stopped, job.settings.home)
        code = exit_code(error)
        trace = {"exc_info": error} if code == Exit.INTERNAL else {}
        with suppress(OSError):  # the log may lie on the disk that is full
            log.error("worker stops", reason=explain(error), code=code, **trace)  # noqa: TRY400  told above
        return code
    log.info("worker ends", run=job.run)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
