"""Files behind HTTP: an index page, a JSON list, lines of names, or names that the feed gives.

Certificates are verified, redirects are not followed, and files of another host or outside the
address are not fetched: a list says which files there are, never whom we talk to.
"""

import base64
import http.client
import re
import urllib.error
import urllib.request
from collections.abc import Iterable, Iterator, Mapping
from email.message import Message
from html.parser import HTMLParser
from pathlib import Path
from typing import IO, Any
from urllib.parse import quote, unquote, urljoin, urlsplit

import orjson

from dataflows.fetching.source import PATIENCE_S, Away, Credentials, FileChanged, Listed
from dataflows.fetching.streams import CHUNK
from tallywire.catalog.feed import Collect

_LONGEST_LIST = 64 * 1024 * 1024
_GONE = {404, 410, 412, 416}
_LASTING = {401, 403, 407}
_PARTIAL = 206
_SAFE = "%/:?[]@!$&'()*+,;=~"
_RANGE = re.compile(r"bytes (\d+)-\d+/(?:\d+|\*)")
_FAILURES = (urllib.error.URLError, http.client.HTTPException, OSError)


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    """A redirect might take a token to another host."""

    def redirect_request(
        self, req: urllib.request.Request, fp: IO[bytes], code: int, msg: str,
        headers: Message, newurl: str,
    ) -> None:  # fmt: skip
        """Never follow."""


class _Links(HTMLParser):
    """Collects what an index page links to."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Take the target of a link."""
        if tag == "a":
            self.found += [value for name, value in attrs if name == "href" and value]


class WebSource:
    """Files below an address.

    Variables of the feed: `TOKEN` (sent as a bearer token), or `PASSWORD`, with the user of the
    address or `USER`.
    """

    atomic = False

    def __init__(self, collect: Collect, credentials: Credentials) -> None:
        self.address, self._collect, self._credentials = collect.address, collect, credentials
        parts = urlsplit(collect.address)
        host = parts.netloc.rpartition("@")[2]
        self._list = f"{parts.scheme}://{host}{parts.path or '/'}"
        self._base = urljoin(self._list, ".")
        self._user = unquote(parts.username or "") or credentials.get("USER")
        self._opener = urllib.request.build_opener(_NoRedirect())

    def _ask(self, url: str, method: str = "GET", **headers: str) -> Any:  # noqa: ANN401  untyped
        request = urllib.request.Request(url, method=method, headers=headers)  # noqa: S310  lint knows the scheme
        token, password = self._credentials.get("TOKEN"), self._credentials.get("PASSWORD")
        if token:
            request.add_header("Authorization", f"Bearer {token}")
        elif password:
            login = base64.b64encode(f"{self._user}:{password}".encode()).decode()
            request.add_header("Authorization", f"Basic {login}")
        return self._opener.open(request, timeout=PATIENCE_S)

    def _refused(self, error: Exception, name: str = "") -> Exception:
        code = error.code if isinstance(error, urllib.error.HTTPError) else 0
        if name and code in _GONE:
            return FileChanged(name)
        if code in _LASTING:
            names = self._credentials.named("TOKEN")
            return Away(f"the server answers {code}: look at {names}", lasting=True)
        if code:
            moved = f", which leads to {error.headers['Location']}" if 300 <= code < 400 else ""  # type: ignore[attr-defined]
            return Away(f"the server answers {code}{moved}", lasting=bool(moved))
        reason = error.reason if isinstance(error, urllib.error.URLError) else error
        return Away(f"{type(error).__name__}: {reason}")

    def look(self) -> Iterable[Listed]:
        """List the files: those that the feed names, or those that the server lists.

        Raises:
            Away: If it cannot be done now.
        """
        for url, said in sorted(self._listing().items()):
            name = unquote(url.removeprefix(self._base))
            known = said if said.version else self._head(url)
            if known is not None:
                yield Listed(url, name, known.size, known.version)

    def _listing(self) -> dict[str, Listed]:
        if self._collect.files:
            return self._below(self._list_names(self._collect.files))
        try:
            with self._ask(self._list) as answer:
                kind = answer.headers.get_content_type()
                text = answer.read(_LONGEST_LIST + 1)
        except _FAILURES as error:
            raise self._refused(error) from error
        if len(text) > _LONGEST_LIST:
            msg = f"its list is longer than {_LONGEST_LIST} bytes"
            raise Away(msg, lasting=True)
        return self._below(_read_list(text, kind))

    def _list_names(self, names: Iterable[str]) -> list[tuple[str, Listed]]:
        return [(quote(name), Listed("", "", -1, "")) for name in names]

    def _below(self, found: Iterable[tuple[str, Listed]]) -> dict[str, Listed]:
        """Keep what lies below the address, and is no folder."""
        urls = (
            (urljoin(self._base, quote(link.partition("#")[0], safe=_SAFE)), said)
            for link, said in found
        )
        return {
            url: said
            for url, said in urls
            if url.startswith(self._base) and not url.endswith("/") and "?" not in url
            and ".." not in unquote(url.removeprefix(self._base)).split("/")
        }  # fmt: skip

    def _head(self, url: str) -> Listed | None:
        """Ask what a file is like; `None` where it is not there."""
        try:
            with self._ask(url, "HEAD") as answer:
                return _described(url, answer.headers)
        except urllib.error.HTTPError as error:
            if error.code in _GONE:
                return None
            raise self._refused(error) from error
        except _FAILURES as error:
            raise self._refused(error) from error

    def here(self, _listed: Listed) -> Path | None:
        """It lies elsewhere."""
        return None

    def read(self, listed: Listed, offset: int) -> tuple[int, Iterator[bytes]]:
        """Read a file, from an offset where the server does that for this version.

        Raises:
            FileChanged: If it is not what was listed.
            Away: If the server is gone.
        """
        tag = listed.version if listed.version.startswith('"') else ""
        span = {"Range": f"bytes={offset}-", "If-Range": tag} if offset and tag else {}
        try:
            answer = self._ask(listed.key, **span)
        except _FAILURES as error:
            raise self._refused(error, listed.name) from error
        said = _RANGE.fullmatch(answer.headers.get("Content-Range", ""))
        start = int(said[1]) if answer.status == _PARTIAL and said else 0
        return start, self._pieces(listed, start, answer)

    def _pieces(self, listed: Listed, start: int, answer: Any) -> Iterator[bytes]:  # noqa: ANN401
        with answer:
            said = _described(listed.key, answer.headers)
            if tag_of(listed.version) and tag_of(said.version) != tag_of(listed.version):
                raise FileChanged(listed.name)
            read = start
            try:
                while piece := answer.read(CHUNK):
                    read += len(piece)
                    yield piece
            except _FAILURES as error:
                raise self._refused(error, listed.name) from error
        whole = listed.size if listed.size >= 0 else start + max(said.size, read - start)
        if read < whole:
            msg = f"the server ended {listed.name} after {read} of {whole} bytes"
            raise Away(msg)
        if read > whole:
            raise FileChanged(listed.name)

    def clear(self, listed: Listed, sha256: str, markers: Iterable[str]) -> None:
        """What lies behind HTTP is left there."""

    def close(self) -> None:
        """Nothing is kept open."""


