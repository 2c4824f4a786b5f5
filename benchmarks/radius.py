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

import psutil
from pyrad.client import Client
from pyrad.dictionary import Dictionary
from pyrad.packet import AcctPacket

from benchmarks.report import Row, print_sections
from tallywire.mediation.decoded import Frames
from tallywire.mediation.lane import BatchContext, LaneState, mediate
from tallywire.mediation.radius.packet import Packet, answer, parse, proven
from tallywire.mediation.resolve import IdentifierIndex
from tests import radius
from tests.live.radius import RadiusServer, free_udp_port, radius_catalog

OUT = Path("benchmarks/out/radius")
WANTED = 10_000
"""Packets a second that one core should take."""
_SENDERS, _WINDOW = 16, 64
_LOST_S = 1.0
_DECODED = 50_000
_PIECE = 10_000
_ORACLE = 3_000

_ECHO = """
import socket, sys
with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as found:
    found.bind(("127.0.0.1", int(sys.argv[1])))
    while True:
        data, peer = found.recvfrom(4097)
        found.sendto(data[:20], peer)
"""


def packets(count: int) -> list[bytes]:
    """Make Interim-Updates of 500 servers, each of another session."""
    return [
        radius.request(
            radius.accounting(
                radius.INTERIM, f"session-{number}", nas=f"192.0.2.{number % 250}", seconds=900,
                user=f"user-{number}@example.net", down=number * 1_000, up=number, at=1_793_000_000,
                more=[(31, b"02-00-00-00-00-01"), (30, b"access-1"), (32, b"bras-oslo-1"), (87, b"ae0.1027")],
            ),
            number % 256,
        )
        for number in range(count)
    ]  # fmt: skip


def load(port: int, made: Sequence[bytes], seconds: float) -> tuple[int, int, float]:
    """Send until the time is over; give answers, packets without one, and seconds."""
    senders = [socket.socket(socket.AF_INET, socket.SOCK_DGRAM) for _ in range(_SENDERS)]
    poll, by_file = select.epoll(), {}
    left = iter(made)
    for one in senders:
        one.connect(("127.0.0.1", port))
        one.setblocking(False)
        poll.register(one, select.EPOLLIN)
        by_file[one.fileno()] = one
    began = heard = time.perf_counter()
    answered = sent = 0
    for one in senders:
        for _ in range(_WINDOW):
            one.send(next(left))
            sent += 1
    ended = began
    while time.perf_counter() - began < seconds and answered < len(made):
        for file, _ in poll.poll(_LOST_S):
            one = by_file[file]
            try:
                while True:
                    one.recv(64)
                    answered += 1
                    ended = time.perf_counter()
                    if (following := next(left, None)) is not None:
                        one.send(following)
                        sent += 1
            except BlockingIOError:
                pass
        if (now := time.perf_counter()) - max(heard, ended) > _LOST_S:
            break  # everything that is on its way is lost
    for one in senders:
        one.close()
    return answered, sent - answered if answered == 0 or now - ended > _LOST_S else 0, ended - began


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
    return used.user + used.system


def _served(port: int, pid: int, made: Sequence[bytes], seconds: float) -> tuple[float, float, int]:
    """Give answers a second, answers a second of the server's processor, and packets lost."""
    before = _used_s(pid)
    answered, lost, took = load(port, made, seconds)
    return answered / took, answered / (_used_s(pid) - before), lost


def _each_us(work: Callable[[bytes], object], made: Sequence[bytes]) -> float:
    """Give microseconds of the fastest of three rounds, for each packet."""
    best = float("inf")
    for _ in range(3):
        began = time.perf_counter()
        for one in made:
            work(one)
        best = min(best, time.perf_counter() - began)
    return best / len(made) * 1e6


def _ours(data: bytes) -> bytes:
    packet = parse(data)
    assert isinstance(packet, Packet)
    assert proven(packet, radius.SECRET, must_sign=False) is None
    return answer(packet, radius.SECRET)


