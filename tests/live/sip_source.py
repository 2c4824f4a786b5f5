"""Real calls: SIPp's callers and callees, and between them Kamailio, which accounts for them."""

import os
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

_SCENARIOS = Path(__file__).parent / "sip"
_PROGRAMS = f"{os.environ.get('PATH', '')}:/usr/sbin"
_PATIENCE_S = 20


class SipMissing(Exception):  # noqa: N818  it says what is the case
    """Kamailio or SIPp is not installed."""


@dataclass(frozen=True)
class Call:
    """A call to be made.

    Attributes:
        caller: Scenario of the caller.
        held_ms: How long it is held once it is answered.
    """

    caller: str
    held_ms: int = 0


CALLS: Mapping[str, Call] = {
    "4741234010": Call("calls"),
    "4741234020": Call("calls", 1_000),
    "4741234030": Call("calls", 2_500),
    "4741234041": Call("calls"),
    "4741234052": Call("is_hung_up_on", 1_500),
    "4741234060": Call("is_lost"),
}
"""Calls by the number dialled, whose last digit says who is called: 1 is busy, 2 hangs up."""

BUSY, LOST = "4741234041", "4741234060"


def _program(name: str) -> str:
    found = shutil.which(name, path=_PROGRAMS)
    if found is None:
        msg = f"{name} is not installed (Debian: kamailio, sip-tester)"
        raise SipMissing(msg)
    return found


def _free_ports(count: int) -> list[int]:
    sockets = [socket.socket(socket.AF_INET, socket.SOCK_DGRAM) for _ in range(count)]
    for one in sockets:
        one.bind(("127.0.0.1", 0))
    ports = [int(one.getsockname()[1]) for one in sockets]
    for one in sockets:
        one.close()
    return ports


def _taken(port: int) -> bool:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as one:
        try:
            one.bind(("127.0.0.1", port))
        except OSError:
            return True
    return False


@contextmanager
def _running(command: list[str], folder: Path, name: str, port: int) -> Iterator[None]:
    """Keep a program running; it is ready when its port is taken."""
    log = folder / f"{name}.log"
    with log.open("wb") as file:
        process = subprocess.Popen(command, stdout=file, stderr=file, cwd=folder)
    try:
        deadline = time.monotonic() + _PATIENCE_S
        while not _taken(port):
            assert process.poll() is None, log.read_text(errors="replace")
            assert time.monotonic() < deadline, f"{name} did not start"
            time.sleep(0.05)
        yield
    finally:
        process.terminate()
        process.wait(_PATIENCE_S)


def _sipp(scenario: str, port: int, *arguments: str) -> list[str]:
    return [_program("sipp"), "-sf", str(_SCENARIOS / f"{scenario}.xml"), "-i", "127.0.0.1", "-p",
            str(port), "-nostdin", *arguments]  # fmt: skip


def make_calls(folder: Path) -> Path:
    """Make all CALLS, at once, and give the folder of what the proxy wrote of them.

    Raises:
        SipMissing: If a program is not installed.
    """
    ledgers, run = folder / "acc", folder / "run"
    ledgers.mkdir()
    run.mkdir()
    callees = ("answers", "busy", "hangs_up")
    proxy, *ports = _free_ports(1 + len(callees) + len(CALLS))
    places = dict(zip(callees, ports, strict=False))
    text = (_SCENARIOS / "kamailio.cfg").read_text()
    values = {"PROXY": proxy, "FOLDER": ledgers, **{n.upper(): p for n, p in places.items()}}
    for name, value in values.items():
        text = text.replace(name, str(value))
    config = folder / "proxy.cfg"
    config.write_text(text)
    kamailio = [_program("kamailio"), "-DD", "-E", "-f", str(config), "-P", str(run / "pid"), "-m",
                "16", "-M", "2", "-Y", str(run)]  # fmt: skip
    with ExitStack() as stack:
        stack.enter_context(_running(kamailio, folder, "kamailio", proxy))
        for name, port in places.items():
            held = [str(call.held_ms) for call in CALLS.values() if call.caller == "is_hung_up_on"]
            command = _sipp(name, port, "-d", *held)
            stack.enter_context(_running(command, folder, name, port))
        callers = [
            subprocess.Popen(
                _sipp(call.caller, port, "-m", "1", "-d", str(call.held_ms), "-s", number,
                      f"127.0.0.1:{proxy}"),
                stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, cwd=folder,
            )
            for port, (number, call) in zip(ports[len(callees) :], CALLS.items(), strict=True)
        ]  # fmt: skip
        assert [caller.wait(_PATIENCE_S) for caller in callers] == [0] * len(callers)
    return ledgers
