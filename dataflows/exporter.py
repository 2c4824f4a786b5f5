"""Metrics, health and readiness of a home over HTTP; a thread of whoever watches the workers."""

import socket
import socketserver
import threading
from functools import partial
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import orjson
from prometheus_client import CollectorRegistry
from prometheus_client.exposition import choose_encoder

from dataflows.metrics import HomeCollector, registry_of
from dataflows.readiness import StoreProbe, missing
from dataflows.reports import read_reports
from dataflows.settings import Home, Settings

_PATIENCE_S = 10.0
_JSON = "application/json"
_PAGES = b"Tallywire: /metrics, /health, /ready\n"


class Pages:
    """What can be asked, whoever asks.

    Args:
        home: Whose progress files are read.
        settings: Say where the store is.
        store: The processes of this home need the store; where they do not, nobody asks for it.
    """

    def __init__(self, home: Home, settings: Settings, *, store: bool = True) -> None:
        self._read = partial(read_reports, home)
        self._probe = StoreProbe(settings) if store else None
        self._registry: CollectorRegistry = registry_of(
            HomeCollector(self._read, self._store_up, settings.ingest_queue_bytes)
        )

    def _store_up(self) -> bool | None:
        return self._probe.up() if self._probe is not None else None

    def metrics(self, accept: str = "") -> tuple[HTTPStatus, str, bytes]:
        """Give the exposition, as text or OpenMetrics, whichever is asked for."""
        encode, kind = choose_encoder(accept)
        return HTTPStatus.OK, kind, encode(self._registry)

    def ready(self) -> tuple[HTTPStatus, str, bytes]:
        """Say whether all processes run, the store answers and no lane is quarantined."""
        problem = self._probe.problem() if self._probe is not None else ""
        found = list(missing(self._read(), problem))
        status = HTTPStatus.SERVICE_UNAVAILABLE if found else HTTPStatus.OK
        return status, _JSON, orjson.dumps({"ready": not found, "missing": found})

    def answer(self, path: str, accept: str) -> tuple[HTTPStatus, str, bytes]:
        """Answer a request: status, type and body."""
        match path.partition("?")[0]:
            case "/metrics":
                return self.metrics(accept)
            case "/health":
                return HTTPStatus.OK, _JSON, b'{"alive":true}'
            case "/ready":
                return self.ready()
            case _:
                status = HTTPStatus.OK if path == "/" else HTTPStatus.NOT_FOUND
                return status, "text/plain; charset=utf-8", _PAGES

    def close(self) -> None:
        """Ask the store no more."""
        if self._probe is not None:
            self._probe.close()


class _Handler(BaseHTTPRequestHandler):
    """One connection; a client that says nothing is not waited for long."""

    timeout = _PATIENCE_S

    def __init__(self, pages: Pages, *args: Any) -> None:  # noqa: ANN401  the server passes them on
        self._pages = pages
        super().__init__(*args)

    def do_GET(self) -> None:
        """Answer."""
        status, kind, body = self._pages.answer(self.path, self.headers.get("Accept", ""))
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    do_HEAD = do_GET  # noqa: N815  as above

    def version_string(self) -> str:
        """Name the server, without versions that tell an attacker something."""
        return "tallywire"

    def log_message(self, *_: object) -> None:
        """A scrape is no event: nothing is logged."""


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def server_bind(self) -> None:
        """Take the address, without asking a name server what it is called."""
        socketserver.TCPServer.server_bind(self)

    def handle_error(self, *_: object) -> None:
        """A client that went away is no problem of the exporter."""


class _Server6(_Server):
    address_family = socket.AF_INET6


class Exporter:
    """A running exporter, or none where `metrics_port` is 0."""

    def __init__(self, server: _Server | None, pages: Pages | None) -> None:
        self._server, self._pages = server, pages
        if server is not None:
            threading.Thread(target=server.serve_forever, name="exporter", daemon=True).start()

    @property
    def url(self) -> str:
        """Where it serves; empty where it does not."""
        if self._server is None:
            return ""
        host, port = self._server.server_address[:2]
        shown = f"[{host!s}]" if ":" in str(host) else str(host)
        return f"http://{shown}:{port}"

    def close(self) -> None:
        """Serve no more."""
        if self._server is not None:
            self._server.shutdown()
            self._server.server_close()
        if self._pages is not None:
            self._pages.close()


def serve(home: Home, settings: Settings, *, store: bool = True) -> Exporter:
    """Serve a home on `metrics_host` and `metrics_port`, in threads of this process.

    Args:
        home: The home.
        settings: Say where, and where the store is.
        store: The processes of this home need the store.

    Raises:
        OSError: If the address cannot be had; the sentence says which.
    """
    if not settings.metrics_port:
        return Exporter(None, None)
    host, port = settings.metrics_host, settings.metrics_port
    pages = Pages(home, settings, store=store)
    kind = _Server6 if ":" in host else _Server
    try:
        server = kind((host, port), partial(_Handler, pages))
    except OSError as error:
        pages.close()
        told = (
            f"metrics cannot be served on {host}:{port}: {error.strerror}; set "
            "TALLYWIRE_METRICS_PORT to another port, or to 0 for none"
        )
        raise OSError(error.errno, told) from error
    return Exporter(server, pages)
