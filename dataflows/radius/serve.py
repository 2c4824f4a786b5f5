"""`radius serve`: the listener's one process, from its start to its drained end."""

import gc
import os
import socket
import threading
import time
from typing import Any

from dataflows import stop
from dataflows.beside import Newest
from dataflows.catalogs import CatalogStore
from dataflows.files import lock
from dataflows.ingest.faults import Faults
from dataflows.ingest.kafka import KafkaLog
from dataflows.ingest.log import IngestMisuse
from dataflows.ingest.spool import SpoolLog
from dataflows.logs import log_of
from dataflows.radius.clients import Clients
from dataflows.radius.commit import Committer
from dataflows.radius.counts import Counts
from dataflows.radius.listener import Listener, dropped, open_socket
from dataflows.radius.recent import Recent
from dataflows.settings import Home, Settings
from dataflows.upgrades import check_format
from tallywire.catalog.snapshot import Snapshot
from warehouse.parent import end_with_parent

RADIUS = "radius"
_WAIT_S = 0.2
_WRITTEN_S = 0.5
_GARBAGE = 200_000


def address_of(host: str) -> str:
    """Find the address that a name of this machine stands for.

    Raises:
        IngestMisuse: If it stands for none.

    >>> address_of("127.0.0.1")
    '127.0.0.1'
    """
    try:
        found = socket.getaddrinfo(host, None, type=socket.SOCK_DGRAM)
    except OSError as error:
        msg = f"radius_host: {host!r} is no address of this machine ({error.strerror})"
        raise IngestMisuse(msg) from error
    return str(found[0][4][0])


class _Beside(threading.Thread):
    """Writes the counts, and follows the catalogue, while packets are received."""

    def __init__(
        self, listener: Listener, newest: Newest, faults: Faults, log: Any,  # noqa: ANN401  as log_of
    ) -> None:  # fmt: skip
        super().__init__(name="radius-beside", daemon=True)
        self._listener, self._newest, self._faults, self._log = listener, newest, faults, log
        self._hash = newest.snapshot().hash
        self._ending = threading.Event()
        self._unwritten = False
        self._wrong = ""

    def run(self) -> None:
        """Do both twice a second until told to end."""
        while not self._ending.wait(_WRITTEN_S):
            self._follow()
            self._write()

    def end(self) -> None:
        """Do it no more."""
        self._ending.set()
        self.join()

    def _write(self) -> None:
        counts = self._listener.counts
        counts.kernel_dropped = dropped(self._listener.listening)
        counts.problems = [*self._faults.now(), *([self._wrong] if self._wrong else [])]
        try:
            counts.write()
        except OSError as error:
            if not self._unwritten:
                self._log.warning("counts cannot be written", reason=str(error))
            self._unwritten = True
        else:
            self._unwritten = False

    def _follow(self) -> None:
        """Take the clients of a newer catalogue; where it lacks secrets, those before serve on."""
        snapshot = self._newest.snapshot()
        if snapshot.hash == self._hash:
            return
        self._hash = snapshot.hash
        try:
            self._listener.clients = Clients(snapshot.feeds.values(), os.environ)
        except IngestMisuse as error:
            self._wrong = str(error)
            self._log.warning("clients stay as they were", reason=self._wrong)
        else:
            self._wrong = ""
            self._log.info("catalogue in use", catalog=snapshot.hash)


def serve(settings: Settings) -> None:
    """Serve until SIGTERM or SIGINT; what was received by then is answered first.

    Raises:
        IngestMisuse: If no feed takes RADIUS, or a client's secret is not known.
        LaneTaken: If another listener works this home.
        HomeTooNew: If a newer version has worked it.
        LayoutChanged: If its spool was begun with another number of partitions.
        CatalogError: If no catalogue is in use.
        OSError: If the home cannot be written, or the port not be had.
    """
    end_with_parent()
    home = Home(settings.home)
    check_format(home)
    log = log_of(RADIUS)
    with lock(home.root / "locks" / RADIUS, f"the RADIUS listener of {home.root}"):
        catalogs = CatalogStore(home.catalogs)
        newest = Newest(catalogs, catalogs.load(catalogs.current()))
        clients = _clients(newest.snapshot())
        spool = SpoolLog(home.radius, settings.ingest_partitions, settings.segment_bytes)
        topics = KafkaLog(settings.kafka, settings.kafka_options)
        listening = open_socket(address_of(settings.radius_host), settings.radius_port)
        counts = Counts(home.progress / f"{RADIUS}.json", settings.radius_queue_bytes)
        faults, recent = Faults(log), Recent()
        committer = Committer(spool, topics, listening, recent, counts, faults.tell)
        listener = Listener(listening, clients, recent, committer, counts)
        _serve(listener, _Beside(listener, newest, faults, log), log)


def _clients(snapshot: Snapshot) -> Clients:
    found = Clients(snapshot.feeds.values(), os.environ)
    if not len(found):
        msg = "no feed of the catalogue in use takes RADIUS: give one `radius`, a list of clients"
        raise IngestMisuse(msg)
    return found


def _serve(listener: Listener, beside: _Beside, log: Any) -> None:  # noqa: ANN401  as log_of
    stop.listen()
    beside.start()
    gc.collect()
    gc.freeze()  # what is loaded stays: looking through it again and again would stall answers
    gc.set_threshold(_GARBAGE)  # packets hold nothing in circles, and are many
    address, port = listener.listening.getsockname()[:2]
    size = listener.listening.getsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF)
    log.info("listener listens", address=address, port=port, clients=len(listener.clients),
             buffer_bytes=size)  # fmt: skip
    if listener.clients.short:
        log.warning("secrets shorter than 16 octets are easily guessed",
                    variables=listener.clients.short)  # fmt: skip
    listener.counts.write()
    while not stop.stopping():
        listener.run(_WAIT_S)
    began = time.monotonic()
    listener.committer.close()
    beside.end()
    listener.counts.kernel_dropped = dropped(listener.listening)
    listener.listening.close()
    try:
        listener.counts.write(done=True)
    except OSError as error:
        log.warning("counts cannot be written", reason=str(error))
    log.info("listener ends", seconds=round(time.monotonic() - began, 3))