def _oracle() -> Callable[[bytes], bytes]:
    """Do the same with pyrad."""
    names = Dictionary(io.StringIO("ATTRIBUTE User-Name 1 string\nATTRIBUTE Proxy-State 33 octets\n"))
    assert Client("127.0.0.1", dict=names)

    def work(data: bytes) -> bytes:
        packet = AcctPacket(secret=radius.SECRET, dict=names, packet=data)
        assert packet.VerifyAcctRequest()
        reply: bytes = packet.CreateReply().ReplyPacket()
        return reply

    return work


def _lane_rows(server: RadiusServer) -> list[Row]:
    """Decode and mediate what the listener kept, as a collection lane does."""
    from dataflows.catalogs import CatalogStore  # noqa: PLC0415  only here
    from tallywire.mediation.decoders import DECODERS  # noqa: PLC0415  as above
    from tests.unit.test_radius_format import decoded  # noqa: PLC0415  as above

    assert decoded is not None
    store = CatalogStore(server.home.catalogs)
    snapshot = store.load(store.current())
    feed, lines = snapshot.feeds["live"], server.records()[:_DECODED]
    state, index = LaneState(), IdentifierIndex(snapshot.identifiers)
    decoding = mediating = 0.0
    for start in range(0, len(lines), _PIECE):
        frames = _frames(lines[start : start + _PIECE])
        began = time.perf_counter()
        found = DECODERS["radius"].decode(frames, feed).frame
        decoding += time.perf_counter() - began
        context = BatchContext(
            feed, snapshot, index, "live@0000", "f", "f", 1_793_000_000_000_000, frames
        )
        began = time.perf_counter()
        mediate(state, found, context)
        mediating += time.perf_counter() - began
    return [
        Row("lane: decoded", "records/s per core", len(lines) / decoding),
        Row("lane: decoded and mediated", "records/s per core", len(lines) / (decoding + mediating)),
    ]


def _frames(lines: Sequence[bytes]) -> Frames:
    import numpy as np  # noqa: PLC0415  as above

    lengths = np.fromiter((len(line) for line in lines), np.int64, len(lines))
    ends = np.cumsum(lengths + 1)
    return Frames(b"\n".join([*lines, b""]), ends - lengths - 1, lengths)


def main(seconds: float = 6.0) -> None:
    """Measure, print, keep."""
    shutil.rmtree(OUT, ignore_errors=True)
    OUT.mkdir(parents=True)
    made = packets(int(seconds * 30_000))
    with _echo() as (port, pid):
        floor, floor_core, _ = _served(port, pid, made, seconds / 2)
    server = RadiusServer(OUT, radius_catalog(OUT / "catalog"), executes=True)
    try:
        server.start()
        assert server.process is not None
        taken, core, lost = _served(server.port, server.process.pid, made, seconds)
        counted = server.packets()
        server.stop()
        lane = _lane_rows(server)
    finally:
        server.close()
    ours, theirs = _each_us(_ours, made[:_ORACLE]), _each_us(_oracle(), made[:_ORACLE])
    note = f"{len(made[0])} octets, {_SENDERS * _WINDOW} on their way, {os.cpu_count()} cores for both sides"
    rows = [
        Row("answered, all durable", "packets/s", taken, note),
        Row("answered, all durable", "packets/s per core", core, f"wanted: {WANTED:,}; {lost} lost"),
        Row("synced together", "packets", counted["accepted"] / max(1, _commits(server))),
        Row("floor: echo of datagrams", "packets/s", floor, "same senders"),
        Row("floor: echo of datagrams", "packets/s per core", floor_core),
        Row("ratio to floor", "", core / floor_core),
        Row("cut, proven, answer written", "µs", ours),
        Row("the same by pyrad", "µs", theirs, "its dictionary holds two attributes"),
        *lane,
    ]
    print_sections({"Usage by RADIUS": rows})
    content = [{"what": row.what, "unit": row.unit, "value": row.value} for row in rows]
    (OUT / "radius.json").write_text(json.dumps(content, indent=2))


def _commits(server: RadiusServer) -> int:
    content = json.loads((server.home.progress / "radius.json").read_bytes())
    found: int = content["radius"]["commits"]
    return found
