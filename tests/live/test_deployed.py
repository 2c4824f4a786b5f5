"""What docker-compose.yml starts, started here: its commands and settings, real Kafka, real store."""

import json
import os
import shutil
import signal
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx2
import pytest
import yaml

from tests.live.broker import Broker
from tests.live.forks import typed
from tests.live.gateway import LINES, event, http_catalog
from warehouse.client import connect
from warehouse.configuration import password
from warehouse.server import Running, free_port

pytestmark = [pytest.mark.live, pytest.mark.store]

ROOT = Path(__file__).resolve().parents[2]
SERVICES: dict[str, dict[str, Any]] = yaml.safe_load((ROOT / "docker-compose.yml").read_text())[
    "services"
]
DATABASE = "test_deployed"
HOME, CATALOG = "/var/lib/tallywire", "/etc/tallywire/catalog"
PATIENCE_S = 120
SENDERS = ("appverk", "fjell-meters")


class Machine:
    """The volumes of the compose file as folders, its services as processes."""

    def __init__(self, root: Path, broker: Broker, server: tuple[Path, Running]) -> None:
        self.root, self.broker = root, broker
        self.catalog = http_catalog(root / "catalog", topic="deployed.platform")
        (root / "catalogs").mkdir()
        state = server[1].state
        self.url = (
            f"http://owner:{password(server[0], 'owner')}@{state.host}:{state.http_port}/{DATABASE}"
        )
        self.client = connect("", server[0], role="owner")
        self.client.command(f"CREATE DATABASE `{DATABASE}`")
        self.ports = {name: (free_port(), free_port()) for name in SERVICES}

    def home(self, name: str) -> Path:
        """Give the home of a service, with the one archive of catalogues in it."""
        home = self.root / "homes" / name
        if not home.exists():
            home.mkdir(parents=True)
            (home / "catalogs").symlink_to(self.root / "catalogs")
        return home

    def environment(self, name: str) -> dict[str, str]:
        """Give a service's settings as the compose file says them, with the places of this test."""
        said: dict[str, str] = SERVICES[name]["environment"]
        ingest, metrics = self.ports[name]
        here = {
            "TALLYWIRE_HOME": str(self.home(name)),
            "TALLYWIRE_STORE_URL": self.url if said["TALLYWIRE_STORE_URL"] else "",
            "TALLYWIRE_KAFKA": self.broker.address,
            "TALLYWIRE_METRICS_HOST": "127.0.0.1",
            "TALLYWIRE_METRICS_PORT": str(metrics),
            "TALLYWIRE_INGEST_PORT": str(ingest),
            "TALLYWIRE_DATABASE": DATABASE,
            "TALLYWIRE_TOPIC_PREFIX": "deployed.",
        }
        return {**os.environ, "POLARS_MAX_THREADS": "1", **said, **here}

    def command(self, name: str) -> list[str]:
        """Give a service's command."""
        return [word.replace(CATALOG, str(self.catalog)) for word in SERVICES[name]["command"]]

    def once(self, name: str, *words: str) -> str:
        """Run what does its work and ends: a service's command, or another one in its container."""
        made = typed(list(words) or self.command(name), "", self.environment(name), PATIENCE_S)
        assert made.returncode == 0, made.stdout + made.stderr
        return made.stdout

    @contextmanager
    def running(self, *names: str) -> Iterator[None]:
        """Run services until the end of the block, then end them as `docker stop` does."""
        processes = {}
        try:
            for name in names:
                with (self.root / f"{name}.log").open("ab") as log:
                    processes[name] = subprocess.Popen(
                        [sys.executable, "-m", "cli.main", *self.command(name)],
                        env=self.environment(name), stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                    )  # fmt: skip
            yield
            for name, process in processes.items():
                process.send_signal(signal.SIGTERM)
                assert process.wait(PATIENCE_S) == 0, self.said(name)
        finally:
            for process in processes.values():
                if process.poll() is None:
                    process.kill()
                    process.wait()

    def said(self, name: str) -> str:
        """Give the end of what a service said."""
        return (self.root / f"{name}.log").read_text()[-3_000:]

    def page(self, name: str, page: str) -> str:
        """Ask a service's exporter."""
        try:
            url = f"http://127.0.0.1:{self.ports[name][1]}/{page}"
            with urllib.request.urlopen(url, timeout=10) as answer:
                return str(answer.read().decode())
        except OSError:
            return ""

    def rows(self, query: str) -> list[tuple[Any, ...]]:
        """Ask the store."""
        return [tuple(row) for row in self.client.query(query).result_rows]


