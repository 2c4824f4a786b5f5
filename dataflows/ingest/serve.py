"""`ingest serve`: the gateway's one process, from its start to its drained end."""

import asyncio
import gc
import ipaddress
import logging
import signal
import socket
from collections.abc import Awaitable
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, NamedTuple

from granian.constants import HTTPModes, Interfaces
from granian.http import HTTP1Settings
from granian.server.embed import Server

from dataflows.beside import Newest
from dataflows.catalogs import CatalogStore
from dataflows.files import lock
from dataflows.ingest.app import Counted, application
from dataflows.ingest.counts import Counts
from dataflows.ingest.faults import Faults
from dataflows.ingest.gateway import Gateway
from dataflows.ingest.group import GroupCommit
from dataflows.ingest.kafka import KafkaLog
from dataflows.ingest.keys import Keyring
from dataflows.ingest.limits import Budget
from dataflows.ingest.log import IngestMisuse
from dataflows.ingest.spool import SpoolLog
from dataflows.logs import log_of
from dataflows.settings import Home, Settings
from dataflows.upgrades import check_format
from tallywire.catalog.snapshot import Snapshot
from warehouse.parent import end_with_parent

_WRITTEN_S = 0.5
_FOLLOWED_S = 1.0
_CONNECTIONS = 1_024
_HEAD_BYTES = 32 * 1024


class Place(NamedTuple):
    """Where the gateway listens."""

    address: str
    port: int

    def __str__(self) -> str:
        host = f"[{self.address}]" if ":" in self.address else self.address
        return f"http://{host}:{self.port}"


@dataclass
class _Serving:
    """The gateway as it runs."""

    gateway: Gateway
    newest: Newest
    snapshot: Snapshot
    counts: Counts
    faults: Faults
    log: Any

    async def write(self) -> None:
        """Write the counts twice a second; a full disk is told once, and ends nothing."""
        told = False
        while True:
            self.counts.queue_bytes = self.gateway.budget.used
            self.counts.problems = self.faults.now()
            try:
                self.counts.write()
                told = False
            except OSError as error:
                if not told:
                    self.log.warning("counts cannot be written", reason=str(error))
                told = True
            await asyncio.sleep(_WRITTEN_S)

    async def follow(self) -> None:
        """Look for a newer catalogue; where none can be read, the one before serves on."""
        while True:
            await asyncio.sleep(_FOLLOWED_S)
            found = await asyncio.to_thread(self.newest.snapshot)
            if found.hash != self.snapshot.hash:
                self.snapshot = found
                self.log.info("catalogue in use", catalog=found.hash)


def address_of(host: str) -> str:
    """Find the address that a name of this machine stands for.

    Raises:
        IngestMisuse: If it stands for none.

    >>> address_of("127.0.0.1")
    '127.0.0.1'
    """
    try:
        found = socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)
    except OSError as error:
        msg = f"ingest_host: {host!r} is no address of this machine ({error.strerror})"
        raise IngestMisuse(msg) from error
    return str(found[0][4][0])


def check_exposed(address: str, keys: int, *, open_: bool) -> None:
    """Refuse to listen where anybody could send.

    Args:
        address: To listen on.
        keys: Valid keys.
        open_: Requests without a key are to be taken.

    Raises:
        IngestMisuse: If that is so.
    """
    if ipaddress.ip_address(address).is_loopback:
        return
    if open_:
        msg = f"--open is only for 127.0.0.1: on {address} anybody could send usage without a key"
        raise IngestMisuse(msg)
    if not keys:
        msg = (
            f"there is no key yet, so the gateway listens on 127.0.0.1 only, not on {address}: "
            "make one first with `tallywire ingest keys add --feed ID`"
        )
        raise IngestMisuse(msg)


def listening_port(address: str, port: int) -> int:
    """Find out whether the port can be had, and which one 0 is.

    Raises:
        OSError: If it is taken, or the address is not this machine's.
    """
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    with socket.socket(family) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((address, port))
        except OSError as error:
            raise OSError(error.errno, error.strerror, f"{address}:{port}") from error
        found: int = probe.getsockname()[1]
    return found


