"""Starting a real RADIUS listener, and asking it as an access server does."""

import shutil
import signal
import socket
import subprocess
import time
from pathlib import Path

import orjson

from dataflows.catalogs import CatalogStore, example_folder
from dataflows.run import compile_into
from dataflows.settings import Home
from dataflows.sources.http import HttpStream
from tallywire.catalog.snapshot import Feed
from tests import radius
from tests.live.forks import Forked, executed

FEED = """\
id: live
name: Access network, live
format: radius
service: data
radius:
  - {network: 127.0.0.1, secret: bras}
  - {network: 127.0.0.2/31, secret: signed, signed: yes}
served:
  - {identifier: user_name, field: user_name}
typical_quantity: 100 MB
"""
SIGNED = b"another secret, of signed ones"


def radius_catalog(folder: Path, added: str = "") -> Path:
    """Write the example catalogue with a feed `live` by RADIUS."""
    shutil.copytree(example_folder(), folder)
    (folder / "feeds" / "live.yaml").write_text(FEED + added)
    return folder


def free_udp_port() -> int:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    return port


class RadiusServer:
    """A home and the listener that serves it.

    Args:
        executes: It is started as users start it, not forked.
    """

    def __init__(
        self, root: Path, catalog: Path, *, executes: bool = False, **settings: object
    ) -> None:
        self.home = Home(root / "home")
        self.home.root.mkdir()
        compile_into(self.home, catalog)
        self.port = free_udp_port()
        self.log = root / "listener.jsonl"
        self._secret = root / "secret"
        self._secret.write_bytes(SIGNED + b"\n")
        self._executes, self._settings = executes, settings
        self.process: Forked | subprocess.Popen[bytes] | None = None

    def start(self, *arguments: str) -> None:
        """Start it, and wait until it answers."""
        settings = {"radius_port": self.port, "home": self.home.root, **self._settings}
        environment = {
            "POLARS_MAX_THREADS": "2",
            "TALLYWIRE_RADIUS_SECRET_BRAS": radius.SECRET.decode(),
            "TALLYWIRE_RADIUS_SECRET_SIGNED_FILE": str(self._secret),
            **{f"TALLYWIRE_{name.upper()}": str(value) for name, value in settings.items()},
        }
        start = executed if self._executes else Forked
        self.process = start(["radius", "serve", *arguments], self.log, environment, command=True)
        deadline = time.monotonic() + 60
        while self.ask(radius.status_server(), seconds=0.2) is None:
            assert self.process.poll() is None, self.log.read_text()
            assert time.monotonic() < deadline, self.log.read_text()

    def ask(
        self, packet: bytes, *, source: str = "127.0.0.1", seconds: float = 5.0
    ) -> bytes | None:
        """Send a packet from a port of its own; give the answer, if one comes in time."""
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as client:
            client.bind((source, 0))
            client.settimeout(seconds)
            client.sendto(packet, ("127.0.0.1", self.port))
            try:
                return client.recv(4_096)
            except (TimeoutError, ConnectionRefusedError):
                return None

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

    def feed(self) -> Feed:
        """Give the feed that the packets go to."""
        store = CatalogStore(self.home.catalogs)
        return store.load(store.current()).feeds["live"]

    def records(self, partitions: int = 1) -> list[bytes]:
        """Read everything that is durable, as a lane would."""
        found: list[bytes] = []
        for partition in range(partitions):
            stream = HttpStream(self.home.radius, "live", partition, 7)
            position = 0
            while (got := stream.next(position, rows=10_000, limit=1 << 20)) is not None:
                found += got.frames(0, 0).slices()
                position = got.last
        return found

    def packets(self) -> dict[str, int]:
        """Read what it counted, once it has written it."""
        time.sleep(1.2)
        content = orjson.loads((self.home.progress / "radius.json").read_bytes())
        counted: dict[str, int] = content["radius"]["packets"]
        return counted
