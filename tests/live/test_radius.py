"""Accounting by RADIUS, from a real client to rated usage; kills between packets."""

import json
import resource
import shutil
import socket
import subprocess
import urllib.request
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from dataflows.exits import Exit
from dataflows.kafka.messages import Unwrapper
from tests import radius
from tests.live.commands import served, status_of, tallywire
from tests.live.radius import SIGNED, RadiusServer, radius_catalog
from tests.live.test_ingest_kafka import TOPIC, Cluster
from tests.unit.test_radius_format import decoded
from warehouse.server import free_port

pytestmark = pytest.mark.live

needs_radclient = pytest.mark.skipif(
    shutil.which("radclient") is None, reason="radclient of freeradius-utils is not installed"
)
SESSION = (
    'Acct-Session-Id="00B7",User-Name="oslo@nordlys.example",NAS-IP-Address=192.0.2.1,'
    'NAS-Identifier="bng1",NAS-Port=7,Service-Type=Framed-User,Acct-Delay-Time=0'
)
COUNTED = "Acct-Input-Octets=1000,Acct-Input-Gigawords=0,Acct-Output-Gigawords=1"


@pytest.fixture
def server(tmp_path: Path) -> Iterator[RadiusServer]:
    made = RadiusServer(tmp_path, radius_catalog(tmp_path / "catalog"), ingest_partitions=2)
    yield made
    made.close()


def radclient(server: RadiusServer, attributes: str, secret: bytes = radius.SECRET) -> bool:
    """Send accounting as FreeRADIUS does; tell whether it took the answer for one."""
    made = subprocess.run(
        ["radclient", "-r", "1", "-t", "1", f"127.0.0.1:{server.port}", "acct", secret.decode()],
        input=attributes + "\n", capture_output=True, text=True, check=False, timeout=20,
    )  # fmt: skip
    assert "verification failed" not in made.stderr, made.stderr
    return made.returncode == 0


@needs_radclient
@pytest.mark.store
def test_a_session_of_a_real_client_becomes_rated_usage(
    server: RadiusServer, tmp_path: Path
) -> None:
    server.start()
    stop = f"{COUNTED},Acct-Output-Octets=2005,Acct-Session-Time=90,Acct-Terminate-Cause=1"
    interim = f"{COUNTED},Acct-Output-Octets=5,Acct-Session-Time=60,Message-Authenticator=0x00"
    sent = [
        f"Acct-Status-Type=Start,{SESSION}",
        f"Acct-Status-Type=Interim-Update,{SESSION},{interim},Proxy-State=0x0102",
        f"Acct-Status-Type=Stop,{SESSION},{stop}",
        f"Acct-Status-Type=Stop,{SESSION.removesuffix('0')}9,{stop}",
        "Acct-Status-Type=Accounting-Off,NAS-IP-Address=192.0.2.1",
    ]
    assert all(radclient(server, attributes) for attributes in sent)
    assert not radclient(server, sent[0], b"a wrong secret")
    counted = server.packets()
    assert (counted["accepted"], counted["secret_wrong"]) == (5, 1)
    assert server.stop() == Exit.DONE
    usage = tmp_path / "usage"
    usage.mkdir()
    command = ("run", "--home", server.home.root, usage, "--quiet")
    with served(server.home.root):
        made = tallywire(*command, TALLYWIRE_INGEST_PARTITIONS="2")
        assert made.returncode == Exit.DONE, made.stderr
        fates = status_of(server.home.root)
    told = {name: fates[name] for name in ("collected", "rated", "duplicate", "merged", "filtered")}
    # the second Stop is the first one, sent again nine seconds later
    assert told == {"collected": 5, "rated": 2, "duplicate": 1, "merged": 1, "filtered": 1}


@needs_radclient
def test_a_real_client_finds_the_listener_alive(server: RadiusServer) -> None:
    server.start()
    command = ["radclient", "-r", "1", "-t", "2", f"127.0.0.1:{server.port}", "status"]
    made = subprocess.run(
        [*command, radius.SECRET.decode()], input="Message-Authenticator=0x00\n",
        capture_output=True, text=True, check=False, timeout=20,
    )  # fmt: skip
    assert made.returncode == 0, made.stderr


def _sessions(server: RadiusServer) -> set[str]:
    """Name the sessions of which anything is durable."""
    return set(decoded(*server.records(2))["session_key"].str.split("\x1f").list.get(1))