def tag_of(version: str) -> str:
    """Give the entity tag of a version; empty where it is none."""
    return version if version.startswith(('"', "W/")) else ""


def _described(url: str, headers: Mapping[str, str]) -> Listed:
    size = headers.get("Content-Length", "")
    number = int(size) if size.isdecimal() else -1
    changed = headers.get("Last-Modified", "")
    version = headers.get("ETag", "") or (f"{changed} {size}" if changed or size else "")
    return Listed(url, "", number, version)


def _read_list(text: bytes, kind: str) -> list[tuple[str, Listed]]:
    """Read a list in one of the ways that there are.

    Raises:
        Away: If it is none.
    """
    nothing = Listed("", "", -1, "")
    if kind == "text/html":
        page = _Links()
        page.feed(text.decode(errors="replace"))
        return [(link, nothing) for link in page.found]
    if "json" in kind:
        try:
            content = orjson.loads(text)
        except orjson.JSONDecodeError as error:
            msg = f"its list is no JSON ({error})"
            raise Away(msg, lasting=True) from error
        if isinstance(content, dict):
            content = next((value for value in content.values() if isinstance(value, list)), [])
        return [found for one in content if (found := _of_json(one)) is not None]
    lines = (line.strip() for line in text.decode(errors="replace").splitlines())
    return [(line, nothing) for line in lines if line and not line.startswith("#")]


def _of_json(one: object) -> tuple[str, Listed] | None:
    """Read an entry: a text, or an object with `url` or `name`, and perhaps `size` and `etag`."""
    if isinstance(one, str):
        return one, Listed("", "", -1, "")
    if not isinstance(one, dict):
        return None
    link = one.get("url") or quote(str(one.get("name") or ""))
    if not isinstance(link, str) or not link:
        return None
    size = one.get("size")
    changed = one.get("etag") or one.get("version") or one.get("modified")
    version = f"list {changed} {size}" if changed else ""  # of no use to ask for a range by
    return link, Listed("", "", size if isinstance(size, int) else -1, version)
