"""Findings onto the topic `alerts`: those that no lane has published with its batch.

What the controls beside the lanes find, and what a verb finds, is in the store alone; this tells
the topic of it, in the same shape, at least once.
"""

from collections.abc import Sequence

from dataflows.delivery.cursor import Cursor
from dataflows.delivery.follow import FindingFollower, Told
from dataflows.delivery.webhook import Answer
from dataflows.kafka.client import producer
from dataflows.kafka.delivery import Deliveries
from dataflows.kafka.errors import KafkaRefused, KafkaUnavailable
from dataflows.kafka.names import ALERTS, topic_of
from dataflows.settings import Settings
from dataflows.sinks.topics import EVENT, event_of
from schemas.alerts import Alert
from warehouse.outbox import Entry

TOPIC = "topic"
_ANY = -1
_APART = "~"
_PATIENCE_S = 10.0


class TopicSender:
    """Sends findings to the topic; of one thread only."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._deliveries: Deliveries | None = None

    def send(self, told: Sequence[tuple[str, Alert]]) -> Answer:
        """Send findings with who stored them; taken when all replicas in sync have them."""
        try:
            if self._deliveries is None:
                made = producer(self._settings, lambda _text: None)
                self._deliveries = Deliveries(made, _PATIENCE_S)
            for writer, alert in told:
                self._hand_over(self._deliveries, writer, alert)
            self._deliveries.settle()
        except (KafkaRefused, KafkaUnavailable) as error:
            self._deliveries = None  # it remembers the failure; the next attempt begins anew
            return Answer(taken=False, why=str(error))
        return Answer(taken=True)

    def _hand_over(self, deliveries: Deliveries, writer: str, alert: Alert) -> None:
        headers: dict[str, str | bytes] = {
            "content-type": EVENT, "token": f"{alert.batch_token}:{alert.alert_id}",
            "lane": writer, "rows": "1", "catalog": "",
        }  # fmt: skip
        content = event_of(alert.model_dump(), writer, alert.batch_token)
        key = alert.alert_id.encode()
        deliveries.send(topic_of(self._settings, ALERTS), _ANY, content, key=key, headers=headers)


class TopicFollower(FindingFollower):
    """Publishes what was found beside the lanes."""

    def __init__(self, cursor: Cursor, told: Told, sender: TopicSender) -> None:
        super().__init__(TOPIC, cursor, told)
        self._sender = sender

    def _tell(self, page: Sequence[Entry]) -> bool:
        found = [
            (one.writer.removeprefix(_APART), one.alert)
            for one in page
            if one.alert is not None and one.writer.startswith(_APART)
        ]
        if found and not self._attempts(TOPIC, lambda: self._sender.send(found), len(found)):
            return False
        for entry in page:
            self._cursor.pass_by(entry)
        self._cursor.save(durable=True)
        return True

    def _hushes(self) -> bool:
        """Leave nothing out: who follows the topic decides what is told."""
        return False
