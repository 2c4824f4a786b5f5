"""Clients of the store: the same for the embedded one and for any ClickHouse server."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

import clickhouse_connect
import urllib3.exceptions
from clickhouse_connect.driver.client import Client
from clickhouse_connect.driver.exceptions import (
    ClickHouseError,
    DatabaseError,
    OperationalError,
)

from warehouse.configuration import password
from warehouse.errors import StoreError, StoreRefused, StoreUnavailable
from warehouse.server import find

OLDEST = (26, 3)
_SETTINGS = {"input_format_null_as_default": 0}
_RETRIABLE_CODES = (
    "Code: 159", "Code: 202", "Code: 209", "Code: 210", "Code: 241", "Code: 242", "Code: 243",
    "Code: 252", "Code: 279", "Code: 319", "Code: 394", "Code: 425", "Code: 999", "Code: 1000",
)  # fmt: skip


@contextmanager
def told(where: str) -> Iterator[None]:
    """Turn the driver's exceptions into ours.

    Raises:
        StoreUnavailable: If the store does not answer, is full, busy or shutting down.
        StoreRefused: If it refused.
    """
    try:
        yield
    except OperationalError as error:
        msg = f"the store at {where} does not answer: {_first_line(error)}"
        raise StoreUnavailable(msg) from error
    except DatabaseError as error:
        text = _first_line(error)
        if any(code in text for code in _RETRIABLE_CODES):
            msg = f"the store at {where} cannot do it now: {text}"
            raise StoreUnavailable(msg) from error
        msg = f"the store at {where} refused: {text}"
        raise StoreRefused(msg) from error
    except (ClickHouseError, urllib3.exceptions.HTTPError, OSError) as error:
        msg = f"the store at {where} does not answer: {_first_line(error)}"
        raise StoreUnavailable(msg) from error


def _first_line(error: BaseException) -> str:
    lines = str(error).splitlines() or [type(error).__name__]
    return lines[0][:500]


def address(url: str, home: Path) -> str:
    """Name the store in messages: never its password."""
    if url:
        parts = urlsplit(url)
        return f"{parts.hostname}:{parts.port or 8123}"
    state = find(home)
    return f"{state.host}:{state.http_port}" if state else str(home)


def connect(url: str, home: Path, *, database: str = "", role: str = "writer") -> Client:
    """Open a client; use it in one thread only.

    Args:
        url: `http://user:password@host:port/database` of a server; empty for the embedded store.
        home: Folder of the embedded store.
        database: Database; the URL's path, where it has one, wins.
        role: `owner`, `writer` or `reader` of the embedded store; a URL brings its own user.

    Raises:
        StoreUnavailable: If nobody answers there.
        StoreError: If the server is older than what is supported.
    """
    where = address(url, home)
    with told(where):
        client = _from_url(url, database) if url else _embedded(home, database, role)
    version = tuple(int(part) for part in str(client.server_version).split(".")[:2])
    if version < OLDEST:
        msg = (
            f"the store at {where} is ClickHouse {client.server_version}; 26.3 is the oldest known"
        )
        raise StoreError(msg)
    return client


def one_row(client: Client, query: str, parameters: Mapping[str, Any]) -> Sequence[Any]:
    """Ask what always has one row for an answer.

    A connection that breaks in the header of an answer looks like a whole answer without rows.

    Raises:
        StoreUnavailable: If the answer was cut off, or the store does not answer.
        StoreRefused: If it refused.
    """
    with told(client.uri):
        rows = client.query(query, parameters=dict(parameters)).result_rows
    if len(rows) != 1:
        msg = f"the store at {client.uri} was cut off while it answered"
        raise StoreUnavailable(msg)
    row: Sequence[Any] = rows[0]
    return row


@contextmanager
def opened(url: str, home: Path, *, database: str = "", role: str = "writer") -> Iterator[Client]:
    """Open a client for a while; a connection left open would make the store wait at its end."""
    client = connect(url, home, database=database, role=role)
    try:
        yield client
    finally:
        client.close()
        client.close_connections()


def _from_url(url: str, database: str) -> Client:
    parts = urlsplit(url)
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        msg = "a store URL looks like http://user:password@host:8123/database"
        raise StoreError(msg)
    return clickhouse_connect.get_client(
        host=parts.hostname,
        port=parts.port or (8443 if parts.scheme == "https" else 8123),
        secure=parts.scheme == "https",
        username=unquote(parts.username or "default"),
        password=unquote(parts.password or ""),
        database=parts.path.strip("/") or database,
        **_driver(),
    )


def _driver() -> dict[str, Any]:
    return {
        "compress": False,
        "autogenerate_session_id": False,
        "settings": dict(_SETTINGS),
        "connect_timeout": 3,
        "send_receive_timeout": 300,
        "query_retries": 0,
    }


def _embedded(home: Path, database: str, role: str) -> Client:
    state = find(home)
    if state is None:
        msg = f"no store serves {home}: start it with `tallywire store serve`"
        raise StoreUnavailable(msg)
    return clickhouse_connect.get_client(
        host=state.host,
        port=state.http_port,
        username=role,
        password=password(home, role),
        database=database,
        **_driver(),
    )


__all__ = [
    "Client", "StoreError", "StoreRefused", "StoreUnavailable", "address", "connect", "one_row",
    "opened", "told",
]  # fmt: skip
