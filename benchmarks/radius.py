"""RADIUS accounting: the listener against a plain echo of datagrams, and its parts against pyrad.

Sender and listener share the machine's cores, so packets are also given for a second of the listener's
own processor time: that is what one core does. Every packet is another one, and counts when its answer
came, which is after the sync. Senders wait for answers: each has so many packets on their way.
"""

import io
import json
import os
import select
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import orjson
import psutil
from pyrad.dictionary import Dictionary
from pyrad.packet import AcctPacket

from benchmarks.report import Row, print_sections
from dataflows.catalogs import CatalogStore
from tallywire.mediation.decoded import Frames
from tallywire.mediation.decoders import DECODERS
from tallywire.mediation.lane import BatchContext, LaneState, mediate
from tallywire.mediation.radius.packet import Packet, answer, parse, proven
from tallywire.mediation.resolve import IdentifierIndex
from tests import radius
from tests.live.radius import RadiusServer, free_udp_port, radius_catalog

OUT = Path("benchmarks/out/radius")
WANTED = 10_000
"""Packets a second that one core should take."""
_SENDERS, _WINDOW = 16, 64
_SILENT_S = 1.0
_DECODED, _PIECE = 40_000, 10_000
_ORACLE = 3_000
_NOW_S = 1_793_000_000

_ECHO = """
import socket, sys
with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as found:
    found.bind(("127.0.0.1", int(sys.argv[1])))
    while True:
        data, peer = found.recvfrom(4097)
        found.sendto(data[:20], peer)
"""


def packets(count: int) -> list[bytes]:
    """Make Interim-Updates of 250 servers, each of another session."""
    beside = [
        (31, b"02-00-00-00-00-01"),
        (30, b"access-1"),
        (32, b"bras-oslo-1"),
        (87, b"ae0.1027"),
    ]
    return [
        radius.request(
            radius.accounting(
                radius.INTERIM, f"session-{number}", nas=f"192.0.2.{number % 250}", seconds=900,
                user="anna@fjordline.example", down=number * 1_000, up=number, at=_NOW_S,
                more=beside,
            ),
            number % 256,
        )
        for number in range(count)
    ]  # fmt: skip


class Senders:
    """Clients that send the next packet when an answer comes."""

    def __init__(self, port: int, made: Sequence[bytes]) -> None:
        self._left = iter(made)
        self._poll, self._sockets = select.epoll(), {}
        for _ in range(_SENDERS):
            one = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
            one.connect(("127.0.0.1", port))
            one.setblocking(False)
            self._poll.register(one, select.EPOLLIN)
            self._sockets[one.fileno()] = one

    def _send(self, one: socket.socket) -> None:
        if (following := next(self._left, None)) is not None:
            one.send(following)

    def _taken(self, one: socket.socket) -> int:
        """Take the answers that wait at a socket."""
        answered = 0
        try:
            while True:
                one.recv(64)
                answered += 1
                self._send(one)
        except BlockingIOError:
            return answered

    def run(self, seconds: float) -> tuple[int, float]:
        """Send until the time is over, or no answer comes; give answers, and seconds."""
        began = ended = time.perf_counter()
        answered = 0
        for one in self._sockets.values():
            for _ in range(_WINDOW):
                self._send(one)
        while ended - began < seconds:
            ready = self._poll.poll(_SILENT_S)
            if not ready:
                break
            answered += sum(self._taken(self._sockets[file]) for file, _ in ready)
            ended = time.perf_counter()
        for one in self._sockets.values():
            one.close()
        self._poll.close()
        return answered, ended - began


@contextmanager
def _echo() -> Iterator[tuple[int, int]]:
    port = free_udp_port()
    server = subprocess.Popen([sys.executable, "-c", _ECHO, str(port)])
    try:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
            probe.settimeout(0.2)
            while True:
                probe.sendto(b"x", ("127.0.0.1", port))
                try:
                    probe.recv(64)
                    break
                except OSError:
                    continue
        yield port, server.pid
    finally:
        server.kill()
        server.wait(30)


def _used_s(pid: int) -> float:
    used = psutil.Process(pid).cpu_times()
    return float(used.user + used.system)


def _served(port: int, pid: int, made: Sequence[bytes], seconds: float) -> tuple[float, float]:
    """Give answers a second, and answers a second of the server's own processor time."""
    before = _used_s(pid)
    answered, took = Senders(port, made).run(seconds)
    return answered / took, answered / (_used_s(pid) - before)


