"""A TCP proxy between two processes that refuses, delays, or cuts what goes through it."""

import socket
import threading
import time
from contextlib import suppress
from types import TracebackType
from typing import Self

_PIECE = 16_384
_INSERT = b"INSERT%20INTO", b"INSERT+INTO", b"INSERT INTO"


class Proxy:
    """Forwards connections of a port to another port of this machine.

    Attributes:
        port: Where it listens.
        refusing: Connections are closed as soon as they are made, those that are open at once.
        delay_s: How long each piece waits, either way.
        cut_after: Bytes of an insert after which the connection is cut, once for each number.
        cuts: How often a connection was cut in the middle of an insert.
    """

    def __init__(self, target: int) -> None:
        self._target = target
        self._listening = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listening.getsockname()[1]
        self.refusing, self.delay_s, self.cuts = False, 0.0, 0
        self.refused = 0
        self.cut_after: list[int] = []
        self.lose_answers = 0
        self.lost_answers = 0
        self._open: set[socket.socket] = set()
        self._lock = threading.Lock()
        threading.Thread(target=self._accept, daemon=True).start()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:  # fmt: skip
        self._listening.close()
        self.drop()

    def drop(self) -> None:
        """Cut all connections."""
        with self._lock:
            held, self._open = self._open, set()
        for one in held:
            _close(one)

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._listening.accept()
            except OSError:
                return
            if self.refusing:
                self.refused += 1
                _close(client)
                continue
            try:
                server = socket.create_connection(("127.0.0.1", self._target), timeout=5)
            except OSError:
                _close(client)
                continue
            server.settimeout(None)
            with self._lock:
                self._open |= {client, server}
            pair = _Pair(self, client, server)
            threading.Thread(target=pair.forward, daemon=True).start()
            threading.Thread(target=pair.back, daemon=True).start()


class _Pair:
    """A connection, and the one that it is forwarded to."""

    def __init__(self, proxy: Proxy, client: socket.socket, server: socket.socket) -> None:
        self._proxy, self._client, self._server = proxy, client, server
        self._inserting = False

    def forward(self) -> None:
        """Forward what the client sends; a request that is an insert may be cut."""
        sent = 0
        with suppress(OSError):
            while piece := self._client.recv(_PIECE):
                time.sleep(self._proxy.delay_s)
                if any(word in piece for word in _INSERT):
                    self._inserting, sent = True, 0
                sent += len(piece)
                if self._inserting and self._proxy.cut_after and sent > self._proxy.cut_after[0]:
                    self._server.sendall(piece[: len(piece) // 2])
                    self._proxy.cut_after.pop(0)
                    self._proxy.cuts += 1
                    break
                self._server.sendall(piece)
        self._end()

    def back(self) -> None:
        """Forward what the server answers; the answer to an insert may be lost."""
        with suppress(OSError):
            while piece := self._server.recv(_PIECE):
                time.sleep(self._proxy.delay_s)
                if self._inserting and self._proxy.lose_answers:
                    self._proxy.lose_answers -= 1
                    self._proxy.lost_answers += 1
                    break
                self._inserting = False
                self._client.sendall(piece)
        self._end()

    def _end(self) -> None:
        _close(self._client)
        _close(self._server)


def _close(one: socket.socket) -> None:
    with suppress(OSError):
        one.shutdown(socket.SHUT_RDWR)
    one.close()
