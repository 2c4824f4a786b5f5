"""Starting, finding and stopping the embedded store."""

import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from dataclasses import dataclass
from pathlib import Path

from pydantic import BaseModel

from warehouse.configuration import LOCAL, ServerPlan, prepare
from warehouse.engine import listen
from warehouse.errors import StoreError

_STATE = "store.json"
_READY_S = 60.0
_STOP_S = 30.0
_POLL_S = 0.05


class ServerState(BaseModel):
    """Where a running server is.

    Attributes:
        pid: Process that serves.
    """

    host: str
    http_port: int
    tcp_port: int
    pid: int


@dataclass
class Running:
    """A server started as a child of this process."""

    process: subprocess.Popen[bytes]
    state: ServerState

    def stop(self) -> int:
        """Ask it to end and wait; give its exit code."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        try:
            return self.process.wait(_STOP_S)
        except subprocess.TimeoutExpired:
            self.process.kill()
            return self.process.wait()


def free_port() -> int:
    """Find a port of 127.0.0.1 that nobody listens on."""
    with socket.socket() as probe:
        probe.bind((LOCAL, 0))
        port: int = probe.getsockname()[1]
        return port


def alive(pid: int) -> bool:
    """Tell whether a process is there."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def find(home: Path) -> ServerState | None:
    """Find the server of a home: `None` when none runs; a killed one's file is passed over."""
    path = home / _STATE
    try:
        state = ServerState.model_validate_json(path.read_bytes())
    except (FileNotFoundError, ValueError):
        return None
    return state if alive(state.pid) else None


def serve(plan: ServerPlan) -> None:
    """Serve in the foreground until told to end.

    Raises:
        StoreError: If another server has the folder or the port, or the engine cannot start.
    """
    running = find(plan.home)
    if running is not None:
        msg = f"a store already serves {plan.home}: process {running.pid}, port {running.http_port}"
        raise StoreError(msg)
    for port in (plan.http_port, plan.tcp_port):
        _check_port(plan.listen, port)
    try:
        prepare(plan)
        state = ServerState(
            host=plan.listen, http_port=plan.http_port, tcp_port=plan.tcp_port, pid=os.getpid()
        )
        path = plan.home / _STATE
        path.touch(mode=0o600)
        path.write_text(state.model_dump_json())
    except OSError as error:
        msg = f"the store's folder {plan.home} cannot be written: {error.strerror}"
        raise StoreError(msg) from error
    try:
        listen(plan.home.resolve())
    finally:
        path.unlink(missing_ok=True)


def _check_port(host: str, port: int) -> None:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            msg = f"port {port} of {host} cannot be used ({error.strerror}): choose another"
            raise StoreError(msg) from error


def _answers(state: ServerState) -> bool:
    url = f"http://{state.host}:{state.http_port}/ping"
    try:
        with urllib.request.urlopen(url, timeout=1) as answer:
            return bool(answer.status == 200)
    except (urllib.error.URLError, OSError):
        return False


def answers(home: Path) -> bool:
    """Tell whether a store serves a home and answers."""
    state = find(home)
    return state is not None and _answers(state)


def start(plan: ServerPlan) -> Running:
    """Start a server as a child process and wait until it answers.

    Raises:
        StoreError: If it ends, or does not answer within a minute.
    """
    log = plan.home / "output.log"
    try:
        plan.home.mkdir(parents=True, exist_ok=True)
        output = log.open("ab")
    except OSError as error:
        msg = f"the store's folder {plan.home} cannot be written: {error.strerror}"
        raise StoreError(msg) from error
    with output:
        process = subprocess.Popen(  # noqa: S603  our own interpreter and module
            [sys.executable, "-m", "warehouse.serve", plan.home, str(plan.http_port),
             str(plan.tcp_port), str(plan.memory_bytes), plan.database],
            stdin=subprocess.DEVNULL, stdout=output, stderr=output, start_new_session=True,
        )  # fmt: skip
    state = ServerState(
        host=plan.listen, http_port=plan.http_port, tcp_port=plan.tcp_port, pid=process.pid
    )
    deadline = time.monotonic() + _READY_S
    while time.monotonic() < deadline:
        if process.poll() is not None:
            lines = log.read_text(errors="replace").strip().splitlines() or ["no output"]
            msg = f"the store did not start: {lines[-1]} (see {log})"
            raise StoreError(msg)
        if _answers(state):
            return Running(process, state)
        time.sleep(_POLL_S)
    process.kill()
    msg = f"the store did not answer within {_READY_S:.0f} s (see {log})"
    raise StoreError(msg)
