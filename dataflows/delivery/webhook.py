"""One finding to one endpoint: a signed request, and whether it was taken."""

import datetime
from contextlib import suppress
from dataclasses import dataclass
from decimal import Decimal

import orjson
import urllib3
from standardwebhooks import Webhook
from urllib3.exceptions import HTTPError

from dataflows.delivery.targets import Endpoint
from schemas.alerts import Alert
from schemas.instants import UTC, text_from_micros

_JSON = ("evidence", "features", "reference_versions", "feedback")
_MONEY = ("money_at_risk", "money_low", "money_high")
_CONNECT_S = 5.0
_ANSWER_OCTETS = 1_024
_WORDS = {410: "it says that it is gone for good: take it out of the settings"}


@dataclass(frozen=True)
class Answer:
    """What became of a request: taken, or why not."""

    taken: bool
    why: str = ""


def webhook_id(alert: Alert) -> str:
    """Name one state of one finding: whoever gets it twice knows it by this."""
    return f"{alert.alert_id}:{alert.ledgered_at}"


def body_of(alert: Alert) -> bytes:
    """Write a finding as a message; the same state of it is always the same bytes."""
    data = alert.model_dump(mode="json", exclude={"batch_token"})
    for name in _JSON:
        data[name] = orjson.loads(data[name])
    for name in _MONEY:
        value: Decimal | None = getattr(alert, name)
        data[name] = None if value is None else f"{value:f}"
    return orjson.dumps(
        {
            "type": f"alert.{alert.state}",
            "timestamp": text_from_micros(alert.ledgered_at or alert.detected_at),
            "data": data,
        }
    )


def headers_of(name: str, body: bytes, secret: str, now: datetime.datetime) -> dict[str, str]:
    """Sign a message as Standard Webhooks says.

    Args:
        name: Of the message: whoever gets it twice knows it by this.
        now: Of this attempt, UTC: receivers refuse what is older than five minutes.
    """
    return {
        "content-type": "application/json",
        "user-agent": "tallywire",
        "webhook-id": name,
        "webhook-timestamp": str(int(now.timestamp())),
        "webhook-signature": Webhook(secret).sign(name, now, body.decode()),
    }


class Sender:
    """Sends to one endpoint; of one thread only.

    Args:
        timeout_s: How long it may take for a piece of its answer.
    """

    def __init__(self, endpoint: Endpoint, timeout_s: float) -> None:
        self._endpoint = endpoint
        timeout = urllib3.Timeout(connect=min(_CONNECT_S, timeout_s), read=timeout_s)
        self._pool = urllib3.PoolManager(num_pools=1, maxsize=1, timeout=timeout, retries=False)

    def send(self, alert: Alert) -> Answer:
        """Send a finding, once."""
        return self.post(webhook_id(alert), body_of(alert))

    def post(self, name: str, body: bytes) -> Answer:
        """Send a message, once; of its answer the status alone counts."""
        now = datetime.datetime.now(UTC)
        try:
            answer = self._pool.request(
                "POST", self._endpoint.url, body=body, redirect=False, preload_content=False,
                headers=headers_of(name, body, self._endpoint.secret, now),
            )  # fmt: skip
        except HTTPError as error:
            return Answer(taken=False, why=f"no answer: {type(error).__name__}")
        status = answer.status
        with suppress(HTTPError):  # a short answer that is read whole leaves the connection open
            answer.read(_ANSWER_OCTETS)
        answer.close()
        if 200 <= status < 300:
            return Answer(taken=True)
        return Answer(taken=False, why=_WORDS.get(status, f"it answered {status}"))

    def close(self) -> None:
        """Close its connections."""
        self._pool.clear()