def serve(settings: Settings, *, open_: bool) -> None:
    """Serve until SIGTERM or SIGINT; what is in work then is answered first.

    Args:
        open_: Take requests without a key; on 127.0.0.1 only.

    Raises:
        IngestMisuse: If anybody could send.
        LaneTaken: If another gateway works this home.
        HomeTooNew: If a newer version has worked it.
        LayoutChanged: If the spool was begun with another number of partitions.
        CatalogError: If no catalogue is in use.
        OSError: If the home cannot be written, or the port not be had.
    """
    end_with_parent()
    home = Home(settings.home)
    check_format(home)
    log = log_of("ingest")
    with lock(home.root / "locks" / "ingest", f"the ingest gateway of {home.root}"):
        keyring = Keyring(home.ingest_keys)
        address = address_of(settings.ingest_host)
        check_exposed(address, len(keyring), open_=open_)
        catalogs = CatalogStore(home.catalogs)
        snapshot = catalogs.load(catalogs.current())
        place = Place(address, listening_port(address, settings.ingest_port))
        spool = SpoolLog(home.ingest, settings.ingest_partitions, settings.segment_bytes)
        topics = KafkaLog(settings.kafka, settings.kafka_options)
        _say(log, settings, keyring, snapshot, open_=open_)
        asyncio.run(
            _serve(settings, place, keyring, spool, topics, Newest(catalogs, snapshot), log, open_)
        )
        log.info("gateway ends")


def _say(
    log: Any,  # noqa: ANN401  as log_of
    settings: Settings,
    keyring: Keyring,
    snapshot: Snapshot,
    *,
    open_: bool,
) -> None:
    """Say what an operator should know before the first request."""
    if open_:
        log.warning("open: requests without a key are taken from this machine", keys=len(keyring))
    elif not len(keyring):
        log.warning("no key yet: every request is answered with 401; "
                    "make one with `tallywire ingest keys add`")  # fmt: skip
    feeds = {name: feed.topic for name, feed in snapshot.feeds.items() if feed.http}
    if not feeds:
        log.warning("no feed of the catalogue takes HTTP: give one `http: yes`")
    if any(feeds.values()) and not settings.kafka:
        log.warning("feeds of topics are answered with 503: no Kafka is configured")


async def _serve(
    settings: Settings, place: Place, keyring: Keyring, spool: SpoolLog, topics: KafkaLog,
    newest: Newest, log: Any, open_: bool,  # noqa: ANN401  as log_of
) -> None:  # fmt: skip
    loop = asyncio.get_running_loop()
    counts = Counts(Home(settings.home).progress / "ingest.json")
    faults = Faults(log)

    def group(to: SpoolLog | KafkaLog) -> GroupCommit:
        return GroupCommit(to, settings.ingest_body_bytes, loop, counts.committed, faults.tell)

    gateway = Gateway(
        snapshot=lambda: serving.snapshot, keyring=keyring, open=open_,
        spool=group(spool), topics=group(topics), body_bytes=settings.ingest_body_bytes,
        budget=Budget(settings.ingest_queue_bytes), counts=counts,
    )  # fmt: skip
    serving = _Serving(gateway, newest, newest.snapshot(), counts, faults, log)
    server = _server(Counted(application(gateway, faults.tell), counts), place)

    def stop() -> None:
        gateway.stopping = True
        server.stop()  # type: ignore[no-untyped-call]  # granian types it so

    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop)
    beside = [asyncio.create_task(serving.write()), asyncio.create_task(serving.follow())]
    gc.collect()
    gc.freeze()  # what is loaded stays: looking through it again and again would stall answers
    log.info("gateway listens", address=str(place))
    await server.serve()
    await _ended(beside)
    await asyncio.to_thread(gateway.spool.close)
    await asyncio.to_thread(gateway.topics.close)
    counts.queue_bytes = 0
    with suppress(OSError):
        counts.write(done=True)


async def _ended(tasks: list[asyncio.Task[None]]) -> None:
    waiting: list[Awaitable[None]] = []
    for task in tasks:
        task.cancel()
        waiting.append(task)
    await asyncio.gather(*waiting, return_exceptions=True)


def _server(app: Counted, place: Place) -> Server:
    logging.getLogger("_granian").setLevel(logging.ERROR)
    return Server(
        app, place.address, place.port, interface=Interfaces.ASGINL, http=HTTPModes.http1,
        websockets=False, backlog=_CONNECTIONS, backpressure=_CONNECTIONS, log_enabled=False,
        http1_settings=HTTP1Settings(max_buffer_size=_HEAD_BYTES),
    )  # fmt: skip
