"""Starting a real ingest gateway, and reading what it left in its spool."""

import json
import shutil
import signal
import subprocess
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import httpx2

from dataflows.catalogs import example_folder
from dataflows.ingest.keys import add_key
from dataflows.run import compile_into
from dataflows.settings import Home
from dataflows.sources.http import HttpStream
from tests.live.forks import Forked, executed
from warehouse.server import free_port

LINES = "application/x-ndjson"
NOW = "2026-11-26T00:00:00Z"


def event(number: int, **changed: object) -> bytes:
    """An event that the feed `platform` takes."""
    content = {
        "specversion": "1.0", "id": f"{number}", "source": "/live", "type": "api.call",
        "time": "2026-10-24T10:00:00Z", "subject": "c1", "data": {"path": "/a"}, **changed,
    }  # fmt: skip
    return json.dumps(content).encode()


def http_catalog(folder: Path, **lines: str) -> Path:
    """Write the example catalogue with the feed `platform` by HTTP; `lines` are added to it."""
    shutil.copytree(example_folder(), folder)
    feed = folder / "feeds" / "platform.yaml"
    added = "".join(f"\n{name}: {value}" for name, value in lines.items())
    feed.write_text(feed.read_text().replace("path: platform/*.jsonl", f"http: yes{added}"))
    return folder


class Gateway:
    """A home and the gateway that serves it.

    Args:
        executes: It is started as users start it, not forked.
    """

    def __init__(
        self, root: Path, catalog: Path, *, executes: bool = False, **settings: object
    ) -> None:
        self.executes = executes
        self.home = Home(root / "home")
        self.home.root.mkdir()
        compile_into(self.home, catalog)
        self.key = self.add_key()
        self.port = free_port()
        self.settings = settings
        self.process: Forked | subprocess.Popen[bytes] | None = None
        self.client = httpx2.Client(base_url=f"http://127.0.0.1:{self.port}", timeout=30)
        self.log = root / "gateway.jsonl"

    def add_key(self, feed: str = "platform", events_per_s: int = 0) -> str:
        return add_key(
            self.home.ingest_keys, tenant="fjordline", feeds=[feed], events_per_s=events_per_s,
            now=NOW,
        )  # fmt: skip

    def start(self, *arguments: str) -> None:
        """Start it, and wait until it answers."""
        settings = {"ingest_port": self.port, "home": self.home.root, **self.settings}
        found = {f"TALLYWIRE_{name.upper()}": str(value) for name, value in settings.items()}
        start = executed if self.executes else Forked
        environment = {"POLARS_MAX_THREADS": "2", **found}
        self.process = start(["ingest", "serve", *arguments], self.log, environment, command=True)
        deadline = time.monotonic() + 60
        while not self._answers():
            assert self.process.poll() is None, self.log.read_text()
            assert time.monotonic() < deadline, self.log.read_text()
            time.sleep(0.05)

    def _answers(self) -> bool:
        try:
            return self.client.get("/v1/health").status_code == 200
        except httpx2.TransportError:
            return False

    def post(
        self, body: bytes, content_type: str = LINES, *, key: str | None = None,
        headers: Mapping[str, str] | None = None, query: str = "",
    ) -> httpx2.Response:  # fmt: skip
        """Send usage."""
        sent = {"Content-Type": content_type, "X-API-Key": self.key if key is None else key}
        return self.client.post(
            f"/v1/usage{query}", content=body, headers={**sent, **(headers or {})}
        )

    def kill(self) -> None:
        """Kill it at once."""
        assert self.process is not None
        self.process.kill()
        self.process.wait()

    def stop(self) -> int:
        """Ask it to end; give its exit code."""
        assert self.process is not None
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(timeout=60)

    def close(self) -> None:
        self.client.close()
        if self.process is not None and self.process.poll() is None:
            self.kill()

    def stream(self, partition: int, feed: str = "platform") -> HttpStream:
        """Open a partition as a lane would."""
        return HttpStream(self.home.ingest, feed, partition, 7)

    def records(self, feed: str = "platform", partitions: int = 1) -> list[bytes]:
        """Read everything that is durable, as a lane would."""
        found: list[bytes] = []
        for partition in range(partitions):
            stream = self.stream(partition, feed)
            position = 0
            while (got := stream.next(position, rows=1_000, limit=100_000)) is not None:
                found += got.frames(0, 0).slices()
                position = got.last
        return found

    def counts(self) -> dict[str, Any]:
        """Read what it counted, once it has written it."""
        time.sleep(1.2)
        content: dict[str, Any] = json.loads((self.home.progress / "ingest.json").read_bytes())
        return content


def problem(answer: httpx2.Response) -> str:
    """Give the type of the problem that an answer is, made sure that it is one."""
    assert answer.headers["content-type"] == "application/problem+json"
    content = answer.json()
    assert content["status"] == answer.status_code
    assert content["title"]
    assert content["detail"]
    return str(content["type"]).removeprefix("/problems/")
