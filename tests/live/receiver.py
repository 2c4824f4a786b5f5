"""A receiver of webhooks and messages: a real HTTP server, in a process of its own.

What it does next stands in a file, so that a test can let it refuse, hang, and come back.
"""

import json
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from warehouse.server import free_port

_PATIENCE_S = 120


def _handler(folder: Path) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"])).decode()
            mode = (folder / "mode").read_text()
            line = {"path": self.path, "mode": mode, "headers": dict(self.headers), "body": body}
            with (folder / "requests").open("a") as file:
                file.write(json.dumps(line) + "\n")
            if mode == "hang":
                time.sleep(_PATIENCE_S)
            status = {"refuse": 503, "redirect": 307}.get(mode, 204)
            self.send_response(status)
            if mode == "redirect":
                self.send_header("location", "/elsewhere")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    return Handler


@dataclass
class Receiver:
    folder: Path
    port: int
    process: "subprocess.Popen[bytes] | None" = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/hook"

    def mode(self, name: str) -> None:
        draft = self.folder / "draft"
        draft.write_text(name)
        draft.rename(self.folder / "mode")

    def requests(self, mode: str = "") -> list[dict[str, Any]]:
        path = self.folder / "requests"
        lines = path.read_text().splitlines(keepends=True) if path.exists() else []
        found = [json.loads(line) for line in lines if line.endswith("\n")]
        return [one for one in found if mode in {"", one["mode"]}]

    def start(self) -> None:
        command = [sys.executable, "-m", "tests.live.receiver", str(self.folder), str(self.port)]
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE)
        assert self.process.stdout is not None
        assert self.process.stdout.readline() == b"listening\n"

    def kill(self) -> None:
        if self.process is not None:
            self.process.kill()
            self.process.communicate()
            self.process = None


@contextmanager
def receiving(folder: Path) -> Iterator[Receiver]:
    folder.mkdir()
    receiver = Receiver(folder, free_port())
    receiver.mode("take")
    receiver.start()
    try:
        yield receiver
    finally:
        receiver.kill()


if __name__ == "__main__":
    server = ThreadingHTTPServer(("127.0.0.1", int(sys.argv[2])), _handler(Path(sys.argv[1])))
    sys.stdout.write("listening\n")
    sys.stdout.flush()
    server.serve_forever()
