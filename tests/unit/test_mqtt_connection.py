"""What a broker may answer, byte for byte, and what is told of it."""

import socket
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from dataflows.fetching.source import Away, Credentials
from dataflows.mqtt import connection as module
from dataflows.mqtt.connection import Connection
from tallywire.catalog.feed import Mqtt

ACCEPTED = bytes.fromhex("20 0a 01 00 07 11 00 00 0e 10 24 00".replace(" ", ""))
"""CONNACK: the session is there, it is kept for 3600 s, at most QoS 0 is granted."""
TAKEN_OVER = bytes.fromhex("e0028e00")


class Scripted:
    """A broker that says what it is told to: an answer to each packet that it gets."""

    def __init__(self, *answers: bytes) -> None:
        self._listening = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listening.getsockname()[1]
        self.got: list[bytes] = []
        self._answers = answers
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def _run(self) -> None:
        with self._listening.accept()[0] as client:
            for answer in self._answers:
                self.got.append(client.recv(4_096))
                client.sendall(answer)
            client.settimeout(20)
            while data := client.recv(4_096):
                self.got.append(data)

    def close(self) -> None:
        self._listening.close()
        self._thread.join(20)


@pytest.fixture
def brokers() -> Iterator[list[Scripted]]:
    made: list[Scripted] = []
    yield made
    for one in made:
        one.close()


def connected(
    brokers: list[Scripted], *answers: bytes, environment: dict[str, str] | None = None,
    version: str = "5",
) -> Connection:  # fmt: skip
    brokers.append(Scripted(*answers))
    mqtt = Mqtt(f"mqtt://127.0.0.1:{brokers[-1].port}", "a/#", version=version)
    return Connection(mqtt, "tallywire-up", 7, Credentials("up", environment or {}))


def subscribed(made: Connection) -> None:
    made.subscribe()
    for _ in range(50):
        if made.subscribed():
            return
        made.read(0.1, 10, 1_000)
    pytest.fail("no answer")


def test_a_subscription_that_is_refused_is_told(brokers: list[Scripted]) -> None:
    made = connected(brokers, ACCEPTED, bytes.fromhex("900400010087"))
    with pytest.raises(Away, match="refuses to subscribe a/#: Not authorized") as told:
        subscribed(made)
    assert told.value.lasting
    made.close()


def test_a_broker_may_grant_less_and_keep_for_less(brokers: list[Scripted]) -> None:
    made = connected(brokers, ACCEPTED, bytes.fromhex("900400010000") + TAKEN_OVER)
    subscribed(made)
    assert (made.session_present, made.expires_s, made.granted) == (True, 3_600, 0)
    made.read(1.0, 10, 1_000)
    assert made.lost.endswith("ended the connection: Session taken over")
    assert made.read(0.0, 10, 1_000) == []
    made.acknowledge([module.Message(1, 1, False, "a", b"")])
    made.close()


def test_it_asks_for_a_session_that_is_kept_and_a_bound_of_messages(
    brokers: list[Scripted],
) -> None:
    made = connected(brokers, ACCEPTED, environment={"TALLYWIRE_FEED_UP_USER": "me"})
    made.close()
    brokers[-1].close()
    asked = brokers[-1].got[0]
    name, flags = asked[4:9], asked[9]
    assert name == b"MQTT\x05"
    assert flags & 0b10 == 0, "the session goes on"
    assert flags & 0b1000_0000, "there is a user"
    assert b"\x11" + (604_800).to_bytes(4, "big") in asked
    assert b"\x21" + (7).to_bytes(2, "big") in asked
    assert b"tallywire-up" in asked


@pytest.mark.parametrize(
    ("version", "answer", "words"),
    [
        ("5", "2003008600", "Bad user name or password; set TALLYWIRE_FEED_UP_USER and TALLYWIRE_FEED_UP_PASSWORD$"),
        ("5", "2003008500", "does not let us in: Client identifier not valid$"),
        ("3.1.1", "20020005", "does not let us in: Not authorized; set TALLYWIRE_FEED_UP_USER"),
    ],
)  # fmt: skip
def test_who_is_not_let_in_is_told_what_to_set(
    brokers: list[Scripted], version: str, answer: str, words: str
) -> None:
    with pytest.raises(Away, match=words) as told:
        connected(brokers, bytes.fromhex(answer), version=version)
    assert told.value.lasting


def test_a_broker_that_says_nothing_is_not_waited_for(
    brokers: list[Scripted], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "_PATIENCE_S", 0.3)
    with pytest.raises(Away, match="gives no answer to CONNECT"):
        connected(brokers, b"")
    monkeypatch.setattr(module, "_SUBSCRIBED_S", 0.3)
    made = connected(brokers, ACCEPTED, b"")
    with pytest.raises(Away, match="gives no answer to SUBSCRIBE"):
        subscribed(made)
    made.close()


def test_a_broker_that_is_not_there_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    mqtt = Mqtt(f"mqtt://127.0.0.1:{port}", "a")
    with pytest.raises(Away, match="cannot be reached: Connection refused") as told:
        Connection(mqtt, "x", 7, Credentials("up", {}))
    assert not told.value.lasting
    monkeypatch.setattr(socket, "getaddrinfo", _unknown)
    with pytest.raises(Away, match="cannot be reached"):
        Connection(Mqtt("mqtt://nobody.example", "a"), "x", 7, Credentials("up", {}))


def _unknown(*_: object, **__: object) -> None:
    raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")


@pytest.mark.parametrize("name", ["CA_FILE", "CERTIFICATE_FILE"])
def test_a_file_that_is_not_there_is_named(tmp_path: Path, name: str) -> None:
    environment = {f"TALLYWIRE_FEED_UP_{name}": str(tmp_path / "none.pem")}
    with pytest.raises(Away, match=f"TALLYWIRE_FEED_UP_{name} names a file that cannot be used"):
        Connection(Mqtt("mqtts://localhost:9", "a"), "x", 7, Credentials("up", environment))
