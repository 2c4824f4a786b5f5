"""The desk: where people decide about findings, one at a time, each decision in the audit trail.

Whoever decides holds the lock of the desk while it reads what holds, decides, and writes. The event
of the trail is stored before what it tells of: nothing is done that the trail does not have.
"""

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO

import orjson

from assurance.chains import Head, seal
from dataflows.files import LaneTaken, lock, write_atomic
from dataflows.settings import Home, Settings
from dataflows.stores import prepare_store, store_of
from dataflows.wall_clock import now_us
from schemas.columns import AnyRecord
from schemas.decisions import AuditEvent
from warehouse.client import Client, StoreError, opened
from warehouse.decisions import newest_audit, write

_PATIENCE_S = 30.0
_LOOK_S = 0.05
_HEAD = "head.json"


class DeskMisuse(ValueError):  # noqa: N818  it says what is the case
    """Something was asked for that is not there, or not meant by one name alone."""


def desk_folder(home: Home) -> Path:
    """Where the desk's lock lies, and the newest event that this home has written."""
    return home.root / "desk"


def known_head(home: Home) -> Head | None:
    """Give the newest event of the trail that this home knows to have written; none before one.

    Raises:
        DeskMisuse: If the file is not what was written.
    """
    path = desk_folder(home) / _HEAD
    try:
        content = orjson.loads(path.read_bytes())
        return Head(int(content["sequence"]), str(content["hash"]))
    except FileNotFoundError:
        return None
    except (orjson.JSONDecodeError, KeyError, ValueError) as error:
        msg = f"{path} is damaged: restore it from a backup; it tells of rows that are gone"
        raise DeskMisuse(msg) from error


@dataclass
class Desk:
    """What who decides may do while nobody else does.

    Attributes:
        client: Writer of the store.
        who: Name that decisions are written under.
    """

    client: Client
    home: Home
    who: str

    def audit(self, verb: str, about: str, detail: object) -> int:
        """Append to the trail; give the moment of the decision, microseconds UTC.

        Args:
            verb: What was typed.
            about: Id of what it is about.
            detail: What was asked, for JSON.

        Raises:
            StoreUnavailable: If the store does not answer: then nothing may be done.
            StoreError: If the store's trail is behind what this home has written.
        """
        moment = now_us()
        sequence, previous = newest_audit(self.client)
        head = known_head(self.home)
        if head is not None and sequence < head.number:
            msg = (
                f"the audit trail ends at {sequence}, but {head.number} was written here: "
                "rows were removed, or another store is meant; see `tallywire audit verify`"
            )
            raise StoreError(msg)
        text = orjson.dumps(detail, default=str, option=orjson.OPT_SORT_KEYS).decode()
        event = AuditEvent(
            sequence=sequence + 1, at=moment, who=self.who, verb=verb, object=about, detail=text
        )
        sealed = seal(event, previous)
        self.keep("audit_events", [sealed], moment, f"audit-{sealed.sequence}-{sealed.hash[:16]}")
        content = orjson.dumps({"sequence": sealed.sequence, "hash": sealed.hash})
        write_atomic(desk_folder(self.home) / _HEAD, content, durable=True)
        return moment

    def keep(self, table: str, rows: Sequence[AnyRecord], at: int, token: str) -> None:
        """Store rows of a decision, all or none."""
        write(self.client, table, rows, at, token)


@contextmanager
def _alone(home: Home) -> Iterator[None]:
    """Hold the lock of the desk; wait for whoever holds it, for a while.

    Raises:
        LaneTaken: If somebody holds it for too long.
    """
    with _taken(home):
        yield


def _taken(home: Home) -> IO[bytes]:
    deadline = time.monotonic() + _PATIENCE_S
    while True:
        try:
            return lock(desk_folder(home), "the desk of findings")
        except LaneTaken:
            if time.monotonic() > deadline:
                raise
        time.sleep(_LOOK_S)


@contextmanager
def desk(settings: Settings, who: str) -> Iterator[Desk]:
    """Sit down at the desk: the store at this version, nobody else deciding.

    Raises:
        DeskMisuse: If the home holds no store.
        LaneTaken: If somebody else decides and does not come to an end.
        StoreError: If the store cannot be used.
    """
    home = Home(settings.home)
    if not settings.store_url and not (home.store / "data").exists():
        msg = f"{home.root} holds no store yet: rate something first with `tallywire run`"
        raise DeskMisuse(msg)
    with store_of(settings), _alone(home):
        prepare_store(settings)
        where = (settings.store_url, home.store)
        with opened(*where, database=settings.database) as client:
            yield Desk(client, home, who)
