"""Sending a canary, in three steps that a crash may part at any point.

    CANARIES/draft/NAME@NUMBER   its file, made durable
    canaries_sent                its row in the store
    CANARIES/inbox/...           the file, by one rename: now it is sent

A file that is still a draft at the next look was not sent. Its row, if there is one, is taken back:
that run did not happen, and nothing is missing.
"""

import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

from dataflows.canaries.key import canary_key
from dataflows.canaries.making import made, record_of
from dataflows.canaries.places import inbox
from dataflows.controls.put import put
from dataflows.files import LaneTaken, lock, sync_folder, write_atomic
from dataflows.settings import Home
from schemas.canaries import CanarySent
from tallywire.catalog import Snapshot
from tallywire.catalog.canaries import Canary
from warehouse.canaries import newest_sent, sent_once
from warehouse.client import Client

_SECOND_US = 1_000_000
_KEPT_S = 86_400
"""How long a file that was sent stays in the inbox: lanes have read it long since."""
_TIDY_US = 600 * _SECOND_US
_PATIENCE_S = 10.0
_BETWEEN = "@"


@dataclass
class Sender:
    """Sends the canaries of a home.

    Args:
        key: The secret.
        now_us: The wall clock.
    """

    home: Home
    key: bytes
    now_us: Callable[[], int]
    _last: dict[str, int] = field(default_factory=dict)
    _tidied: int = 0

    def __post_init__(self) -> None:
        self._inbox, self._draft = inbox(self.home), self.home.canaries / "draft"
        for folder in (self._inbox, self._draft):
            folder.mkdir(parents=True, exist_ok=True)

    def waits(self, snapshot: Snapshot) -> bool:
        """Tell whether a canary may be due, or one was left unsent, as far as is known here."""
        return self._left() or any(self._begun(one) for one in snapshot.canaries.values())

    def _left(self) -> bool:
        return any(self._draft.iterdir())

    def _begun(self, canary: Canary) -> bool:
        """Tell whether it is another `every` than that of its last sending that is known here.

        Another, not a later one: the clock may be set back.
        """
        last = self._last.get(canary.canary_id, 0)
        return self.now_us() // canary.every_us != last // canary.every_us

    def look(self, client: Client, snapshot: Snapshot) -> list[CanarySent]:
        """Send every canary whose time has come; what was missed meanwhile is not made up for.

        Raises:
            CanaryMisuse: If one cannot be sent as it is declared.
            StoreUnavailable: If it cannot be written down.
            OSError: If its file cannot be written.
        """
        if self._left():
            with self._alone():
                self._take_back(client)
        found = []
        for one in snapshot.canaries.values():
            if self._begun(one):  # the store knows of what others sent
                self._last[one.canary_id] = newest_sent(client, one.canary_id)[1]
                found += [self.send(client, one, snapshot)] if self._begun(one) else []
        if self.now_us() - self._tidied > _TIDY_US:
            self._tidy()
        return found

    def send(self, client: Client, canary: Canary, snapshot: Snapshot) -> CanarySent:
        """Send one canary now.

        Raises:
            CanaryMisuse: If it cannot be sent as it is declared.
            LaneTaken: If another process keeps sending.
            StoreUnavailable: If it cannot be written down.
            OSError: If its file cannot be written.
        """
        with self._alone():
            self._take_back(client)
            sent, draft = self._drafted(client, canary, snapshot)
            if self.now_us() - sent.sent_at > canary.within_us:  # we were held up: this one is old
                self._take_back(client)
                sent, draft = self._drafted(client, canary, snapshot)
            place = self._inbox / sent.file_name
            place.parent.mkdir(parents=True, exist_ok=True)
            draft.rename(place)
            sync_folder(place.parent)
            self._last[canary.canary_id] = sent.sent_at
        return sent

    def _drafted(
        self, client: Client, canary: Canary, snapshot: Snapshot
    ) -> tuple[CanarySent, Path]:
        """Write a canary, and write down that it is sent."""
        number = newest_sent(client, canary.canary_id)[0] + 1
        sent = made(canary, number, snapshot, self.key, self.now_us())
        draft = self._draft / f"{sent.canary_id}{_BETWEEN}{sent.sequence}"
        write_atomic(draft, record_of(canary, sent), durable=True)
        self._write_down(client, sent)
        return sent, draft

    @contextmanager
    def _alone(self) -> Iterator[None]:
        """Wait until nobody else sends."""
        until = time.monotonic() + _PATIENCE_S
        while True:
            try:
                held = lock(self.home.root / "locks" / "canaries", "sending canaries")
                break
            except LaneTaken:
                if time.monotonic() > until:
                    raise
                time.sleep(0.05)
        try:
            yield
        finally:
            held.close()

    def _take_back(self, client: Client) -> None:
        """Take back what was written down and not sent."""
        for draft in sorted(self._draft.glob(f"*{_BETWEEN}*")):
            if draft.name.startswith("."):
                draft.unlink()
                continue
            name, number = draft.name.rsplit(_BETWEEN, 1)
            for one in sent_once(client, name, int(number)):
                self._write_down(client, one.model_copy(update={"change": -1}))
            draft.unlink()

    def _write_down(self, client: Client, one: CanarySent) -> None:
        token = f"canary:{one.canary_id}:{one.sequence}:{one.change}"
        put(client, "canaries_sent", [one], CanarySent, token, self.now_us())

    def _tidy(self) -> None:
        """Delete files of before a day."""
        self._tidied = self.now_us()
        before = self._tidied // _SECOND_US - _KEPT_S
        for path in self._inbox.rglob("*"):
            with suppress(FileNotFoundError):
                if path.is_file() and int(path.stat().st_mtime) < before:
                    path.unlink()


def sender_of(home: Home, now_us: Callable[[], int]) -> Sender:
    """Make the sender of a home.

    Raises:
        CanaryMisuse: If its secret is none.
        OSError: If the secret can be neither read nor made.
    """
    return Sender(home, canary_key(home, os.environ), now_us)
