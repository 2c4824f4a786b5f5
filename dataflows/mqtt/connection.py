"""A connection to a broker, subscribed: reads messages, and acknowledges those it is told to."""

import select
import ssl
import time
from collections.abc import Iterable
from contextlib import suppress
from typing import Any, NamedTuple

from paho.mqtt.client import Client, MQTTMessage
from paho.mqtt.enums import CallbackAPIVersion, MQTTProtocolVersion
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties
from paho.mqtt.subscribeoptions import SubscribeOptions

from dataflows.fetching.source import Away, Credentials
from tallywire.catalog.feed import Mqtt
from tallywire.catalog.rules_mqtt import place_of

_PATIENCE_S, _SUBSCRIBED_S = 5.0, 60.0
_KEEPALIVE_S = 60
_NO_RETAINED = 2
_READABLE = select.POLLIN | select.POLLHUP | select.POLLERR
_NAMES = {"Bad user name or password", "Not authorized"}


class Message(NamedTuple):
    """A message as it came.

    Attributes:
        mid: What it is acknowledged by.
        qos: 0 where it is not.
        retained: It is the last one of its topic, told to who subscribes; not sent now.
    """

    mid: int
    qos: int
    retained: bool
    topic: str
    payload: bytes


def _message(found: MQTTMessage) -> Message:
    try:
        topic = found.topic
    except UnicodeDecodeError:
        topic = ""
    return Message(found.mid, found.qos, bool(found.retain), topic, bytes(found.payload))


def _ready(found: Any, wait_s: float, *, writes: bool) -> int:  # noqa: ANN401  a socket, or one with TLS
    """Wait until a socket can be read, or written where that is asked; tell which."""
    if isinstance(found, ssl.SSLSocket) and found.pending():
        return select.POLLIN
    poll = select.poll()
    poll.register(found, select.POLLIN | (select.POLLOUT if writes else 0))
    return next((events for _, events in poll.poll(wait_s * 1_000)), 0)


def _context(credentials: Credentials) -> ssl.SSLContext:
    """Make ready to verify a broker, and to prove who we are where there is a certificate.

    Raises:
        Away: If a file that the environment names cannot be used.
    """
    authorities, own = credentials.get("CA_FILE"), credentials.get("CERTIFICATE_FILE")
    name = "CA_FILE"
    try:
        context = ssl.create_default_context(cafile=authorities or None)
        if own:
            name = "CERTIFICATE_FILE"
            password = credentials.get("KEY_PASSWORD")
            # without a password an encrypted key would be asked for at a terminal
            context.load_cert_chain(own, credentials.get("KEY_FILE") or None, lambda: password)
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", "") or error
        text = f"{credentials.named(name)} names a file that cannot be used: {reason}"
        raise Away(text, lasting=True) from error
    return context


