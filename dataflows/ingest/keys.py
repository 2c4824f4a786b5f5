"""Keys of senders: kept as argon2 hashes in one private file, shown once, revoked for good."""

import asyncio
import hashlib
import secrets
from collections import OrderedDict
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import argon2
from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

from dataflows.files import lock, write_atomic
from dataflows.ingest import problems
from dataflows.ingest.limits import TokenBucket
from dataflows.ingest.log import IngestMisuse
from dataflows.ingest.problems import Problem

_HASHER = argon2.PasswordHasher()
_WRONG_REMEMBERED = 4_096
_LONGEST = 200
_SECRET_BYTES = 32
_BUSY_S = 1


class ApiKey(BaseModel):
    """What is kept of a key.

    Attributes:
        id: Its public part.
        tenant: Whose feeds it is for.
        feeds: Those it may send to.
        events_per_s: Records that it may send in a second; 0 for no limit.
        hash: argon2 hash of the whole key.
        created, revoked: RFC 3339; `revoked` is empty while it is valid.
    """

    model_config = ConfigDict(extra="forbid")

    id: str = Field(pattern=r"^[0-9a-f]{8}$")
    tenant: str
    feeds: list[str] = Field(min_length=1)
    events_per_s: int = Field(ge=0)
    hash: str
    created: str
    revoked: str = ""


_FILE = TypeAdapter(list[ApiKey])


def read_keys(path: Path) -> list[ApiKey]:
    """Read all keys, oldest first; none where there is no file.

    Raises:
        IngestMisuse: If the file is not what was written.
        OSError: If it cannot be read.
    """
    try:
        return _FILE.validate_json(path.read_bytes())
    except FileNotFoundError:
        return []
    except ValidationError as error:
        where = ".".join(str(part) for part in error.errors()[0]["loc"])
        msg = f"{path} does not hold keys (at {where or 'its beginning'}): restore it from a backup"
        raise IngestMisuse(msg) from error


def _change(path: Path, change: Callable[[list[ApiKey]], list[ApiKey]]) -> None:
    with lock(path.parent / "locks" / "ingest_keys", f"{path}"):
        kept = change(read_keys(path))
        content = _FILE.dump_json(kept, indent=1)
        write_atomic(path, content, durable=True, private=True)


def add_key(path: Path, *, tenant: str, feeds: list[str], events_per_s: int, now: str) -> str:
    """Make a key, keep its hash, give the key itself: it cannot be had again.

    Args:
        path: File of keys.
        now: RFC 3339.

    Raises:
        OSError: If the file cannot be written.
    """
    name = secrets.token_hex(4)
    key = f"tw_{name}_{secrets.token_urlsafe(_SECRET_BYTES)}"
    made = ApiKey(
        id=name, tenant=tenant, feeds=feeds, events_per_s=events_per_s, hash=_HASHER.hash(key),
        created=now,
    )  # fmt: skip
    _change(path, lambda known: [*known, made])
    return key


def revoke_key(path: Path, name: str, now: str) -> ApiKey:
    """Revoke a key; a gateway that runs refuses it from the next request on.

    Raises:
        IngestMisuse: If there is no such key, or it is revoked already.
        OSError: If the file cannot be written.
    """
    revoked: list[ApiKey] = []

    def change(known: list[ApiKey]) -> list[ApiKey]:
        found = [one.model_copy(update={"revoked": now}) if one.id == name and not one.revoked
                 else one for one in known]  # fmt: skip
        revoked.extend(one for one, old in zip(found, known, strict=True) if one is not old)
        if not revoked:
            msg = f"no valid key {name!r}; `tallywire ingest keys list` shows those there are"
            raise IngestMisuse(msg)
        return found

    _change(path, change)
    return revoked[0]


class Sender:
    """A verified key and what it may still send."""

    def __init__(self, key: ApiKey) -> None:
        self.key = key
        self.bucket = TokenBucket(key.events_per_s) if key.events_per_s else None


class Keyring:
    """Verifies keys; used by the event loop alone.

    A hash of argon2 takes as much time and memory as it should, so verified keys are remembered
    until the file changes, and one key is verified at a time: wrong keys cost no more than that.

    Args:
        path: File of keys.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._seen: tuple[int, int, int] | None = None
        self._keys: dict[str, ApiKey] = {}
        self._senders: dict[str, Sender] = {}
        self._verified: dict[bytes, str] = {}
        self._wrong: OrderedDict[bytes, None] = OrderedDict()
        self._verifying: tuple[bytes, asyncio.Task[bool]] | None = None
        self.refresh()

    def refresh(self) -> None:
        """Read the file again where it is another than before.

        Raises:
            IngestMisuse: If it holds no keys.
            OSError: If it cannot be read.
        """
        stamp = None
        with suppress(FileNotFoundError):
            found = self._path.stat()
            stamp = (found.st_mtime_ns, found.st_size, found.st_ino)
        if stamp == self._seen:
            return
        known = {one.id: one for one in read_keys(self._path) if not one.revoked}
        self._seen, self._keys = stamp, known
        self._verified.clear()
        self._wrong.clear()
        self._senders = {
            name: self._senders[name]
            if name in self._senders and self._senders[name].key == one
            else Sender(one)
            for name, one in known.items()
        }

    def __len__(self) -> int:
        return len(self._keys)

    async def sender(self, presented: str) -> Sender:
        """Find whose key this is.

        Raises:
            Problem: If it is nobody's, or another key is being verified just now.
        """
        self.refresh()
        digest = hashlib.sha256(presented.encode()).digest()
        if (name := self._verified.get(digest)) is not None:
            return self._senders[name]
        known = self._keys.get(_name_in(presented))
        if (
            known is None
            or digest in self._wrong
            or not await self._verify(known, presented, digest)
        ):
            raise Problem(problems.KEY_WRONG, "the key is not known here, or was revoked")
        if self._keys.get(known.id) != known:  # the file changed meanwhile
            return await self.sender(presented)
        self._verified[digest] = known.id
        return self._senders[known.id]

    async def _verify(self, known: ApiKey, presented: str, digest: bytes) -> bool:
        if self._verifying is None:
            task = asyncio.create_task(asyncio.to_thread(_matches, known.hash, presented))
            self._verifying = (digest, task)
            task.add_done_callback(self._free)
        doing, task = self._verifying
        if doing != digest:
            detail = "another key is being verified; try again in a second"
            raise Problem(problems.KEYS_BUSY, detail, retry_after_s=_BUSY_S)
        right = await asyncio.shield(task)
        if not right:
            self._wrong[digest] = None
            if len(self._wrong) > _WRONG_REMEMBERED:
                self._wrong.popitem(last=False)
        return right

    def _free(self, _task: asyncio.Task[bool]) -> None:
        self._verifying = None


def _name_in(presented: str) -> str:
    """Read the public part of a key; empty where it is none."""
    parts = presented.split("_", 2)
    return parts[1] if len(presented) <= _LONGEST and len(parts) == 3 and parts[0] == "tw" else ""


def _matches(kept: str, presented: str) -> bool:
    try:
        return _HASHER.verify(kept, presented)
    except (argon2.exceptions.VerificationError, argon2.exceptions.InvalidHashError):
        return False
