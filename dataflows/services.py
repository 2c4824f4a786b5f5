"""The processes of a home: its store, its gateway, one worker for each group of lanes."""

import sys
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from dataflows.beside import Beside, Newest
from dataflows.canaries.places import canary_inputs
from dataflows.catalogs import CatalogStore
from dataflows.delivery.names import DELIVER, delivers
from dataflows.files import write_atomic
from dataflows.groups import COLLECTION, RATING, account_lanes, matching, read_groups
from dataflows.jobs import Job, job_path, jobs_of, written
from dataflows.kafka.errors import KafkaRefused, KafkaUnavailable
from dataflows.run import lanes_of
from dataflows.settings import Home, Settings
from dataflows.stores import prepare_store
from dataflows.supervisor import Service
from dataflows.worker_environment import worker_environment
from tallywire.catalog import Snapshot
from warehouse.client import StoreUnavailable
from warehouse.server import answers, free_port

STORE, INGEST, RADIUS, MQTT = "store", "ingest", "radius", "mqtt"
_STORE, _RATING, _COLLECTION, _INGEST, _BESIDE = range(5)


def hold_path(home: Home, group: str) -> Path:
    """Where it is written that a group shall not run: whoever moves it writes that."""
    return home.root / "holds" / group


def held(home: Home) -> set[str]:
    """Name the groups that shall not run."""
    folder = home.root / "holds"
    return {path.name for path in folder.iterdir()} if folder.is_dir() else set()


@dataclass
class HouseServices:
    """What shall run in a home, as its groups, holds and catalogue are now.

    Attributes:
        inputs: Files and folders of usage.
        beside: Processes beside the workers.
        only: The one group that shall run, with neither store nor gateway; empty for everything.
        share: Part of the lanes of its kind that the one group owns, such as `0/4`.
        open_ingest: The gateway takes requests without a key.
        tell: Told once of what keeps something from running.
    """

    settings: Settings
    snapshot: Snapshot
    inputs: Sequence[Path]
    beside: Sequence[Beside]
    open_ingest: bool
    tell: Callable[[str], None]
    only: str = ""
    share: str = ""
    _lanes: Mapping[str, str] = field(default_factory=dict)
    _hash: str = ""
    _ports: tuple[int, int] = (0, 0)
    _prepared: bool = False

    def __post_init__(self) -> None:
        self._home = Home(self.settings.home)
        self._newest = Newest(CatalogStore(self._home.catalogs), self.snapshot)
        self._run = f"{time.time_ns()}"

    def wanted(self) -> list[Service]:
        """Give the services that shall run now."""
        store = [] if self.settings.store_url or self.only else [self._store()]
        if not self._ready():
            return store
        snapshot = self._newest.snapshot()
        if self.only:
            return self._workers(snapshot)
        services = [*store, *self._workers(snapshot)]
        if any(feed.http for feed in snapshot.feeds.values()):
            services.append(self._ingest())
        if any(feed.radius for feed in snapshot.feeds.values()):
            services.append(self._taking(RADIUS))
        if any(feed.mqtt for feed in snapshot.feeds.values()):
            services.append(self._taking(MQTT))
        if delivers(self.settings):
            services.append(self._deliverer())
        base = job_path(self._home)
        services += [
            Service(one.role, (sys.executable, "-m", one.module, one.role, str(base)), _BESIDE,
                    patience_s=5.0)
            for one in self.beside if one.needed(snapshot)
        ]  # fmt: skip
        return services

    def _ready(self) -> bool:
        """Bring the store's tables to this version as soon as it answers."""
        if not self._prepared:
            if not self.settings.store_url and not answers(self._home.store):
                return False
            try:
                prepare_store(self.settings)
            except StoreUnavailable as error:
                self.tell(str(error))
                return False
            self._prepared = True
        return True

    def _store(self) -> Service:
        http_port, tcp_port = self._ports
        if not http_port:
            http_port = self.settings.http_port or free_port()
            tcp_port = self.settings.tcp_port or free_port()
            self._ports = (http_port, tcp_port)
        return Service(
            STORE,
            (
                sys.executable, "-m", "warehouse.serve", str(self._home.store.resolve()),
                str(http_port), str(tcp_port), str(self.settings.store_memory_bytes),
                self.settings.database,
            ),
            _STORE,
        )  # fmt: skip

    def _ingest(self) -> Service:
        command = [sys.executable, "-m", "cli.main", "ingest", "serve",
                   "--home", str(self._home.root)]  # fmt: skip
        return Service(INGEST, (*command, "--open") if self.open_ingest else command, _INGEST)

    def _taking(self, name: str) -> Service:
        """Give the process that takes usage of one kind: its verb has its name."""
        command = [sys.executable, "-m", "cli.main", name, "serve",
                   "--home", str(self._home.root)]  # fmt: skip
        return Service(name, tuple(command), _INGEST)

    def _deliverer(self) -> Service:
        """Give the process that tells findings to programs and people."""
        command = [sys.executable, "-m", "cli.main", "alerts", DELIVER,
                   "--home", str(self._home.root)]  # fmt: skip
        return Service(DELIVER, tuple(command), _BESIDE)

    def _workers(self, snapshot: Snapshot) -> list[Service]:
        if snapshot.hash != self._hash:
            try:
                self._lanes = lanes_of(self.settings, snapshot.feeds.values())
                self._hash = snapshot.hash
            except (
                KafkaUnavailable,
                KafkaRefused,
            ) as error:  # the lanes known before go on; asked again soon
                self.tell(str(error))
        base = Job(
            run=self._run, inputs=[*self.inputs, *canary_inputs(self._home, follow=True)],
            follow=True,
            settings=self.settings.model_copy(update={"home": self.settings.home.resolve()}),
        )  # fmt: skip
        _keep(job_path(self._home), written(base))
        jobs = self._jobs(base)
        away = held(self._home)
        return [self._worker(name, job) for name, job in jobs.items() if name not in away]

    def _jobs(self, base: Job) -> dict[str, Job]:
        if self.share:
            lanes = {COLLECTION: sorted(self._lanes), RATING: account_lanes(self.settings)}
            part = "collect" if self.only == COLLECTION else "rate"
            names = matching(lanes[self.only], self.share)
            return {self.only: base.model_copy(update={part: names})} if names else {}
        jobs = jobs_of(base, read_groups(self._home), self._lanes)
        return {name: job for name, job in jobs.items() if self.only in {"", name}}

    def _worker(self, name: str, job: Job) -> Service:
        path = job_path(self._home, name)
        _keep(path, written(job))
        lanes = " ".join([*job.collect, "|", *job.rate])
        return Service(
            name, (sys.executable, "-m", "dataflows.worker", name, str(path)),
            _COLLECTION if job.collect else _RATING, stamp=lanes,
            environment=worker_environment(),
        )  # fmt: skip


def _keep(path: Path, content: bytes) -> None:
    """Write a file that only this user may read, unless it holds that already."""
    with suppress(FileNotFoundError):
        if path.read_bytes() == content:
            return
    write_atomic(path, content, private=True)
