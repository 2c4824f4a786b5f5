"""A run: catalogue, store and workers brought up, watched and taken down together."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path

import orjson

from dataflows import stop
from dataflows.activation import put_into_use
from dataflows.beside import Beside, Newest
from dataflows.canaries.places import canary_inputs
from dataflows.catalogs import CatalogRefused, CatalogStore, read_folder
from dataflows.exits import Exit
from dataflows.fetching.begun import unread
from dataflows.files import lock, write_atomic
from dataflows.groups import COLLECTION, collection_lanes, read_groups
from dataflows.jobs import Job, job_path, jobs_of, written
from dataflows.kafka.client import partitions_of
from dataflows.progress import read as read_progress
from dataflows.settings import Home, Settings
from dataflows.shares import check_whole
from dataflows.sources.folder import Candidate, InputMissing, discover, set_apart
from dataflows.stores import prepare_store, store_of
from dataflows.upgrades import upgrade
from dataflows.wall_clock import now_us
from dataflows.worker_environment import worker_environment
from tallywire.catalog import Snapshot
from tallywire.catalog.snapshot import Feed

_WATCH_S = 0.2
_NEEDED_S = 5.0
_STOP_S = 5.0
_WORKER = "dataflows.worker"


def compile_into(home: Home, folder: Path, *, by: str = "", approval: str = "off") -> Snapshot:
    """Compile a catalogue folder, archive it and put it into use.

    Args:
        home: Where it is kept.
        folder: The catalogue.
        by: Who does so, for the history.
        approval: The setting `catalog_approval`.

    Raises:
        CatalogRefused: If it has problems.
        CatalogMisuse: If approval is required and it has none.
        CatalogError: If it cannot be read or kept.
    """
    files = read_folder(folder)
    catalogs = CatalogStore(home.catalogs)
    reading = catalogs.judge(files)
    if reading.snapshot is None:
        raise CatalogRefused(list(reading.problems))
    catalogs.archive(files, reading.snapshot)
    put_into_use(
        catalogs, reading.snapshot.hash, by=by, now_us=now_us(),
        approval_required=approval == "required",
    )  # fmt: skip
    return reading.snapshot


@dataclass
class Workers:
    """The worker processes of a run.

    Attributes:
        failed: Role and exit code of a worker that did not end well.
        ending: They were asked to end.
    """

    settings: Settings
    processes: dict[str, subprocess.Popen[bytes]] = field(default_factory=dict)
    failed: tuple[str, int] | None = None
    ending: bool = False

    def start(self, base: Job, jobs: Mapping[str, Job]) -> None:
        """Start a process for each job.

        Args:
            base: What the jobs have in common: processes beside the workers read it.
            jobs: Job by role.
        """
        home = Home(self.settings.home)
        (home.root / "logs").mkdir(parents=True, exist_ok=True)
        write_atomic(job_path(home), written(base), private=True)
        for role, job in jobs.items():
            write_atomic(job_path(home, role), written(job), private=True)
            self._start(role, _WORKER, job_path(home, role))

    def _start(self, role: str, module: str, job_file: Path) -> None:
        home = Home(self.settings.home)
        with suppress(FileNotFoundError):
            (home.progress / f"{role}.json").unlink()
        with (home.root / "logs" / f"{role}.jsonl").open("ab") as log:
            self.processes[role] = subprocess.Popen(  # noqa: S603  our own module
                [sys.executable, "-m", module, role, str(job_file)],
                stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                start_new_session=True, env={**os.environ, **worker_environment()},
            )  # fmt: skip

    def watch(
        self, tell: Callable[[], None], beside: Sequence[Beside] = (), newest: Newest | None = None
    ) -> int:
        """Wait for all to end; when one fails, or a stop is asked for, end the others."""
        looked = -_NEEDED_S
        while any(process.poll() is None for process in self.processes.values()):
            tell()
            if newest and beside and time.monotonic() - looked >= _NEEDED_S:
                beside, looked = self._join(beside, newest), time.monotonic()
            self._note_failure()
            if self.failed:
                self.terminate()
            if stop.wait(_WATCH_S):
                self.terminate()
        tell()
        self._note_failure()
        return self.failed[1] if self.failed else int(Exit.DONE)

    def _join(self, beside: Sequence[Beside], newest: Newest) -> list[Beside]:
        """Start what the catalogue in use needs; give the rest."""
        snapshot = newest.snapshot()
        for one in beside:
            if one.needed(snapshot):
                self._start(one.role, one.module, job_path(Home(self.settings.home)))
        return [one for one in beside if one.role not in self.processes]

    def _note_failure(self) -> None:
        for role, process in self.processes.items():
            code = process.poll()
            if code and self.failed is None and not (self.ending and code == -signal.SIGTERM):
                self.failed = (role, code)

    def terminate(self) -> None:
        """Ask every worker to end, and end those that do not."""
        self.ending = True
        for process in self.processes.values():
            if process.poll() is None:
                process.send_signal(signal.SIGTERM)
        deadline = time.monotonic() + 2 * _STOP_S
        for process in self.processes.values():
            try:
                process.wait(max(0.0, deadline - time.monotonic()))
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()

    def reason(self) -> str:
        """Find what a failed worker said."""
        if self.failed is None:
            return ""
        path = Home(self.settings.home).root / "logs" / f"{self.failed[0]}.jsonl"
        for line in reversed(path.read_bytes().splitlines()):
            with suppress(orjson.JSONDecodeError):
                content = orjson.loads(line)
                if isinstance(content, dict) and "reason" in content:
                    return str(content["reason"])
        return f"worker {self.failed[0]} ended with code {self.failed[1]} (see {path})"


@dataclass(frozen=True)
class RunPlan:
    """What a run is to do.

    Attributes:
        catalog: Folder to compile first; `None` for the catalogue in use.
        inputs: Files and folders of usage.
        by: Who runs it, for the history of catalogues.
        beside: Processes beside the workers.
        needed: There must be usage to read: files that are named, or a feed that is a stream.
    """

    settings: Settings
    catalog: Path | None
    inputs: list[Path]
    follow: bool
    by: str = ""
    beside: Sequence[Beside] = ()
    needed: bool = False


@dataclass
class RunResult:
    """How a run went.

    Attributes:
        code: Exit code.
        reason: What went wrong, for a person.
        unclaimed: Files that no feed takes.
        problems: What workers met and a person should know.
        snapshot: The catalogue that was in use when it began.
    """

    code: int
    reason: str = ""
    seconds: float = 0.0
    unclaimed: list[str] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)
    snapshot: Snapshot | None = None


Tell = Callable[[dict[str, dict[str, object]]], None]


def run(plan: RunPlan, tell: Tell) -> RunResult:
    """Do a run; `tell` is given the workers' progress a few times a second.

    Raises:
        CatalogRefused: If the catalogue has problems.
        LaneTaken: If another run works this home.
        GroupsWrong: If the home owns a share of the lanes.
        HomeTooNew: If a newer version has worked it.
        StoreError: If the store cannot be had.
        OSError: If the home cannot be written.
    """
    settings, home = plan.settings, Home(plan.settings.home)
    check_whole(home)
    held = lock(home.root / "locks" / "run", f"home {home.root}")
    upgrade(home)
    catalogs = CatalogStore(home.catalogs)
    if plan.catalog:
        snapshot = compile_into(home, plan.catalog, by=plan.by, approval=settings.catalog_approval)
    else:
        snapshot = catalogs.load(catalogs.current())
    feeds_of_inputs = (feed.path and not feed.collect for feed in snapshot.feeds.values())
    nothing = not plan.inputs and not snapshot.canaries and all(feeds_of_inputs)
    if plan.needed and nothing:
        msg = (
            "no usage is named, and no feed of the catalogue is a stream or fetches its files: "
            "name files or folders"
        )
        raise InputMissing(msg)
    plan = replace(plan, inputs=[*plan.inputs, *canary_inputs(home, follow=plan.follow)])
    taken, unclaimed = discover(plan.inputs, snapshot.feeds)
    feeds = sorted(snapshot.feeds) if plan.follow else sorted(_busy(plan, taken, snapshot))
    began = time.monotonic()
    base = Job(
        run=f"{time.time_ns()}", inputs=[path.resolve() for path in plan.inputs],
        follow=plan.follow,
        settings=settings.model_copy(update={"home": settings.home.resolve()}),
    )  # fmt: skip
    lanes = lanes_of(settings, [snapshot.feeds[name] for name in feeds])
    jobs = jobs_of(base, read_groups(home), lanes)
    with store_of(settings):
        prepare_store(settings)
        workers = Workers(settings)
        workers.start(base, jobs)
        code = workers.watch(
            lambda: tell(progress_of(home, [*workers.processes])),
            plan.beside, Newest(catalogs, snapshot),
        )  # fmt: skip
    problems = [
        str(text)
        for content in progress_of(home, [*workers.processes]).values()
        for text in content.get("problems", [])  # type: ignore[attr-defined]
    ]
    held.close()
    if code == Exit.DONE and any("cannot be read" in text for text in problems):
        code = int(Exit.INCOMPLETE)
    return RunResult(
        code=code, reason=workers.reason(), seconds=time.monotonic() - began,
        unclaimed=[candidate.name for candidate in unclaimed], problems=problems, snapshot=snapshot,
    )  # fmt: skip


def lanes_of(settings: Settings, feeds: Iterable[Feed]) -> dict[str, str]:
    """Name the collection lanes of feeds, each with its feed; without Kafka those of topics rest.

    Raises:
        KafkaUnavailable: If Kafka does not answer.
        KafkaRefused: If a topic is missing.
    """
    found = [feed for feed in feeds if settings.kafka or not feed.topic]
    return collection_lanes(settings, found, partial(partitions_of, settings))


def _busy(plan: RunPlan, taken: Mapping[str, list[Candidate]], snapshot: Snapshot) -> list[str]:
    """Give the feeds with files, suspense to recycle or a ledger to finish, and all streams.

    What lies packed may be of any feed; what is fetched from elsewhere is seen later.
    """
    home = Home(plan.settings.home)
    packed = any(set_apart(plan.inputs)) or unread(home)
    return [
        feed_id
        for feed_id, files in taken.items()
        if files
        or packed
        or (home.lane(COLLECTION, feed_id) / "ledger").exists()
        or not snapshot.feeds[feed_id].path
        or snapshot.feeds[feed_id].collect
    ]


def progress_of(home: Home, roles: Sequence[str]) -> dict[str, dict[str, object]]:
    """Read how far the workers are."""
    return {role: read_progress(home.progress / f"{role}.json") for role in roles}
