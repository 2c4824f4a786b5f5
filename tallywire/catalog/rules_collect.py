"""Files from elsewhere: an address without a secret, and what becomes of a file there."""

import re
from collections.abc import Iterator, Sequence
from pathlib import PurePosixPath
from urllib.parse import SplitResult, urlsplit

from schemas.services import Unit
from tallywire.catalog.entries import Placed
from tallywire.catalog.feed import Collect
from tallywire.catalog.models import FeedEntry
from tallywire.catalog.models_collect import CollectEntry
from tallywire.catalog.pricing import in_units
from tallywire.catalog.problems import Problem

_SCHEMES = ("sftp", "s3", "https", "http", "file")
_HERE = {"localhost", "127.0.0.1", "::1"}
_MARKER = "marker:"
_LONGEST_POLL_US = 86_400_000_000
_SECOND_US = 1_000_000


def variables_of(feed_id: str) -> str:
    """Begin the names of the environment variables that hold a feed's credentials.

    >>> variables_of("nordvik.cdr-2")
    'TALLYWIRE_FEED_NORDVIK_CDR_2_'
    """
    return f"TALLYWIRE_FEED_{re.sub(r'[^A-Z0-9]', '_', feed_id.upper())}_"


def is_here(host: str | None) -> bool:
    """Tell whether a host is this machine: what is sent to it crosses no network."""
    return host in _HERE


def _parts(address: str) -> SplitResult | None:
    try:
        parts = urlsplit(address)
        _ = parts.port
    except ValueError:
        return None
    return parts


def _address(placed: Placed[FeedEntry], entry: CollectEntry, secrets: str) -> Iterator[Problem]:
    parts = _parts(entry.address)
    place = ("collect", "from")
    if parts is None or parts.scheme not in _SCHEMES:
        text = "must begin with sftp://, s3://, https://, http:// or file://"
        yield placed.problem(place, text)
        return
    if parts.password is not None:
        text = f"holds a password; put it into the environment as {secrets}PASSWORD"
        yield placed.problem(place, text)
    if parts.query or parts.fragment:
        text = "has a question mark or #; a secret belongs into the environment, a name into path"
        yield placed.problem(place, text)
    if parts.scheme == "file" and (parts.netloc or not parts.path.startswith("/")):
        yield placed.problem(place, "names a folder of this machine: write file:///folder")
    if parts.scheme != "file" and not parts.hostname:
        what = "bucket" if parts.scheme == "s3" else "host"
        yield placed.problem(place, f"names no {what}; write {parts.scheme}://{what}/folder")
    if parts.scheme == "sftp" and not parts.username:
        yield placed.problem(place, "names no user; write sftp://user@host/folder")
    if parts.scheme == "http" and not is_here(parts.hostname) and not entry.unencrypted:
        text = "is not encrypted: write https://, or unencrypted: yes where that is impossible"
        yield placed.problem(place, text)
    if ".." in PurePosixPath(parts.path).parts:
        yield placed.problem(place, "leaves its own folder by ..; write the folder itself")


def _afterwards(placed: Placed[FeedEntry], entry: CollectEntry) -> Iterator[Problem]:
    web = entry.address.startswith(("http://", "https://"))
    if web and entry.after != "keep":
        text = f"cannot {entry.after} what lies behind HTTP; write keep"
        yield placed.problem(("collect", "after"), text)
    if entry.after == "archive" and not entry.archive_to:
        text = "says not where files are archived; write a folder, or a prefix of the bucket"
        yield placed.problem(("collect", "archive_to"), text)
    if entry.archive_to and entry.after != "archive":
        yield placed.problem(("collect", "archive_to"), "is for after: archive only")
    if ".." in PurePosixPath(entry.archive_to).parts:
        yield placed.problem(("collect", "archive_to"), "leaves its folder by ..")
    if entry.files and not web:
        text = "is for HTTP; elsewhere the files are listed by their server"
        yield placed.problem(("collect", "files"), text)


def collect_problems(placed: Placed[FeedEntry], secrets: str) -> Iterator[Problem]:
    """Check where a feed fetches its files from.

    Args:
        secrets: Beginning of the names of its environment variables.
    """
    entry = placed.value.collect
    if entry is None:
        return
    if not placed.value.path:
        text = "says not which of the files there it takes; write path, such as *.csv"
        yield placed.problem(("path",), text)
    if placed.value.growing:
        text = "is for files on this machine; a file that is fetched is whole"
        yield placed.problem(("growing",), text)
    yield from _address(placed, entry, secrets)
    yield from _afterwards(placed, entry)
    if entry.finished != "settled" and not entry.finished.removeprefix(_MARKER).startswith("."):
        text = "must be settled, or the ending of a file that marks another: marker:.done"
        yield placed.problem(("collect", "finished"), text)
    poll_us = in_units(entry.poll, Unit.MICROSECOND)
    if poll_us is None or not _SECOND_US <= poll_us <= _LONGEST_POLL_US:
        yield placed.problem(("collect", "poll"), "must be from 1s to 24h")


def secret_problems(feeds: Sequence[Placed[FeedEntry]]) -> Iterator[Problem]:
    """Two feeds whose secrets would have one name would each be given the other's."""
    seen: dict[str, str] = {}
    for placed in feeds:
        if placed.value.collect is None and placed.value.mqtt is None:
            continue
        name = variables_of(placed.value.id)
        if name in seen:
            text = f"has the environment variables {name}... of the feed {seen[name]!r}; rename one"
            yield placed.problem(("id",), text)
        seen.setdefault(name, placed.value.id)


def compile_collect(entry: CollectEntry | None) -> Collect | None:
    """Compile where files are fetched from; lint has passed."""
    if entry is None:
        return None
    return Collect(
        address=entry.address,
        files=entry.files,
        poll_us=in_units(entry.poll, Unit.MICROSECOND) or _SECOND_US,
        marker=entry.finished.removeprefix(_MARKER) if entry.finished != "settled" else "",
        after=entry.after,
        archive_to=entry.archive_to,
        unencrypted=entry.unencrypted,
    )
