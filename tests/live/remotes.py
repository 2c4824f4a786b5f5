"""Real servers that files are fetched from: SFTP, S3, HTTP; each in threads of the test."""

import asyncio
import hashlib
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import asyncssh
import botocore.session

USER, PASSWORD = "collector", "only-for-tests"


class _Login(asyncssh.SSHServer):
    connections: list[asyncssh.SSHServerConnection] = []  # noqa: RUF012  of one server at a time

    def connection_made(self, conn: asyncssh.SSHServerConnection) -> None:
        self.connections.append(conn)

    def begin_auth(self, _username: str) -> bool:
        return True

    def password_auth_supported(self) -> bool:
        return True

    def validate_password(self, username: str, password: str) -> bool:
        return (username, password) == (USER, PASSWORD)


class _Slow(asyncssh.SFTPServer):
    """Files below a folder, read no faster than the test likes."""

    root: Path
    pause_s: float = 0.0

    def __init__(self, channel: Any) -> None:
        self.turn = asyncio.Lock()  # however many reads are under way at once
        super().__init__(channel, chroot=str(self.root).encode())

    async def read(self, file_obj: object, offset: int, size: int) -> bytes:
        if self.pause_s:
            async with self.turn:
                await asyncio.sleep(self.pause_s)
        found = super().read(file_obj, offset, size)
        return await found if asyncio.iscoroutine(found) else found


class Sftp:
    """An SFTP server of a folder.

    Attributes:
        root: What it serves.
        address: `sftp://user@host:port`.
        environment: What a feed finds in its environment, without the beginning of the names.
    """

    def __init__(self, root: Path, keys: Path, pause_s: float = 0.0) -> None:
        host_key, self.client_key = (asyncssh.generate_private_key("ssh-ed25519") for _ in "ab")
        self.client_key.write_private_key(str(keys / "key"))
        self.client_key.write_public_key(str(keys / "authorized"))
        self.root = root
        files = type("Files", (_Slow,), {"root": root, "pause_s": pause_s})
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()

        async def listen() -> Any:
            return await asyncssh.listen(
                "127.0.0.1", 0, server_factory=_Login, server_host_keys=[host_key],
                sftp_factory=files, authorized_client_keys=str(keys / "authorized"),
            )  # fmt: skip

        self._server = asyncio.run_coroutine_threadsafe(listen(), self._loop).result(30)
        port = self._server.get_port()
        self.address = f"sftp://{USER}@127.0.0.1:{port}"
        public = host_key.export_public_key().decode()
        (keys / "known_hosts").write_text(f"[127.0.0.1]:{port} {public}")
        self.environment = {"PASSWORD": PASSWORD, "KNOWN_HOSTS": str(keys / "known_hosts")}

    async def _end(self) -> None:
        self._server.close()
        for connection in _Login.connections:
            connection.abort()
        _Login.connections.clear()
        await asyncio.sleep(0.05)
        await asyncio.wait_for(self._server.wait_closed(), 10)

    def close(self) -> None:
        asyncio.run_coroutine_threadsafe(self._end(), self._loop).result(15)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(10)
        self._loop.close()


@contextmanager
def sftp_server(root: Path, keys: Path, pause_s: float = 0.0) -> Iterator[Sftp]:
    keys.mkdir(exist_ok=True)
    root.mkdir(exist_ok=True)
    server = Sftp(root, keys, pause_s)
    try:
        yield server
    finally:
        server.close()


class S3:
    """An object store with one bucket."""

    def __init__(self, port: int) -> None:
        self.environment = {
            "ENDPOINT": f"http://127.0.0.1:{port}", "ACCESS_KEY": "test", "SECRET_KEY": PASSWORD,
        }  # fmt: skip
        self.client = botocore.session.Session().create_client(
            "s3", region_name="us-east-1", endpoint_url=self.environment["ENDPOINT"],
            aws_access_key_id="test", aws_secret_access_key=PASSWORD,
        )  # fmt: skip
        self.client.create_bucket(Bucket="usage")

    def put(self, key: str, content: bytes) -> None:
        self.client.put_object(Bucket="usage", Key=key, Body=content)

    def listed(self) -> list[str]:
        found = self.client.list_objects_v2(Bucket="usage").get("Contents", ())
        return sorted(one["Key"] for one in found)


