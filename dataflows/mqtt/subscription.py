"""The way of a feed's messages: read what is there, make it durable, acknowledge it; for ever.

One thread does it for one feed. It holds no more than one group of messages, and reads the next
when that is settled. What could not be made durable is not acknowledged: the connection is given
up, and on the next one the broker sends it again.
"""

import threading
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import xxhash

from dataflows.fetching.source import Away, Credentials
from dataflows.ingest.faults import Faults
from dataflows.ingest.judge import judge
from dataflows.ingest.log import IngestLog, Keyed, LogUnavailable
from dataflows.mqtt.connection import Connection, Message
from dataflows.mqtt.counts import KEPT, LOST, NEW, RETAINED, UNAVAILABLE, FeedCounts
from dataflows.mqtt.payloads import ACCEPTED, SUSPENDED, Cut, cut
from dataflows.mqtt.sessions import Session, remember, remembered
from tallywire.catalog.feed import Feed, Mqtt

_WAIT_S = 0.2
_GROUP_BYTES = 4 * 1024 * 1024
_LEAST_S, _MOST_S = 1.0, 60.0
_TAKEN_OVER = "Session taken over"


class Group(NamedTuple):
    """What messages hold, and what becomes of them.

    Attributes:
        records: To be made durable.
        outcomes: Messages by outcome, once the records are.
    """

    records: list[Keyed]
    outcomes: Counter[str]


def group_of(messages: Sequence[Message], feed: Feed, mqtt: Mqtt, longest: int) -> Group:
    """Cut messages into records, and find the partition of each: the same when one comes again.

    A record that is no usage of the feed is kept, too: nobody could be told to send it right.
    """
    cuts = [
        Cut([], RETAINED)
        if one.retained
        else cut(one.payload, one.topic, with_topic=mqtt.with_topic, longest=longest)
        for one in messages
    ]
    records = [record for one in cuts for record in one.records]
    verdicts = judge(records, feed, longest)
    refused = iter([bool(verdict.reason) for verdict in verdicts])
    outcomes: Counter[str] = Counter()
    for one in cuts:
        wrong = sum(next(refused) for _ in one.records)
        outcomes[SUSPENDED if wrong and one.outcome == ACCEPTED else one.outcome] += 1
    keyed = [
        Keyed(verdict.key or xxhash.xxh3_128_hexdigest(record), record)
        for record, verdict in zip(records, verdicts, strict=True)
    ]
    return Group(keyed, outcomes)


@dataclass(frozen=True)
class Shared:
    """What the subscriptions of a process have in common.

    Attributes:
        client: Begins the names of their sessions; of one process alone.
        inflight: Messages that a broker may send before one is acknowledged.
        environment: Holds the credentials.
        sessions: Folder of what is remembered of sessions.
        log: Logger.
    """

    client: str
    inflight: int
    environment: Mapping[str, str]
    sessions: Path
    faults: Faults
    log: Any


