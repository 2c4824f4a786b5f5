"""Telling one target: read behind its cursor, send, move the cursor, again and again."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from typing import Generic, Protocol, TypeVar

from assurance.delivery.backoff import pause_ms
from assurance.delivery.folding import Message, fold, next_message_us
from assurance.suppression import Suppression, active, suppressions
from dataflows import stop
from dataflows.delivery.cursor import Cursor
from dataflows.delivery.figures import Figures
from dataflows.delivery.webhook import Answer, webhook_id
from dataflows.wall_clock import now_us
from schemas.alerts import Alert
from warehouse.client import Client, StoreUnavailable
from warehouse.decisions import suppression_events
from warehouse.outbox import Entry, next_entries

_ATTEMPTS_ONCE = 3
"""Of one message in a single pass, before the target is left for another time."""


class SendsFindings(Protocol):
    """What sends one finding to a program."""

    def send(self, alert: Alert) -> Answer:
        """Send it, once."""
        ...


class SendsMessages(Protocol):
    """What sends a message to people."""

    def send(self, message: Message) -> Answer:
        """Send it, once."""
        ...


@dataclass(frozen=True)
class Told:
    """What all targets share.

    Attributes:
        connect: Opens the store for a while, for the thread that calls it.
        every_s: From one look to the next.
        once: One pass, then the end.
    """

    connect: Callable[[], AbstractContextManager[Client]]
    figures: Figures
    every_s: float
    once: bool


def _hushed(entry: Entry, held: Sequence[Suppression]) -> bool:
    alert = entry.alert
    return alert is not None and any(one.covers(alert.control_id, alert.entity_id) for one in held)


Item = TypeVar("Item")


class Follower(ABC, Generic[Item]):
    """Tells one target of what comes next, at least once.

    What waits lies in the store: a target that is away for a day makes nothing grow here.
    """

    def __init__(self, name: str, told: Told) -> None:
        self.name, self._told = name, told
        told.figures.add(name)

    def run(self) -> bool:
        """Follow until asked to stop, or for one pass; tell whether all was taken."""
        attempt = 0
        while not stop.stopping():
            try:
                page = self._page()
            except StoreUnavailable as error:
                attempt += 1
                self._told.figures.failed(self.name, str(error))
                if self._told.once:
                    return False
                stop.wait(pause_ms(attempt, self.name) / 1_000)
                continue
            attempt = 0
            if page and not self._tell(page):
                return False
            if not page:
                self._told.figures.sent(self.name, 0)
                if self._told.once or stop.wait(self._told.every_s):
                    return True
        return True

    @abstractmethod
    def _page(self) -> list[Item]:
        """Read what comes next."""

    def _attempts(self, key: str, send: Callable[[], Answer], findings: int) -> bool:
        """Try until it is taken, or there is no more time; tell whether it was."""
        for attempt in self._numbers():
            answer = send()
            if answer.taken:
                self._told.figures.sent(self.name, findings)
                return True
            self._told.figures.failed(self.name, answer.why)
            last = self._told.once and attempt == _ATTEMPTS_ONCE
            if last or stop.wait(pause_ms(attempt, f"{self.name}:{key}") / 1_000):
                return False
        return False

    def _numbers(self) -> Iterator[int]:
        attempt = 1
        while not stop.stopping():
            yield attempt
            attempt += 1

    @abstractmethod
    def _tell(self, page: Sequence[Item]) -> bool:
        """Tell of a page and move the cursor behind it; false where it was not taken."""


class FindingFollower(Follower[Entry]):
    """Tells one target of findings, in the order of each lane's ledger."""

    each, most = 250, 500

    def __init__(self, name: str, cursor: Cursor, told: Told) -> None:
        super().__init__(name, told)
        self._cursor = cursor

    def _page(self) -> list[Entry]:
        """Read what comes next; what is suppressed now is there only to be passed by."""
        with self._told.connect() as client:
            page = next_entries(client, self._cursor.behind, each=self.each, most=self.most)
            hushes = page and self._hushes()
            held = active(suppressions(suppression_events(client)), now_us()) if hushes else []
        return [replace(one, alert=None) if _hushed(one, held) else one for one in page]

    def _hushes(self) -> bool:
        """Tell whether what is suppressed is not told."""
        return True


class EndpointFollower(FindingFollower):
    """Sends findings to a program, one by one."""

    def __init__(self, name: str, cursor: Cursor, told: Told, sender: SendsFindings) -> None:
        super().__init__(name, cursor, told)
        self._sender = sender

    def _tell(self, page: Sequence[Entry]) -> bool:
        for entry in page:
            if entry.alert is not None and not self._send(entry.alert):
                self._cursor.save(durable=True)
                return False
            self._cursor.pass_by(entry)
            self._cursor.save()
        self._cursor.save(durable=True)
        return True

    def _send(self, alert: Alert) -> bool:
        return self._attempts(webhook_id(alert), lambda: self._sender.send(alert), 1)


class ChannelFollower(FindingFollower):
    """Tells people of open findings: few messages, each of many findings where many come.

    Args:
        per_minute: Most messages a minute.
        lines: Findings of a message with a line of their own.
    """

    each, most = 1_000, 2_000

    def __init__(
        self, name: str, cursor: Cursor, told: Told, sender: SendsMessages,
        *, per_minute: int, lines: int,
    ) -> None:  # fmt: skip
        super().__init__(name, cursor, told)
        self._sender, self._per_minute, self._lines = sender, per_minute, lines
        self._last: int | None = None

    def _tell(self, page: Sequence[Entry]) -> bool:
        told = [one.alert for one in page if one.alert is not None and one.alert.state == "open"]
        if told and not self._say(told):
            return False
        for entry in page:
            self._cursor.pass_by(entry)
        self._cursor.save(durable=True)
        return True

    def _say(self, told: Sequence[Alert]) -> bool:
        wait_us = next_message_us(self._last, self._per_minute) - now_us()
        if wait_us > 0 and stop.wait(wait_us / 1_000_000):
            return False
        message = fold(told, self._lines)
        taken = self._attempts(webhook_id(told[-1]), lambda: self._sender.send(message), len(told))
        self._last = now_us()
        return taken
