"""One worker process: builds its flow, runs it, ends cleanly; `python -m dataflows.worker`.

Exit codes are those of `dataflows.exits`; what went wrong is the last line of its log.
"""

import datetime
import gc
import sys
from collections.abc import Callable
from functools import lru_cache, partial
from pathlib import Path

from bytewax._bytewax import cli_main
from bytewax.dataflow import Dataflow
from bytewax.recovery import RecoveryConfig, init_db_dir
from pydantic import BaseModel

from dataflows import stop
from dataflows.catalogs import CatalogStore
from dataflows.collection import collection_flow
from dataflows.decode import decode_batch, framing_of
from dataflows.exits import Exit, exit_code, explain
from dataflows.files import lock
from dataflows.logs import log_of
from dataflows.progress import Progress
from dataflows.rating import rating_flow
from dataflows.settings import Home, Settings
from dataflows.sinks.log import LogSink, check_layout
from dataflows.sinks.store import StoreSink, StoreWorld
from dataflows.sources.files import FeedSource, FeedWorld
from dataflows.sources.folder import Candidate, discover
from dataflows.sources.log import LogEnds, LogSource
from dataflows.sources.openings import RECYCLE_FOLDER
from tallywire.catalog.snapshot import Snapshot
from warehouse.client import connect

COLLECTION = "collection"
RATING = "rating"
ENGINE = "engine"


class Job(BaseModel):
    """What a run asks of its workers.

    Attributes:
        run: Name of the run: the end of input is reported under it.
        inputs: Files and folders of usage.
        follow: Wait for more input instead of ending.
        feeds: Feeds to collect.
    """

    run: str
    inputs: list[Path]
    follow: bool
    feeds: list[str]
    settings: Settings


def _scanner(job: Job, feed_id: str, snapshot: Snapshot) -> Callable[[], list[Candidate]]:
    folder = Home(job.settings.home).lane(COLLECTION, feed_id) / RECYCLE_FOLDER

    def scan() -> list[Candidate]:
        taken, _ = discover(job.inputs, snapshot.feeds)
        again = [
            Candidate(f"{RECYCLE_FOLDER}/{path.name}", path) for path in folder.glob("*.jsonl")
        ]
        return sorted([*taken[feed_id], *again])

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


def _add_collection(job: Job, catalogs: CatalogStore, flow: Dataflow, progress: Progress) -> None:
    current = catalogs.load(catalogs.current())
    worlds = {
        feed_id: FeedWorld(
            settings=job.settings,
            feed=current.feeds[feed_id],
            framing=framing_of(current.feeds[feed_id]),
            scan=_scanner(job, feed_id, current),
            follow=job.follow,
            run=job.run,
            progress=progress,
            catalog_at=_newest_for(catalogs, feed_id),
        )
        for feed_id in job.feeds
    }
    taken, _ = discover(job.inputs, current.feeds)
    progress.bytes_total = sum(
        file.path.stat().st_size for feed_id in job.feeds for file in taken[feed_id]
    )
    collection_flow(
        FeedSource(worlds), LogSink(job.settings), partial(decode_batch, catalogs.load),
        job.settings, catalogs.load, progress, flow,
    )  # fmt: skip


def _add_rating(job: Job, catalogs: CatalogStore, flow: Dataflow, progress: Progress) -> None:
    ends = LogEnds() if job.follow else LogEnds(job.run, frozenset(job.feeds))
    source = LogSource(job.settings, ends, progress, catalogs.current)
    world = StoreWorld(
        connect=partial(connect, job.settings.store_url, Home(job.settings.home).store,
                        database=job.settings.database),
        ledgers=source.ledgers,
        progress=progress,
        patience_s=job.settings.store_patience_s,
    )  # fmt: skip
    sink = StoreSink(world, source.list_parts())
    rating_flow(source, sink, job.settings, catalogs.load, progress, flow)


def _recovery(folder: Path) -> RecoveryConfig:
    if not folder.exists():
        draft = folder.with_name(f".{folder.name}")
        draft.mkdir(parents=True, exist_ok=True)
        init_db_dir(draft, 1)  # type: ignore[no-untyped-call]  # Bytewax types it so
        draft.rename(folder)
    return RecoveryConfig(folder)  # type: ignore[no-untyped-call]  # as above


def work(role: str, job: Job) -> None:
    """Run one role of a job to its end.

    Raises:
        Exception: Whatever stopped the flow; nothing uncommitted was acknowledged.
    """
    home = Home(job.settings.home)
    check_layout(home.spool, job.settings)
    held = lock(home.root / "locks" / role, f"the {role} of {home.root}")
    store = CatalogStore(home.catalogs)
    store.load = lru_cache(maxsize=4)(store.load)  # type: ignore[method-assign]
    progress = Progress(home.progress / f"{role}.json", role)
    progress.write(force=True)
    flow = Dataflow(role)
    if role in {COLLECTION, ENGINE}:
        _add_collection(job, store, flow, progress)
    if role in {RATING, ENGINE}:
        _add_rating(job, store, flow, progress)
    gc.collect()
    gc.freeze()
    gc.disable()  # batches are freed by reference counts; collections would only cost time
    cli_main(  # type: ignore[no-untyped-call]  # as above
        flow,
        epoch_interval=datetime.timedelta(milliseconds=job.settings.epoch_ms),
        recovery_config=_recovery(home.recovery(role)),
    )
    progress.done, progress.ended = not stop.stopping(), True
    progress.write(force=True)
    held.close()


def main(arguments: list[str]) -> int:
    """Run `ROLE JOB_FILE` and turn what happens into an exit code."""
    role, job_file = arguments
    log = log_of(role)
    stop.listen()
    job = Job.model_validate_json(Path(job_file).read_bytes())
    log.info("worker starts", run=job.run, feeds=job.feeds)
    try:
        work(role, job)
    except Exception as error:  # noqa: BLE001  the one place where everything that can go wrong is told
        code = exit_code(error)
        trace = {"exc_info": error} if code == Exit.INTERNAL else {}
        log.error("worker stops", reason=explain(error), code=code, **trace)  # noqa: TRY400  told above
        return code
    log.info("worker ends", run=job.run)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
