"""A real MQTT broker, a real publisher, and the subscriber that takes what is published."""

import os
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Iterable
from contextlib import suppress
from pathlib import Path
from typing import Any

import orjson

from dataflows.catalogs import example_folder
from dataflows.run import compile_into
from dataflows.settings import Home
from dataflows.sources.http import HttpStream
from tests.live.forks import Forked, executed
from warehouse.server import free_port

_PATH = f"{os.environ.get('PATH', '')}{os.pathsep}/usr/sbin{os.pathsep}/usr/local/sbin"
BROKER, PUBLISHER = (shutil.which(name, path=_PATH) for name in ("mosquitto", "mosquitto_pub"))
TOPIC = "meters/7/up"


def until(true: Callable[[], bool], what: Callable[[], str], seconds: float = 60) -> None:
    deadline = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < deadline, what()
        time.sleep(0.05)


class Broker:
    """A mosquitto of its own.

    Args:
        lines: Further lines of its configuration.
        keeps: It keeps sessions over its own restart.
    """

    def __init__(self, folder: Path, *lines: str, keeps: bool = False) -> None:
        folder.mkdir()
        self.port = free_port()
        self._log = folder / "log"
        self.configuration = folder / "mosquitto.conf"
        kept = ["persistence true", f"persistence_location {folder}/"] if keeps else []
        own = [
            "user root", f"listener {self.port} 127.0.0.1", "log_dest stdout",
            "max_queued_messages 0", *kept,
        ]  # fmt: skip
        self.configuration.write_text("\n".join([*own, *(lines or ["allow_anonymous true"])]))
        self.start()

    def start(self) -> None:
        command = [str(BROKER), "-c", str(self.configuration)]
        with self._log.open("ab") as log:
            self.process = subprocess.Popen(command, stdout=log, stderr=log)
        until(self._answers, self._log.read_text)

    def _answers(self) -> bool:
        with suppress(OSError), socket.create_connection(("127.0.0.1", self.port), 1):
            return True
        return False

    def publish(
        self, *payloads: bytes, topic: str = TOPIC, qos: int = 1, options: Iterable[str] = ()
    ) -> None:
        """Publish as another program does: each payload is a line of its input."""
        command = [str(PUBLISHER), "-p", f"{self.port}", "-t", topic, "-q", f"{qos}", "-l"]
        lines = b"".join(payload + b"\n" for payload in payloads)
        subprocess.run([*command, *options], input=lines, check=True, timeout=60)

    def publish_whole(self, payload: bytes, *options: str, topic: str = TOPIC) -> None:
        """Publish one payload, whatever its bytes are."""
        command = [
            str(PUBLISHER),
            "-p",
            f"{self.port}",
            "-t",
            topic,
            "-q",
            "1",
            "-s" if payload else "-n",
        ]
        subprocess.run([*command, *options], input=payload, check=True, timeout=60)

    def stop(self) -> None:
        self.process.send_signal(signal.SIGTERM)
        self.process.wait(timeout=30)

    def close(self) -> None:
        self.process.kill()
        self.process.wait()


def mqtt_catalog(folder: Path, mqtt: str, *more: str) -> Path:
    """Write the example catalogue with the feed `platform` by MQTT."""
    if not folder.exists():
        shutil.copytree(example_folder(), folder)
    text = (example_folder() / "feeds" / "platform.yaml").read_text()
    assert "path: platform/*.jsonl" in text
    written = "\n".join([f"mqtt: {{{mqtt}}}", *more])
    feed = text.replace("path: platform/*.jsonl", written)
    (folder / "feeds" / "platform.yaml").write_text(feed)
    return folder


class Subscriber:
    """A home and the subscriber that serves it.

    Args:
        executes: It is started as users start it, not forked.
    """

    def __init__(
        self, root: Path, catalog: Path, *, executes: bool = False, name: str = "home",
        **settings: object,
    ) -> None:  # fmt: skip
        self.home = Home(root / name)
        self.home.root.mkdir()
        compile_into(self.home, catalog)
        self.log = root / f"{name}.jsonl"
        self.environment = {
            f"TALLYWIRE_{name.upper()}": str(value)
            for name, value in {"home": self.home.root, **settings}.items()
        }
        self._executes = executes
        self.process: Forked | subprocess.Popen[bytes] | None = None

    def start(self, *arguments: str, subscribed: bool = True) -> None:
        """Start it, and wait until it is subscribed."""
        path = self.home.progress / "mqtt.json"
        path.unlink(missing_ok=True)
        start = executed if self._executes else Forked
        environment = {"POLARS_MAX_THREADS": "2", **self.environment}
        self.process = start(["mqtt", "serve", *arguments], self.log, environment, command=True)
        if subscribed:
            self.wait(lambda counts: counts["connected"]["platform"] == 1)

    def wait(self, true: Callable[[dict[str, Any]], bool], seconds: float = 60) -> dict[str, Any]:
        """Wait until what it counts is so; give it."""

        def found() -> bool:
            assert self.process is not None
            assert self.process.poll() is None, self.log.read_text()
            return (self.home.progress / "mqtt.json").exists() and true(self.counts())

        until(found, self.log.read_text, seconds)
        return self.counts()

    def counts(self) -> dict[str, Any]:
        """Read what it counted."""
        content = orjson.loads((self.home.progress / "mqtt.json").read_bytes())
        counted: dict[str, Any] = content["mqtt"]
        return {**counted, "problems": content["problems"], "ended": content["ended"]}

    def messages(self, outcome: str, number: int) -> None:
        """Wait until so many messages had an outcome."""
        self.wait(lambda counts: counts["messages"]["platform"][outcome] >= number)

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
        if self.process is not None and self.process.poll() is None:
            self.kill()

    def records(self, partitions: int = 1) -> list[bytes]:
        """Read everything that is durable, as a lane would."""
        found: list[bytes] = []
        for partition in range(partitions):
            stream = HttpStream(self.home.mqtt, "platform", partition, 7)
            position = 0
            while (got := stream.next(position, rows=10_000, limit=1 << 20)) is not None:
                found += got.frames(0, 0).slices()
                position = got.last
        return found

    def ids(self, partitions: int = 1) -> list[int]:
        """Give the numbers of the events that are durable."""
        return [int(orjson.loads(one)["id"]) for one in self.records(partitions)]