def _await(found: Callable[[], bool], told: Callable[[], str]) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while not found():
        assert time.monotonic() < deadline, told()
        time.sleep(0.3)


def _accepted(text: str) -> float:
    return sum(
        float(line.rpartition(" ")[2])
        for line in text.splitlines()
        if line.startswith("tallywire_events_total{") and 'fate="accepted"' in line
    )


def _sent(machine: Machine, key: str, numbers: range) -> None:
    """Send events of several accounts through the gateway, and wait until it has ended."""
    lines = [event(number, subject=SENDERS[number % len(SENDERS)]) for number in numbers]
    address = f"http://127.0.0.1:{machine.ports['ingest'][0]}"
    with machine.running("ingest"), httpx2.Client(base_url=address, timeout=60) as client:

        def ready() -> bool:
            try:
                return client.get("/v1/ready").status_code == 200
            except httpx2.TransportError:
                return False

        _await(ready, lambda: machine.said("ingest"))
        headers = {"Content-Type": LINES, "X-API-Key": key}
        answer = client.post("/v1/usage", content=b"\n".join(lines), headers=headers)
        assert answer.json() == {"accepted": len(lines)}


def _collected(machine: Machine, count: int) -> None:
    with machine.running("collection"):
        _await(
            lambda: _accepted(machine.page("collection", "metrics")) == count,
            lambda: machine.said("collection"),
        )
        time.sleep(2)  # an epoch commits what was collected


def test_what_compose_starts_counts_prices_and_renews_its_catalogue(
    tmp_path: Path, broker: Broker, server: tuple[Path, Running]
) -> None:
    machine = Machine(tmp_path, broker, server)
    for name in ("catalog", "tables", "topics"):
        machine.once(name)
    key = machine.once("ingest", "ingest", "keys", "add", "--feed", "platform").strip()
    first = sorted(path.name for path in (tmp_path / "catalogs").iterdir())
    _sent(machine, key, range(30))
    _collected(machine, 30)
    rated = f"SELECT count() FROM {DATABASE}.rated_events"
    with machine.running("rating-0", "rating-1"):
        both = lambda: machine.said("rating-0") + machine.said("rating-1")  # noqa: E731
        _await(lambda: machine.rows(rated) == [(30,)], both)
        assert all(
            json.loads(machine.page(one, "ready"))["ready"] for one in ("rating-0", "rating-1")
        )
        assert sorted(path.name for path in (tmp_path / "catalogs").iterdir()) == first
        operator = machine.catalog / "operator.yaml"
        operator.write_text(operator.read_text() + "\n# renewed\n")
        machine.once("catalog")
        _sent(machine, key, range(30, 36))
        _collected(machine, 6)
        _await(lambda: machine.rows(rated) == [(36,)], both)
    found = machine.rows(
        f"SELECT catalog_hash, count() FROM {DATABASE}.rated_events GROUP BY 1 ORDER BY 2"
    )
    assert [count for _, count in found] == [6, 30]
    kept = {path.name.partition(".")[0] for path in (tmp_path / "catalogs").glob("*.tar.gz")}
    assert {name for name, _ in found} == kept
    owners = {
        name: {path.name for path in (machine.home(name) / "lanes" / "rating").iterdir()}
        for name in ("rating-0", "rating-1")
    }
    assert not owners["rating-0"] & owners["rating-1"]
    assert sum(map(len, owners.values())) == 65
    [(collected, difference)] = machine.rows(
        f"SELECT sum(collected), sum(abs(difference)) FROM {DATABASE}.v_conservation"
    )
    assert (collected, difference) == (36, 0)
    told = json.loads(machine.once("rating-0", "status", "--json"))
    assert (told["rated"], told["conservation_difference"]) == (36, 0)
    shutil.rmtree(tmp_path / "catalog")
