"""Starting and killing the engine's own processes, and comparing what they leave in the store."""

import random
import signal
import subprocess
import time
from collections.abc import Sequence
from pathlib import Path

from cli.demo.usage import write_carrier, write_platform, write_roaming
from dataflows.catalogs import example_folder
from dataflows.groups import COLLECTION, RATING, account_lanes
from dataflows.jobs import Job
from dataflows.progress import read as read_progress
from dataflows.run import compile_into
from dataflows.settings import Home, Settings
from schemas.columns import columns
from schemas.rated import RatedEvent
from tests.conftest import Store
from tests.live.forks import Forked, executed
from warehouse.client import Client

FEEDS = ("nordvik", "platform", "roamers")
ALL_FEEDS = (*FEEDS, "access", "pbx", "switch")
_ENVIRONMENT = {"POLARS_MAX_THREADS": "1"}
_NOT_COMPARED = ("ledgered_at", "batch_token", "collected_at", "rater")


def write_usage(folder: Path, events: int) -> Path:
    """Usage in which each account has one feed, so that its order is the same in every run."""
    write_platform(folder / "platform", events)
    write_carrier(folder / "nordvik")
    write_roaming(folder / "roaming")
    return folder


class Engine:
    """A home with its workers.

    Args:
        executes: Workers are started as users start them, not forked.
    """

    def __init__(
        self, home: Path, store: Store, usage: Path, *, partitions: int = 1,
        feeds: Sequence[str] = FEEDS, executes: bool = False,
    ) -> None:  # fmt: skip
        home.mkdir(parents=True)
        (home / "store").symlink_to(store.home)
        self.home, self.store, self.usage = home, store, usage
        self.partitions, self.feeds, self.executes = partitions, list(feeds), executes
        self.processes: dict[str, Forked | subprocess.Popen[bytes]] = {}
        self.snapshot = compile_into(Home(home), example_folder())

    def job(self, role: str, **settings: int) -> Path:
        """Write a job of a role with some settings; each start may have its own batch sizes."""
        made = Settings(
            home=self.home, database=self.store.database, partitions=self.partitions,
            **{"linger_ms": 50, "epoch_ms": 100, "rating_epoch_ms": 100, **settings},
        )  # fmt: skip
        part = {"collect": self.feeds} if role == COLLECTION else {"rate": account_lanes(made)}
        job = Job(
            run="test", inputs=[self.usage], follow=False, ends=self.feeds, settings=made, **part
        )
        path = self.home / f"job-{time.monotonic_ns()}.json"
        path.write_text(job.model_dump_json())
        return path

    def start(self, role: str, **settings: int) -> "Forked | subprocess.Popen[bytes]":
        """Start a worker."""
        path = Home(self.home).progress / f"{role}.json"
        path.unlink(missing_ok=True)
        start = executed if self.executes else Forked
        job, log = self.job(role, **settings), self.home / f"{role}.log"
        self.processes[role] = start([role, job], log, _ENVIRONMENT)
        return self.processes[role]

    def progressed(self, role: str) -> bool:
        """Tell whether a worker has worked a batch since it was started."""
        content = read_progress(Home(self.home).progress / f"{role}.json")
        worked = "batches" if role == RATING else "collected"
        return int(str(content.get(worked, 0))) > 0

    def kill(self, role: str) -> None:
        """Kill a worker at once."""
        self.processes[role].send_signal(signal.SIGKILL)
        self.processes[role].wait()

    def finish(self, seconds: float = 240) -> None:
        """Let both workers run to the end."""
        for role in (COLLECTION, RATING):
            if role not in self.processes or self.processes[role].poll() is not None:
                self.start(role)
        for role in (COLLECTION, RATING):
            code = self.processes[role].wait(seconds)
            assert code == 0, (self.home / f"{role}.log").read_text()[-3_000:]

    def stop(self) -> None:
        """Leave nothing running."""
        for process in self.processes.values():
            if process.poll() is None:
                process.kill()
                process.wait()


def kill_often(engine: Engine, kills: int, seed: int) -> int:
    """Kill one worker after another at random moments, each only after it has made progress."""
    chance = random.Random(seed)
    done = 0
    deadline = time.monotonic() + 300
    while done < kills:
        assert time.monotonic() < deadline, f"only {done} kills in time"
        for role, rows in ((COLLECTION, "collection_rows"), (RATING, "rating_rows")):
            process = engine.processes.get(role)
            if process is None or process.poll() is not None:
                if process is not None and process.returncode == 0:
                    return done
                engine.start(role, **{rows: chance.randrange(100, 1_500)})
        role = chance.choice([COLLECTION, RATING])
        while not engine.progressed(role) and engine.processes[role].poll() is None:
            time.sleep(0.005)
        time.sleep(chance.random() * 0.3)
        if engine.processes[role].poll() is None:
            engine.kill(role)
            done += 1
    return done


def picture(client: Client) -> dict[str, object]:
    """Everything that must be equal between two runs, whatever happened to them."""
    compared = [name for name in columns(RatedEvent) if name not in _NOT_COMPARED]
    listed = ", ".join(f"`{name}`" for name in compared)
    queries = {
        "rows": f"SELECT count(), uniqExact(event_id), sum(amount), sum(cityHash64({listed})) "
        "FROM rated_events",
        "use": "SELECT subscription_id, bill_period, sum(included_quantity), min(allowance_after), "
        "sum(amount) FROM rated_events GROUP BY 1, 2 ORDER BY 1, 2",
        "set_aside": "SELECT fate, reason, sum(records) FROM set_aside_events GROUP BY 1, 2 "
        "ORDER BY 1, 2",
        "open": "SELECT feed_id, session_id, sum(change) AS held FROM open_events GROUP BY 1, 2 "
        "HAVING held != 0 ORDER BY 1, 2",
        "suspense": "SELECT reason, sum(change), sum(cityHash64(raw, usage)) > 0 "
        "FROM suspense_events GROUP BY 1 ORDER BY 1",
        "fates": "SELECT sum(collected), sum(rated), sum(duplicate), sum(suspended), "
        "sum(filtered), sum(merged), sum(open), sum(abs(difference)) FROM v_conservation",
        "revenue": "SELECT service, sum(amount), sum(events) FROM v_revenue GROUP BY 1 ORDER BY 1",
        "files": "SELECT file_name, status, records FROM v_feed_files ORDER BY 1, 2",
    }
    return {name: client.query(text).result_rows for name, text in queries.items()}