@contextmanager
def s3_server() -> Iterator[S3]:
    from moto.server import ThreadedMotoServer  # noqa: PLC0415  it imports much

    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    store = S3(server.get_host_and_port()[1])
    try:
        yield store
    finally:
        store.client.close()
        server.stop()


class Web:
    """An HTTP server of a folder.

    Attributes:
        cut_after: Bytes after which an answer is cut off, once for each file; 0 for never.
        asked: Method, path and range of every request.
        index: What the list says, and as what; without it, a page of links.
    """

    def __init__(self, root: Path) -> None:
        self.root, self.token = root, ""
        self.asked: list[tuple[str, str, str]] = []
        self.cut_after, self.cut = 0, set[str]()
        self.index: tuple[bytes, str] | None = None
        outer = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self) -> None:
                outer.answer(self, body=True)

            def do_HEAD(self) -> None:
                outer.answer(self, body=False)

            def log_message(self, *_: object) -> None:
                """Say nothing."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._thread = threading.Thread(
            target=self._server.serve_forever, args=(0.05,), daemon=True
        )
        self._thread.start()
        self.address = f"http://127.0.0.1:{self._server.server_port}/"

    def answer(self, request: BaseHTTPRequestHandler, *, body: bool) -> None:
        span = request.headers.get("Range", "")
        self.asked.append((request.command, request.path, span))
        if self.token and request.headers.get("Authorization") != f"Bearer {self.token}":
            self._send(request, 401, b"", {})
            return
        path = self.root / unquote(request.path).lstrip("/")
        if request.path.startswith("/moved"):
            self._send(request, 302, b"", {"Location": "http://169.254.169.254/"})
        elif request.path.endswith("/"):
            content, kind = self.index or (self._page(), "text/html")
            self._send(request, 200, content if body else b"", {"Content-Type": kind})
        elif not path.is_file():
            self._send(request, 404, b"", {})
        else:
            self._file(request, path.read_bytes(), span, body=body)

    def _page(self) -> bytes:
        names = sorted(path.relative_to(self.root).as_posix() for path in self.root.rglob("*.*"))
        links = "".join(f'<a href="{name}">{name}</a>' for name in names)
        return f'<html><a href="../">up</a><a href="/etc/">x</a>{links}</html>'.encode()

    def _file(
        self, request: BaseHTTPRequestHandler, content: bytes, span: str, *, body: bool
    ) -> None:
        tag = f'"{hashlib.md5(content).hexdigest()}"'  # noqa: S324  a name
        headers, status = {"ETag": tag, "Content-Length": str(len(content))}, 200
        if span and request.headers.get("If-Range") == tag:
            start = int(span.removeprefix("bytes=").rstrip("-"))
            headers["Content-Range"] = f"bytes {start}-{len(content) - 1}/{len(content)}"
            content, status = content[start:], 206
            headers["Content-Length"] = str(len(content))
        if body and self.cut_after and request.path not in self.cut:
            self.cut.add(request.path)
            content = content[: self.cut_after]
            request.close_connection = True
        self._send(request, status, content if body else b"", headers)

    @staticmethod
    def _send(
        request: BaseHTTPRequestHandler, status: int, content: bytes, headers: dict[str, str]
    ) -> None:
        request.send_response(status)
        for name, value in ({"Content-Length": str(len(content))} | headers).items():
            request.send_header(name, value)
        request.end_headers()
        request.wfile.write(content)

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join(10)


@contextmanager
def web_server(root: Path) -> Iterator[Web]:
    root.mkdir(exist_ok=True)
    server = Web(root)
    try:
        yield server
    finally:
        server.close()


def variables(feed_id: str, environment: dict[str, str]) -> dict[str, str]:
    """Name what a feed finds in its environment in full."""
    return {
        f"TALLYWIRE_FEED_{feed_id.upper()}_{name}": value for name, value in environment.items()
    }