def test_a_kill_between_packets_loses_nothing_that_was_answered(server: RadiusServer) -> None:
    answered: set[str] = set()
    number = 0
    for _ in range(4):
        server.start()
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as client:
            client.bind(("127.0.0.1", 0))
            client.settimeout(0.2)
            names = {}
            for identifier in range(200):
                number += 1
                names[identifier] = f"s{number}"
                found = radius.accounting(radius.START, f"s{number}", nas=f"192.0.2.{number % 9}")
                client.sendto(radius.request(found, identifier), ("127.0.0.1", server.port))
                if identifier == 150:
                    answered.add(names[client.recv(4_096)[1]])  # it is in the middle of its work
            server.kill()
            while True:
                try:
                    answered.add(names[client.recv(4_096)[1]])
                except (TimeoutError, ConnectionRefusedError):
                    break
    assert answered
    assert answered <= _sessions(server)


def test_it_ends_when_all_that_came_is_answered(tmp_path: Path) -> None:
    port = free_port()
    server = RadiusServer(tmp_path, radius_catalog(tmp_path / "catalog"), metrics_port=port)
    with closing(server):
        server.start("--metrics")
        assert server.ask(radius.request(radius.accounting(radius.START)))
        signed = radius.request(radius.accounting(radius.START), secret=SIGNED, signs=True)
        assert server.ask(signed, source="127.0.0.3")
        bare = radius.request(radius.accounting(radius.START, "b"), secret=SIGNED)
        assert server.ask(bare, source="127.0.0.3", seconds=0.2) is None
        assert server.ask(bare, source="127.0.0.9", seconds=0.2) is None
        counted = server.packets()
        assert (counted["accepted"], counted["not_signed"], counted["client_unknown"]) == (2, 1, 1)
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=10) as page:
            told = page.read().decode()
        assert 'tallywire_radius_packets_total{outcome="not_signed",process="radius"} 1.0' in told
        assert 'tallywire_process_up{process="radius"} 1.0' in told
        assert server.stop() == Exit.DONE
        assert json.loads((server.home.progress / "radius.json").read_bytes())["ended"] is True
        assert len(server.records()) == 2


def test_what_is_answered_is_in_the_topic_a_server_in_one_partition(tmp_path: Path) -> None:
    cluster = Cluster()
    catalog = radius_catalog(tmp_path / "catalog", f"topic: {TOPIC}\n")
    server = RadiusServer(tmp_path, catalog, kafka=cluster.address)
    with closing(server):
        server.start()
        for number in range(12):
            found = radius.accounting(radius.START, f"s{number}", nas=f"192.0.2.{number % 3}")
            assert server.ask(radius.request(found, number))
        messages = cluster.messages()
        assert len(messages) == 12
        assert len({(one.key(), one.partition()) for one in messages}) == 3
        kept = [one.value() for one in messages]
        assert set(decoded(*kept)["session_key"].str.split("\x1f").list.get(1)) == {
            f"s{number}" for number in range(12)
        }
        assert Unwrapper(server.feed()).unwrap(messages)[0] == kept


def test_a_full_disk_answers_nothing_and_loses_nothing(tmp_path: Path) -> None:
    """A limit on the size of files stands for the disk; the listener serves on when there is room."""
    server = RadiusServer(tmp_path, radius_catalog(tmp_path / "catalog"))
    with closing(server):
        server.start()
        pid = server.process.pid if server.process else 0
        answered = set()
        resource.prlimit(pid, resource.RLIMIT_FSIZE, (4_096, resource.RLIM_INFINITY))
        for number in range(40):
            found = radius.accounting(radius.START, f"s{number}")
            if server.ask(radius.request(found, number), seconds=0.1):
                answered.add(f"s{number}")
        assert 0 < len(answered) < 40
        resource.prlimit(pid, resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY,) * 2)
        again = radius.accounting(radius.START, "s39")
        assert server.ask(radius.request(again, 39))
        assert server.packets()["log_unavailable"] >= 40 - len(answered)
        assert answered | {"s39"} == _sessions(server)


def test_a_secret_that_is_not_known_is_said(tmp_path: Path) -> None:
    server = RadiusServer(tmp_path, radius_catalog(tmp_path / "catalog"))
    made = tallywire("radius", "serve", "--home", server.home.root)
    assert made.returncode == Exit.USAGE
    assert "set TALLYWIRE_RADIUS_SECRET_BRAS" in made.stderr
    made = tallywire("radius", "serve", "--topics-only", "--home", server.home.root)
    assert made.returncode == Exit.USAGE
    assert "usage of live would lie on this machine's disk" in made.stderr
    made = tallywire(
        "radius", "clients", "--json", "--home", server.home.root,
        TALLYWIRE_RADIUS_SECRET_BRAS="not to be shown",  # noqa: S106  that is the point
    )  # fmt: skip
    assert "not to be shown" not in made.stdout
    assert [one["known"] for one in json.loads(made.stdout)] == [True, False]
