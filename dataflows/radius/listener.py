"""The way of a packet: whose it is, whether it proves its secret, then the group commit."""

import binascii
import select
import socket
import time
from dataclasses import dataclass, field
from typing import Any

from dataflows.ingest.log import Keyed
from dataflows.radius.clients import Client, Clients
from dataflows.radius.commit import Committer, Waiting
from dataflows.radius.counts import QUEUE_FULL, REPEATED, Counts
from dataflows.radius.recent import PENDING, Recent, name_of
from dataflows.wall_clock import now_us
from tallywire.mediation.radius.packet import (
    LONGEST,
    STATUS_SERVER,
    Packet,
    Refusal,
    parse,
    proven,
    server_of,
)

_BURST = 256
"""Packets received before they are handed on."""
_BUFFER_BYTES = 8 * 1024 * 1024
_SO_RCVBUFFORCE, _SO_MEMINFO = 33, 55  # Linux; Python does not name them
_DROPS = 8
_WORD = 4


def open_socket(address: str, port: int) -> socket.socket:
    """Take an address, with a buffer for what comes while others are worked.

    Raises:
        OSError: If it is taken, or not this machine's.
    """
    found = socket.socket(socket.AF_INET6 if ":" in address else socket.AF_INET, socket.SOCK_DGRAM)
    try:
        found.setsockopt(socket.SOL_SOCKET, _SO_RCVBUFFORCE, _BUFFER_BYTES)
    except OSError:  # only root may have more than the system's limit
        found.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _BUFFER_BYTES)
    try:
        found.bind((address, port))
    except OSError as error:
        found.close()
        raise OSError(error.errno, error.strerror, f"{address}:{port}") from error
    found.setblocking(False)
    return found


def dropped(listening: socket.socket) -> int:
    """Tell how many packets the system dropped since the buffer of a socket was full."""
    try:
        words = listening.getsockopt(socket.SOL_SOCKET, _SO_MEMINFO, (_DROPS + 1) * _WORD)
    except OSError:
        return 0
    return int.from_bytes(words[_DROPS * _WORD :], "little")


def line_of(packet: Packet, address: str, at_us: int) -> bytes:
    """Write what is kept of a packet: when and whence it came, and all its bytes."""
    held = binascii.b2a_base64(packet.raw, newline=False)
    return b'{"at":%d,"client":"%s","packet":"%s"}' % (at_us, address.encode(), held)


@dataclass
class Listener:
    """Receives packets; used by one thread.

    Attributes:
        clients: Who may send; exchanged as a whole when another catalogue is used.
        recent: Packets of the last seconds.
        committer: Makes packets durable and answers them.
    """

    listening: socket.socket
    clients: Clients
    recent: Recent
    committer: Committer
    counts: Counts
    _poll: Any = field(default_factory=select.poll)

    def __post_init__(self) -> None:
        self._poll.register(self.listening, select.POLLIN)

    def run(self, wait_s: float) -> None:
        """Wait for packets, and take what is there."""
        if not self._poll.poll(wait_s * 1_000):
            return
        waiting: list[Waiting] = []
        for _ in range(_BURST):
            try:
                data, peer = self.listening.recvfrom(LONGEST + 1)
            except BlockingIOError:
                break
            except OSError:  # what an answer of ours met on its way
                continue
            found = self.take(data, peer)
            if isinstance(found, Waiting):
                waiting.append(found)
            elif found:
                self.counts.received[found] += 1
        if waiting:
            self.committer.submit(waiting)

    def take(self, data: bytes, peer: Any) -> Waiting | str:  # noqa: ANN401  the socket's own
        """Judge a packet.

        Returns:
            What is to be made durable, or how the packet was done with.
        """
        client = self.clients.of(peer[0])
        if client is None:
            return Refusal.CLIENT_UNKNOWN.value
        packet = parse(data)
        if isinstance(packet, Refusal):
            return packet.value
        refusal = proven(packet, client.secret, must_sign=client.signed)
        return refusal.value if refusal is not None else self._proven(client, packet, peer)

    def _proven(self, client: Client, packet: Packet, peer: Any) -> Waiting | str:  # noqa: ANN401  as above
        name = name_of(peer, packet.raw)
        if (known := self.recent.find(name)) is not None:
            if known != PENDING:
                self._again(known, peer)
            return REPEATED
        if self.counts.queue_bytes + len(packet.raw) > self.counts.queue_limit_bytes:
            return QUEUE_FULL
        self.counts.taken_bytes += len(packet.raw)
        if packet.code == STATUS_SERVER:
            return Waiting(client, packet, peer, name, None)
        self.recent.begin(name, time.monotonic())
        record = Keyed(server_of(packet, peer[0]), line_of(packet, peer[0], now_us()))
        return Waiting(client, packet, peer, name, record)

    def _again(self, known: bytes, peer: Any) -> None:  # noqa: ANN401  as above
        try:
            self.listening.sendto(known, peer)
        except OSError:
            return  # it is sent again once more
