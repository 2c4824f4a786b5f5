"""`tallywire up` over a home of the tests: started, watched, killed, ended."""

import json
import os
import signal
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Self

from dataflows.settings import Home
from tests.live.commands import tallywire
from tests.live.streams import PATIENCE_S, StreamHome, until
from warehouse.configuration import password
from warehouse.server import free_port


class Up:
    """A supervisor and what it runs.

    Args:
        home: Its home; the store is the tests' own, so none is started.
        environment: What its processes find in their environment besides.
        root: Where the home lies, where that is not `home.home`.
    """

    def __init__(
        self, home: StreamHome, environment: Mapping[str, str] | None = None,
        root: Path | None = None, **changed: Any,
    ) -> None:  # fmt: skip
        self.home, self.root = home, root or home.home
        self.metrics_port = free_port()
        self._environment = dict(environment or {})
        self._changed = changed
        self.process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self.process is not None and self.process.poll() is None:
            self.end()

    def _settings(self) -> dict[str, str]:
        """Write the settings as its processes find them in their environment."""
        store, state = self.home.store, self.home.store.running.state
        url = f"http://owner:{password(store.home, 'owner')}@127.0.0.1:{state.http_port}"
        made = self.home.settings(
            home=self.root, store_url=f"{url}/{store.database}", metrics_port=self.metrics_port,
            **self._changed,
        )  # fmt: skip
        content = made.model_dump(mode="json", exclude_unset=True)
        return {
            f"TALLYWIRE_{name.upper()}": value if isinstance(value, str) else json.dumps(value)
            for name, value in content.items()
        }

    def start(self, *command: str) -> None:
        """Start it; `up` with the home's inputs unless another command is given."""
        self.root.mkdir(exist_ok=True)
        arguments = list(command) or ["up", str(self.home.inputs)]
        with (self.root / "up.log").open("ab") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "cli.main", *arguments],
                stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                env={**os.environ, **self._settings(), **self._environment},
            )  # fmt: skip

    def said(self) -> str:
        """Give what it said at last."""
        return (self.root / "up.log").read_text()[-2_000:]

    def _file(self, name: str) -> dict[str, Any]:
        try:
            found: dict[str, Any] = json.loads((Home(self.root).progress / name).read_bytes())
        except (FileNotFoundError, json.JSONDecodeError):
            return {}
        return found

    def services(self) -> dict[str, Any]:
        """Give what the supervisor says of its processes."""
        assert self.process is not None
        assert self.process.poll() is None, self.said()
        content = self._file("supervisor.json")
        mine = content.get("pid") == self.process.pid
        return dict(content["processes"]) if mine else {}

    def figures(self, name: str) -> dict[str, Any]:
        """Give what a service says of its own work; nothing where it does not run."""
        pid, content = self.pid(name), self._file(f"{name}.json")
        return content if pid and content.get("pid") == pid else {}

    def environment(self) -> dict[str, str]:
        """Give the settings for a command beside it."""
        return self._settings()

    def pid(self, name: str) -> int:
        """Give the process id of a service; 0 where it does not run."""
        return int(self.services().get(name, {}).get("pid", 0))

    def lane(self, lane: str) -> dict[str, Any]:
        """Give the figures of a lane, as programs get them from `status`."""
        for name in self.services():
            content = self._file(f"{name}.json")
            if lane in content.get("lanes", {}):
                return dict(content["lanes"][lane])
        return {"quarantined": None, "position": 0, "crashes": 0, "expired": 0, "fates": {}}

    def status(self) -> dict[str, Any]:
        """Ask `status --lanes --json`."""
        told = tallywire("status", "--lanes", "--json", "--home", self.root)
        assert told.returncode == 0, told.stderr
        found: dict[str, Any] = json.loads(told.stdout)
        return found

    def page(self, path: str) -> tuple[int, str]:
        """Ask for a page of its metrics port: status and text."""
        try:
            url = f"http://127.0.0.1:{self.metrics_port}{path}"
            with urllib.request.urlopen(url, timeout=10) as answer:
                return answer.status, answer.read().decode()
        except urllib.error.HTTPError as error:
            return error.code, error.read().decode()

    def end(self) -> int:
        """Ask it to end, and wait."""
        assert self.process is not None
        self.process.send_signal(signal.SIGTERM)
        try:
            return self.process.wait(PATIENCE_S)
        except subprocess.TimeoutExpired:
            self.process.kill()
            raise

    def kill(self) -> list[int]:
        """Kill it at once; give the process ids of what it ran."""
        pids = [pid for one in self.services().values() if (pid := int(one["pid"]))]
        assert self.process is not None
        self.process.kill()
        self.process.wait()
        return pids


def gone(pid: int) -> bool:
    """Tell whether a process has ended."""
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except (FileNotFoundError, ProcessLookupError):
        return True
    return state == "Z"


def until_gone(pids: list[int], seconds: float) -> None:
    """Wait until processes have ended."""
    until(lambda: all(gone(pid) for pid in pids), f"the end of {pids}", seconds)