class Connection:
    """A connection with a session that the broker keeps; used by one thread.

    Attributes:
        session_present: The broker knew the session already.
        expires_s: How long it keeps it; `None` where it does not say, so as it was asked to.
        granted: Quality of service that it grants.
        lost: Why there is no connection any more; empty while there is one.

    Args:
        client_id: Names the session; of one process alone.
        inflight: Messages that the broker may send before one is acknowledged (protocol 5).

    Raises:
        Away: If the broker cannot be reached, or does not let us in.
    """

    def __init__(self, mqtt: Mqtt, client_id: str, inflight: int, credentials: Credentials) -> None:
        self._mqtt, self._client_id, self._credentials = mqtt, client_id, credentials
        self._five = mqtt.version == "5"
        self._inbox: list[Message] = []
        self._granted: list[Any] | None = None
        self._answered = False
        self._refusal = self.lost = ""
        self.session_present, self.granted = False, 0
        self._patient_until = 0.0
        self.expires_s: int | None = None
        self._client = self._made()
        try:
            self._connect(inflight)
        except BaseException:
            self.close()
            raise

    def _made(self) -> Client:
        client = Client(
            CallbackAPIVersion.VERSION2, client_id=self._client_id, manual_ack=True,
            protocol=MQTTProtocolVersion.MQTTv5 if self._five else MQTTProtocolVersion.MQTTv311,
            clean_session=None if self._five else False, reconnect_on_failure=False,
        )  # fmt: skip
        client.connect_timeout = _PATIENCE_S
        if user := self._credentials.get("USER"):
            client.username_pw_set(user, self._credentials.get("PASSWORD") or None)
        if self._mqtt.broker.startswith("mqtts:"):
            client.tls_set_context(_context(self._credentials))
        client.on_connect = self._on_connect
        client.on_disconnect = self._on_disconnect
        client.on_subscribe = self._on_subscribe
        client.on_message = lambda _client, _data, found: self._inbox.append(_message(found))
        return client

    def _connect(self, inflight: int) -> None:
        host, port = place_of(self._mqtt.broker)
        try:
            if self._five:
                asked = Properties(PacketTypes.CONNECT)  # type: ignore[no-untyped-call]  # paho types it so
                asked.SessionExpiryInterval = self._mqtt.session_s
                asked.ReceiveMaximum = inflight
                self._client.connect(host, port, _KEEPALIVE_S, clean_start=False, properties=asked)
            else:
                self._client.connect(host, port, _KEEPALIVE_S)
        except ssl.SSLCertVerificationError as error:
            text = (
                f"{self._mqtt.broker} has a certificate that cannot be verified "
                f"({error.verify_message}): name the authority's file in "
                f"{self._credentials.named('CA_FILE')}"
            )
            raise Away(text, lasting=True) from error
        except OSError as error:
            text = f"{self._mqtt.broker} cannot be reached: {error.strerror or error}"
            raise Away(text) from error
        self._await_answer()

    def _not_let_in(self) -> str:
        text = f"{self._mqtt.broker} does not let us in: {self._refusal}"
        if self._refusal in _NAMES:
            named = self._credentials.named
            text += f"; set {named('USER')} and {named('PASSWORD')}"
        return text

    def _await_answer(self) -> None:
        """Work the connection until the broker has answered CONNECT.

        Raises:
            Away: If it does not in time, or refuses.
        """
        deadline = time.monotonic() + _PATIENCE_S
        while not self._answered:
            if time.monotonic() > deadline:
                text = f"{self._mqtt.broker} gives no answer to CONNECT"
                raise Away(text)
            self._work(0.1)
            if self.lost and not self._answered:
                raise Away(self.lost)
        if self._refusal:
            raise Away(self._not_let_in(), lasting=True)

    def _work(self, wait_s: float) -> None:
        """Read a packet where one is there, write what waits, keep the connection alive.

        The library's own loop selects, and so fails beside a thousand open files.
        """
        found = self._client.socket()
        if found is not None:
            ready = _ready(found, wait_s, writes=self._client.want_write())
            failed = self._client.loop_read() if ready & _READABLE else 0
            if not failed and ready & select.POLLOUT:
                failed = self._client.loop_write()
            if not failed and not self._client.loop_misc():
                return
        self.lost = self.lost or f"{self._mqtt.broker} ended the connection"

    def _on_connect(
        self, _client: Client, _data: object, flags: Any, reason: Any, properties: Any  # noqa: ANN401  paho's own
    ) -> None:  # fmt: skip
        self._answered = True
        self.session_present = bool(flags.session_present)
        self._refusal = str(reason) if reason.is_failure else ""
        self.expires_s = getattr(properties, "SessionExpiryInterval", None)

    def _on_disconnect(
        self, _client: Client, _data: object, flags: Any, reason: Any, _properties: Any  # noqa: ANN401  as above
    ) -> None:  # fmt: skip
        if not self.lost:
            told = f": {reason}" if flags.is_disconnect_packet_from_server else ""
            self.lost = f"{self._mqtt.broker} ended the connection{told}"

    def _on_subscribe(
        self, _client: Client, _data: object, _mid: int, reasons: list[Any], _properties: Any  # noqa: ANN401  as above
    ) -> None:  # fmt: skip
        self._granted = reasons

    def subscribe(self) -> None:
        """Ask to subscribe, also where the session has it already.

        Messages that the session holds may come before the answer: read on until `subscribed`.
        """
        if self._five:
            options = SubscribeOptions(self._mqtt.qos, retainHandling=_NO_RETAINED)
            self._client.subscribe(self._mqtt.topic, options=options)
        else:
            self._client.subscribe(self._mqtt.topic, self._mqtt.qos)
        self._patient_until = time.monotonic() + _SUBSCRIBED_S

    def unsubscribe(self, topic: str) -> None:
        """Leave a topic that the session has."""
        self._client.unsubscribe(topic)

    def subscribed(self) -> bool:
        """Tell whether the broker has answered that it subscribed us.

        Raises:
            Away: If it refuses, or gives no answer in time.
        """
        if self._granted is None:
            if time.monotonic() > self._patient_until:
                text = f"{self._mqtt.broker} gives no answer to SUBSCRIBE"
                raise Away(text)
            return False
        [reason] = self._granted
        if reason.is_failure:
            text = f"{self._mqtt.broker} refuses to subscribe {self._mqtt.topic}: {reason}"
            raise Away(text, lasting=True)
        self.granted = int(reason.value)
        return True

    def read(self, wait_s: float, most: int, most_bytes: int) -> list[Message]:
        """Give the messages that are there, within bounds; wait a while for the first.

        The connection may be `lost` afterwards: what was read before is given all the same.
        """
        if not self._inbox:
            self._work(wait_s)
        seen, size = 0, 0
        while seen < len(self._inbox) < most and not self.lost:
            size += sum(len(one.payload) for one in self._inbox[seen:])
            seen = len(self._inbox)
            if size >= most_bytes:
                break
            self._work(0.0)
        found, self._inbox = self._inbox, []
        return found

    def acknowledge(self, messages: Iterable[Message]) -> None:
        """Tell the broker that it need not keep messages any more; where it is gone it does."""
        for one in messages:
            if one.qos:
                self._client.ack(one.mid, one.qos)

    def close(self) -> None:
        """Say farewell, and let go of the connection; the broker keeps the session."""
        with suppress(OSError):
            self._client.disconnect()