def _each_us(work: Callable[[bytes], object], made: Sequence[bytes]) -> float:
    """Give microseconds for each packet, of the fastest of three rounds."""
    best = float("inf")
    for _ in range(3):
        began = time.process_time()
        for one in made:
            work(one)
        best = min(best, time.process_time() - began)
    return best / len(made) * 1e6


def _ours(data: bytes) -> bytes:
    packet = parse(data)
    if not isinstance(packet, Packet) or proven(packet, radius.SECRET, must_sign=False):
        raise SystemExit(data.hex())
    return answer(packet, radius.SECRET)


def _theirs() -> Callable[[bytes], bytes]:
    """Do the same with pyrad."""
    names = Dictionary(io.StringIO("ATTRIBUTE User-Name 1 string\n"))

    def work(data: bytes) -> bytes:
        packet = AcctPacket(secret=radius.SECRET, dict=names, packet=data)
        if not packet.VerifyAcctRequest():
            raise SystemExit(data.hex())
        reply: bytes = packet.CreateReply().ReplyPacket()
        return reply

    return work


def _frames(lines: Sequence[bytes]) -> Frames:
    lengths = np.fromiter((len(line) for line in lines), np.int64, len(lines))
    ends = np.cumsum(lengths + 1)
    return Frames(b"\n".join([*lines, b""]), ends - lengths - 1, lengths)


def _lane_rows(server: RadiusServer) -> list[Row]:
    """Decode and mediate what the listener kept, as a collection lane does."""
    store = CatalogStore(server.home.catalogs)
    snapshot = store.load(store.current())
    feed, lines = snapshot.feeds["live"], server.records()[:_DECODED]
    state, index = LaneState(), IdentifierIndex(snapshot.identifiers)
    decoding = mediating = 0.0
    for start in range(0, len(lines), _PIECE):
        frames = _frames(lines[start : start + _PIECE])
        context = BatchContext(
            feed, snapshot, index, "live@0000", "f", "f", _NOW_S * 10**6, frames
        )  # fmt: skip
        began = time.process_time()
        found = DECODERS["radius"].decode(frames, feed).frame
        decoding += time.process_time() - began
        began = time.process_time()
        mediate(state, found, context)
        mediating += time.process_time() - began
    each = "records/s per core"
    return [
        Row("lane: decoded", each, len(lines) / decoding),
        Row("lane: decoded and mediated", each, len(lines) / (decoding + mediating)),
    ]


def _told(server: RadiusServer) -> dict[str, Any]:
    time.sleep(1.2)  # it writes what it counted twice a second
    told: dict[str, Any] = orjson.loads((server.home.progress / "radius.json").read_bytes())
    return dict(told["radius"])


def main(seconds: float = 5.0) -> None:
    """Measure, print, keep."""
    shutil.rmtree(OUT, ignore_errors=True)
    OUT.mkdir(parents=True)
    made = packets(int(seconds * 35_000))
    with _echo() as (port, pid):
        floor, floor_core = _served(port, pid, made, seconds / 2)
    server = RadiusServer(OUT, radius_catalog(OUT / "catalog"), executes=True)
    try:
        server.start()
        pid = server.process.pid if server.process else 0
        taken, core = _served(server.port, pid, made, seconds)
        told = _told(server)
        server.stop()
        lane = _lane_rows(server)
    finally:
        server.close()
    lost = sum(told["packets"][name] for name in ("kernel_dropped", "queue_full"))
    durable, per_core = "answered, all durable", "packets/s per core"
    note = f"{len(made[0])} octets, {_SENDERS * _WINDOW} on their way, {os.cpu_count()} cores for both sides"
    rows = [
        Row(durable, "packets/s", taken, note),
        Row(durable, per_core, core, f"wanted: {WANTED:,}; {lost} dropped"),
        Row("synced together", "packets", told["packets"]["accepted"] / max(1, told["commits"])),
        Row("floor: echo of datagrams", "packets/s", floor, "same senders"),
        Row("floor: echo of datagrams", per_core, floor_core),
        Row("ratio to floor", "", core / floor_core),
        Row("walked, proven, answer written", "µs", _each_us(_ours, made[:_ORACLE])),
        Row("the same by pyrad", "µs", _each_us(_theirs(), made[:_ORACLE])),
        *lane,
    ]
    print_sections({"Usage by RADIUS": rows})
    content = [{"what": row.what, "unit": row.unit, "value": row.value} for row in rows]
    (OUT / "radius.json").write_text(json.dumps(content, indent=2))