class Subscription(threading.Thread):
    """The thread of a feed.

    Attributes:
        feed: Exchanged when a newer catalogue reads its records otherwise.

    Args:
        log: Where its records go; other subscriptions may use it, too.
    """

    def __init__(self, feed: Feed, log: IngestLog, counts: FeedCounts, shared: Shared) -> None:
        super().__init__(name=f"mqtt-{feed.feed_id}", daemon=True)
        assert feed.mqtt is not None  # noqa: S101  whoever makes one has looked
        self.feed, self._mqtt = feed, feed.mqtt
        self._log, self._counts, self._shared = log, counts, shared
        self._client = f"{shared.client}-{feed.feed_id}"
        self._ending = threading.Event()
        self._short = 0
        self._say = shared.log.bind(feed=feed.feed_id)

    def end(self) -> None:
        """Ask it to end when what was read is settled."""
        self._ending.set()

    def run(self) -> None:
        """Subscribe, and again after a while that grows, until it is asked to end."""
        wait_s = _LEAST_S
        while not self._ending.is_set():
            began = time.monotonic()
            self._try()
            self._counts.connected = False
            if time.monotonic() - began > _MOST_S:
                wait_s, self._short = _LEAST_S, 0
            self._ending.wait(wait_s)
            wait_s = min(2 * wait_s, _MOST_S)

    def _try(self) -> None:
        """Subscribe, and take messages as long as that goes well."""
        try:
            self._log.check()
            with closing(self._connection()) as connection:
                self._subscribe(connection)
                while not self._ending.is_set():
                    self._take(connection)
        except Away as away:
            self._tell(str(away), lasting=away.lasting)
        except LogUnavailable as error:
            self._shared.faults.tell(error)
        except OSError as error:
            self._tell(f"the home cannot be written: {error.strerror or error}", lasting=True)
        except Exception as error:  # noqa: BLE001  a fault of ours costs one try, not the feed
            self._shared.faults.tell(error)
            self._tell(f"fault of our own: {type(error).__name__}", lasting=True)

    def _tell(self, text: str, *, lasting: bool) -> None:
        """Say once why there is no subscription; `status` goes on saying it."""
        if text != self._counts.problem:
            say: Callable[..., None] = self._say.error if lasting else self._say.warning
            say("not subscribed", reason=text)
        self._counts.problem = text

    def _connection(self) -> Connection:
        credentials = Credentials(self.feed.feed_id, self._shared.environment)
        return Connection(self._mqtt, self._client, self._shared.inflight, credentials)

    def _subscribe(self, connection: Connection) -> None:
        """Subscribe, and leave the topic of an earlier catalogue; what comes meanwhile is taken."""
        before = remembered(self._shared.sessions, self.feed.feed_id)
        now = Session(self._mqtt.broker, self._client, self._mqtt.topic)
        ours = before is not None and (before.broker, before.client) == (now.broker, now.client)
        connection.subscribe()
        while not connection.subscribed():
            self._take(connection)
        if before and ours and before.topic != now.topic and connection.session_present:
            connection.unsubscribe(before.topic)
        remember(self._shared.sessions, self.feed.feed_id, now)
        self._connected(connection, known=ours)

    def _connected(self, made: Connection, *, known: bool) -> None:
        """Count and tell a connection, and what of the broker is less than was asked of it."""
        mqtt, state = self._mqtt, KEPT if made.session_present else NEW
        if state == NEW and known and mqtt.qos:
            state = LOST
            self._say.error("the broker has forgotten our session: messages since may be lost")
        self._counts.connects[state] += 1
        self._counts.connected, self._counts.problem = True, ""
        self._say.info("subscribed", broker=mqtt.broker, topic=mqtt.topic, session=state)
        if made.granted < mqtt.qos:
            self._say.warning("the broker grants less, and may lose messages", qos=made.granted)
        if mqtt.qos and made.expires_s is not None and made.expires_s < mqtt.session_s:
            self._say.warning("the broker keeps our session for less", seconds=made.expires_s)

    def _take(self, connection: Connection) -> None:
        """Read a group, make it durable, acknowledge it.

        Raises:
            Away: If the connection is lost; what was read is settled before.
            LogUnavailable: If it could not be made durable.
        """
        messages = connection.read(_WAIT_S, self._shared.inflight, _GROUP_BYTES)
        if messages:
            began = time.monotonic()
            group = group_of(messages, self.feed, self._mqtt, self._log.longest)
            try:
                if group.records:
                    self._log.append(self.feed, group.records)
            except LogUnavailable:
                self._counts.messages[UNAVAILABLE] += len(messages)
                raise
            connection.acknowledge(messages)
            self._counts.settled(group.outcomes, time.monotonic() - began)
        if connection.lost:
            raise Away(self._lost(connection.lost))

    def _lost(self, text: str) -> str:
        """Say why a connection is gone; of two that take it from each other neither lasts."""
        self._short += 1
        if self._short == 1 and _TAKEN_OVER not in text:
            return text
        return (
            f"{text}, again: is another process {self._client}, too? "
            "Give each a `mqtt_client` of its own"
        )
