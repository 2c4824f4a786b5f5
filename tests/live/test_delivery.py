"""Findings reach those who want them: endpoints that refuse, hang and come back; kills; storms."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from standardwebhooks import Webhook
from standardwebhooks.webhooks import WebhookVerificationError

from schemas.alerts import Alert
from tests.findings import NOW_US, finding, put
from tests.live.commands import served, tallywire, until
from tests.live.receiver import Receiver, receiving

pytestmark = [pytest.mark.live, pytest.mark.store]
SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw9x7c1c2d"
SINCE = "2020-01-01"


@pytest.fixture
def home(tmp_path: Path) -> Iterator[Path]:
    with served(tmp_path / "home"):
        yield tmp_path / "home"


@pytest.fixture
def receiver(tmp_path: Path) -> Iterator[Receiver]:
    with receiving(tmp_path / "receiver") as made:
        yield made


def _world(receiver: Receiver, **more: str) -> dict[str, str]:
    return {
        "TALLYWIRE_WEBHOOKS": json.dumps({"billing": receiver.url}), "TALLYWIRE_WEBHOOK_SECRET": SECRET,
        "TALLYWIRE_WEBHOOK_TIMEOUT_S": "1", "TALLYWIRE_DELIVER_EVERY_S": "1", **more,
    }  # fmt: skip


def _once(home: Path, world: dict[str, str], *, code: int = 0) -> str:
    made = tallywire("alerts", "deliver", "--once", "--since", SINCE, "--home", home, **world)
    assert made.returncode == code, made.stderr
    return made.stderr


@contextmanager
def _delivering(home: Path, world: dict[str, str]) -> Iterator["subprocess.Popen[str]"]:
    command = [
        sys.executable,
        "-m",
        "cli.main",
        "alerts",
        "deliver",
        "--since",
        SINCE,
        "--home",
        str(home),
    ]
    process = subprocess.Popen(
        command,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, **world},
    )
    try:
        yield process
    finally:
        process.terminate()
        _, told = process.communicate(timeout=60)
        assert "Traceback" not in told, told


def _ids(found: list[dict[str, Any]]) -> list[str]:
    return [one["headers"]["webhook-id"] for one in found]


def _named(*alerts: Alert) -> list[str]:
    return [f"{one.alert_id}:{one.ledgered_at}" for one in alerts]


def _said(home: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((home / "progress" / "deliver.json").read_text())
    return found


def test_a_finding_is_sent_signed_once_and_again_when_it_changes(
    home: Path, receiver: Receiver
) -> None:
    first, second = put(home, [finding(1, files=["a.csv:7"]), finding(2)], "usage-0000:0:0-9")
    world = _world(receiver)
    _once(home, world)
    _once(home, world)
    taken = receiver.requests()
    assert sorted(_ids(taken)) == sorted(_named(first, second))
    for one in taken:
        content = Webhook(SECRET).verify(one["body"], one["headers"])
        assert content["type"] == "alert.open"
    with pytest.raises(WebhookVerificationError):
        Webhook(SECRET).verify(taken[0]["body"].replace("10.5", "99.5"), taken[0]["headers"])
    data = next(json.loads(one["body"])["data"] for one in taken if first.alert_id in one["body"])
    assert data["evidence"] == [{"place": "a.csv:7", "why": "short"}]
    assert data["money_at_risk"] == "10.500000000"
    closed = finding(1, state="auto_closed", at=NOW_US + 70)
    put(home, [closed], "usage-0000:1:10-19")
    _once(home, world)
    assert [json.loads(one["body"])["type"] for one in receiver.requests()[2:]] == [
        "alert.auto_closed"
    ]


def test_an_endpoint_that_refuses_hangs_and_goes_loses_nothing(
    home: Path, receiver: Receiver
) -> None:
    every = put(home, [finding(number) for number in range(3)], "usage-0000:0:0-9")
    receiver.mode("refuse")
    with _delivering(home, _world(receiver)) as process:
        until(lambda: len(receiver.requests("refuse")) >= 2, process)
        receiver.mode("hang")
        until(lambda: len(receiver.requests("hang")) >= 1, process)
        receiver.mode("redirect")
        until(lambda: len(receiver.requests("redirect")) >= 1, process)
        receiver.kill()
        every += put(home, [finding(number) for number in (3, 4)], "usage-0000:1:10-19")
        until(lambda: "webhook-billing: no answer" in str(_said(home)["problems"]), process)
        assert _said(home)["deliver"]["failing_s"]["webhook-billing"] > 0
        receiver.mode("take")
        receiver.start()
        until(lambda: len(receiver.requests("take")) >= 5, process)
        until(lambda: not _said(home)["problems"], process)
    assert process.returncode == 0
    assert set(_ids(receiver.requests("take"))) == {*_named(*every)}
    assert {one["path"] for one in receiver.requests()} == {"/hook"}, (
        "a redirection is not followed"
    )
    waited = [one["headers"]["webhook-id"] for one in receiver.requests() if one["mode"] != "take"]
    assert len(set(waited)) == 1, "findings come in order: those behind the first wait with it"
    for one in receiver.requests():
        Webhook(SECRET).verify(one["body"], one["headers"])


def test_kills_lose_nothing_and_repeat_little(home: Path, receiver: Receiver) -> None:
    every = put(home, [finding(number) for number in range(300)], "usage-0000:0:0-999")
    world, kills = _world(receiver), 0
    while len(set(_ids(receiver.requests()))) < len(every):
        before = len(receiver.requests())
        with _delivering(home, world) as process:
            until(lambda: len(receiver.requests()) > min(before + 60, len(every)) - 1, process)  # noqa: B023
            process.send_signal(signal.SIGKILL)
            process.wait(timeout=60)
            kills += 1
        assert kills < 12
    taken = _ids(receiver.requests())
    assert kills >= 3
    assert set(taken) == {*_named(*every)}
    assert len(taken) <= len(every) + kills, "a kill repeats the one finding that was under way"


def test_a_lane_that_was_down_is_told_of_though_others_went_on(
    home: Path, receiver: Receiver
) -> None:
    """Its findings come into the store late, with the ledger time of long before."""
    put(home, [finding(1, at=NOW_US)], "usage-0000:4:0-9")
    _once(home, _world(receiver))
    old = finding(2, at=NOW_US - 3_000_000)
    put(home, [old], "usage-0001:0:0-9")
    back = finding(3, at=NOW_US - 1_000_000)  # the wall clock of this lane was set back
    put(home, [back], "usage-0000:5:10-19")
    _once(home, _world(receiver))
    assert set(_ids(receiver.requests())) == {*_named(finding(1, at=NOW_US), old, back)}


def test_writers_without_a_ledger_are_told_of_in_the_order_of_time(
    home: Path, receiver: Receiver
) -> None:
    """What runs beside the lanes counts its inserts anew when it is started again."""
    first = put(home, [finding(4)], "controls:57:1000")
    _once(home, _world(receiver))
    again = put(home, [finding(5)], "controls:1:1001")
    alone = put(home, [finding(2)], "controls:alone:1002")
    by_hand = put(home, [finding(1)], "by hand")
    _once(home, _world(receiver))
    assert sorted(_ids(receiver.requests())) == sorted(_named(*first, *again, *alone, *by_hand))


def test_of_a_finding_that_changed_while_it_waited_the_newest_state_is_sent(
    home: Path, receiver: Receiver
) -> None:
    put(home, [finding(1), finding(2)], "usage-0000:0:0-9")
    (other,) = put(home, [finding(3)], "usage-0000:1:10-19")
    (newest,) = put(home, [finding(1, "99", at=NOW_US + 500)], "usage-0000:2:20-29")
    _once(home, _world(receiver))
    sent = [json.loads(one["body"])["data"] for one in receiver.requests()]
    assert [one["entity_id"] for one in sent] == ["pbx-2", "pbx-3", "pbx-1"]
    assert sent[2]["money_at_risk"] == "99.000000000"
    assert _ids(receiver.requests())[1:] == _named(other, newest)


def test_one_endpoint_that_is_down_keeps_no_other_waiting(home: Path, receiver: Receiver) -> None:
    both = {"billing": receiver.url, "gone": "http://127.0.0.1:9/"}
    put(home, [finding(number) for number in range(4)], "usage-0000:0:0-9")
    world = _world(receiver, TALLYWIRE_WEBHOOKS=json.dumps(both))
    assert "webhook-gone: no answer" in _once(home, world, code=1)
    assert len(receiver.requests()) == 4
    for _ in range(4):
        skipped = tallywire("alerts", "skip", "gone", "--why", "test", "--home", home, **world)
        assert skipped.returncode == 0, skipped.stderr
    assert (
        "nothing waits for it"
        in tallywire("alerts", "skip", "gone", "--why", "x", "--home", home, **world).stderr
    )
    _once(home, world)


def test_suppressed_findings_are_not_sent(home: Path, receiver: Receiver) -> None:
    _, told = put(home, [finding(1), finding(2)], "usage-0000:0:0-9")
    year = time.gmtime().tm_year + 1
    made = tallywire("alerts", "suppress", "--entity", "pbx-1", "--until", f"{year}-01-01", "--owner", "a", "--why", "b", "--home", home)  # fmt: skip
    assert made.returncode == 0, made.stderr
    _once(home, _world(receiver))
    assert _ids(receiver.requests()) == _named(told)


def _messages(receiver: Receiver) -> list[dict[str, Any]]:
    return [
        json.loads(one["body"]) for one in receiver.requests("take") if one["path"] == "/people"
    ]


def test_a_storm_is_folded_into_one_message(home: Path, receiver: Receiver) -> None:
    pytest.importorskip("apprise")
    put(home, [finding(number) for number in range(417)], "usage-0000:0:0-999")
    world = {
        "TALLYWIRE_CHANNELS": '["night"]',
        "TALLYWIRE_CHANNEL_NIGHT": f"json://127.0.0.1:{receiver.port}/people",
    }
    receiver.mode("refuse")
    assert "did not take the message" in _once(home, world, code=1)
    receiver.mode("take")
    _once(home, world)
    (message,) = _messages(receiver)
    assert message["title"] == "417 findings"
    assert message["message"].splitlines()[-1] == "and 412 more of control C6"
    _once(home, world)
    assert len(_messages(receiver)) == 1


ROTA = """
people: {anna: anna, ben: ben}
order: [anna, ben]
start: 2026-01-05T08:00:00Z
acknowledge_minutes: 1
"""


def test_who_is_on_call_is_called_and_then_the_next(
    home: Path, receiver: Receiver, tmp_path: Path
) -> None:
    pytest.importorskip("apprise")
    (tmp_path / "rota.yaml").write_text(ROTA)
    put(home, [finding(1)], "usage-0000:0:0-9")
    address = f"json://127.0.0.1:{receiver.port}"
    world = {
        "TALLYWIRE_CHANNELS": '["anna", "ben"]', "TALLYWIRE_CHANNEL_ANNA": f"{address}/anna",
        "TALLYWIRE_CHANNEL_BEN": f"{address}/ben", "TALLYWIRE_ONCALL": str(tmp_path / "rota.yaml"),
    }  # fmt: skip

    def called() -> list[str]:
        titles = [(one["path"], json.loads(one["body"])["title"]) for one in receiver.requests()]
        return [title.split(",")[0] for _, title in titles if "you are called" in title]

    _once(home, world)
    _once(home, world)
    assert len(called()) == 1, "the first one has a minute"
    path = home / "delivery" / "oncall.json"
    stored = json.loads(path.read_text())
    (alert_id,) = stored["told"]
    stored["told"][alert_id][1] -= 61_000_000  # a minute later
    path.write_text(json.dumps(stored))
    _once(home, world)
    assert sorted(called()) == ["anna", "ben"]
    assert tallywire("alerts", "ack", alert_id, "--home", home).returncode == 0
    stored["told"][alert_id][1] -= 600_000_000
    path.write_text(json.dumps(stored))
    _once(home, world)
    assert len(called()) == 2
    assert json.loads(path.read_text())["told"] == {}


@pytest.mark.parametrize(
    ("changed", "told"),
    [
        (
            {"TALLYWIRE_WEBHOOKS": '{"billing": "http://example.org/"}'},
            "http is allowed to localhost only",
        ),
        (
            {"TALLYWIRE_WEBHOOKS": '{"billing": "https://a:b@example.org/"}'},
            "without user and password",
        ),
        ({"TALLYWIRE_WEBHOOKS": '{"Bill ing": "https://example.org/"}'}, "is no name"),
        ({"TALLYWIRE_WEBHOOK_SECRET": "c2hvcnQ="}, "24 random octets or more in Base64"),
        ({"TALLYWIRE_WEBHOOKS": "{}"}, "nobody is to be told"),
        ({"TALLYWIRE_CHANNELS": '["night"]'}, "set TALLYWIRE_CHANNEL_NIGHT to an address"),
        ({"TALLYWIRE_ONCALL": "absent.yaml"}, "oncall: absent.yaml cannot be read"),
    ],
)
def test_a_wrong_target_is_named(tmp_path: Path, changed: dict[str, str], told: str) -> None:
    """Before anything is begun: there is not even a store."""
    receiver = Receiver(tmp_path, 9)
    assert told in _once(tmp_path / "home", _world(receiver, **changed), code=2)
    assert not (tmp_path / "home").exists()
