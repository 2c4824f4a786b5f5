"""Actions as people type them: two persons, one effect, whatever kills them in between."""

import json
import shutil
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from standardwebhooks import Webhook

from dataflows.catalogs import example_folder
from tests.findings import NOW_US, finding, put
from tests.live.commands import served, tallywire
from tests.live.crashing import killed
from tests.live.receiver import receiving

pytestmark = [pytest.mark.live, pytest.mark.store]
NAMED = {"TALLYWIRE_ACTION_BY": "true"}
SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw9x7c1c2d"
KILLS = [
    ("behind", "action_events", "begun"),
    ("before", "case_events", ""),
    ("before", "action_events", "done"),
]
"""Before anything was done; when the lanes had done it; when the case knew, but the action not."""


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    out = tmp_path_factory.mktemp("demo") / "out"
    made = tallywire("demo", "--out", out, "--events", 1_500)
    assert made.returncode == 0, made.stderr + made.stdout
    with served(out / "home"):
        yield out / "home"


def dearer(folder: Path, rate: str) -> Path:
    shutil.copytree(example_folder(), folder)
    path = folder / "tariffs" / "messages.yaml"
    text = path.read_text()
    assert '{zone: nordics, rate: "0.08"' in text
    path.write_text(
        text.replace('{zone: nordics, rate: "0.08"', f'{{zone: nordics, rate: "{rate}"')
    )
    return folder


def _typed(home: Path, *arguments: object, code: int = 0, **environment: str) -> str:
    made = tallywire(*arguments, "--home", home, **{**NAMED, **environment})
    assert made.returncode == code, made.stderr + made.stdout
    return made.stdout + made.stderr


def _json(home: Path, *arguments: object) -> Any:
    made = tallywire(*arguments, "--home", home, "--json", **NAMED)
    assert made.returncode == 0, made.stderr
    return json.loads(made.stdout)


def _rows(home: Path, query: str) -> list[dict[str, Any]]:
    made = tallywire("store", "query", "--home", home, "--format", "json", query)
    assert made.returncode == 0, made.stderr
    return [json.loads(line) for line in made.stdout.splitlines()]


_made = iter(range(1_000))


def case_of(home: Path, *, confirmed: bool = True, amount: str = "500", **changes: Any) -> str:
    """Open a case of a finding of its own."""
    number = next(_made)
    at = NOW_US + 1_000 * number
    (one,) = put(home, [finding(number, amount, at=at, **changes)], f"usage-0000:{number}:0-9")
    case = _typed(home, "cases", "open", one.alert_id).split()[-1]
    if confirmed:
        _typed(home, "cases", "move", case, "confirmed")
    return case


def _proposed(home: Path, *arguments: object, code: int = 0) -> str:
    told = _typed(home, "actions", "propose", *arguments, "--by", "anna", code=code)
    return told.split()[1] if code == 0 else told


def _approved(home: Path, action: str) -> None:
    _typed(home, "actions", "approve", action, "--by", "bo")


def _sums(home: Path, case: str, direction: str = "under") -> dict[str, Decimal]:
    found = {row["direction"]: row for row in _json(home, "cases", "show", case)["money"]}
    return {
        name: Decimal(found[direction][name])
        for name in ("confirmed", "recovered", "credited", "left")
    }


@pytest.mark.parametrize("kill", KILLS, ids=lambda kill: f"{kill[0]} {kill[1]} {kill[2]}")
def test_a_re_rating_is_done_once_whatever_kills_it(
    home: Path, tmp_path: Path, kill: tuple[str, str, str]
) -> None:
    catalog = dearer(tmp_path / "catalog", f"0.1{1 + KILLS.index(kill)}")
    identified = "0.05" if kill is KILLS[0] else "500"
    case = case_of(home, amount=identified)
    action = _proposed(
        home, "rerate", "--case", case, "--tariff", "sms_home", "--account", "hansen-bo",
        "--catalog", catalog, "--reason", "price_corrected",
    )  # fmt: skip
    figures = _json(home, "actions", "show", action)["figures"]
    assert figures["rows"] > 0
    assert "only an approved one is carried out" in _typed(home, "actions", "run", action, code=1)
    told = _typed(home, "actions", "approve", action, "--by", " ANNA", code=1)
    assert "proposed it: another person decides" in told
    _approved(home, action)
    killed(*kill, "actions", "run", action, "--home", home, **NAMED)
    assert _json(home, "actions", "show", action)["state"] == "begun"
    _typed(home, "actions", "run", action)
    shown = _json(home, "actions", "show", action)
    request = shown["result"]["request_id"]
    assert (shown["state"], shown["reference"]) == ("done", f"rerate:{request}")
    (made,) = _rows(
        home,
        f"SELECT count() AS n, sum(amount) AS money FROM rated_events WHERE cause_id = '{request}'",
    )
    assert int(made["n"]) == figures["rows"] == shown["result"]["rows"]
    (currency,) = figures["difference"]
    assert Decimal(str(made["money"])) == Decimal(figures["difference"][currency])
    booked = {row["currency"]: row for row in _json(home, "cases", "show", case)["money"]}
    difference = Decimal(figures["difference"][currency])
    assert difference > 0
    assert Decimal(booked[currency]["recovered"]) == difference
    confirmed = Decimal(booked[currency]["confirmed"])
    assert confirmed == (max(Decimal(identified), difference) if currency == "EUR" else difference)
    steps = _json(home, "cases", "show", case)["steps"]
    assert [step["reference"] for step in steps].count(f"action:{action}") == 1
    assert "only an approved one is carried out" in _typed(home, "actions", "run", action, code=1)
    assert "the trail is whole" in _typed(home, "audit", "verify")


@pytest.mark.parametrize(
    "kill",
    [KILLS[0], ("behind", "account_credits", ""), *KILLS[1:]],
    ids=lambda kill: f"{kill[0]} {kill[1]} {kill[2]}",
)
def test_a_credit_is_booked_once_and_counted(home: Path, kill: tuple[str, str, str]) -> None:
    case = case_of(home, direction="over", amount="10.50")
    credit = (
        "credit", "--case", case, "--account", "hansen-bo", "--currency", "EUR",
        "--why", "charged twice", "--amount",
    )  # fmt: skip
    assert "only 10.5" in _proposed(home, *credit, "10.51", code=1)
    action = _proposed(home, *credit, "4.25")
    _approved(home, action)
    killed(*kill, "actions", "run", action, "--home", home, **NAMED)
    assert f"done: {action}" in _typed(home, "actions", "run")
    booked = [one for one in _json(home, "actions", "credits") if one["credit_id"] == action]
    assert [(one["amount"], one["approved_by"]) for one in booked] == [("4.250000000", "bo")]
    sums = _sums(home, case, "over")
    assert (sums["credited"], sums["left"]) == (Decimal("4.25"), Decimal("6.25"))
    assert "no action waits" in _typed(home, "actions", "run")


def test_credits_and_blocks_are_sent_signed_and_a_block_is_lifted(
    home: Path, tmp_path: Path
) -> None:
    case = case_of(home, confirmed=False)
    words = (
        "block",
        "--case",
        case,
        "--prefix",
        "882",
        "--owner",
        "anna",
        "--why",
        "fraud",
        "--until",
    )
    assert "ends within a year" in _proposed(home, *words, "2020-01-01", code=1)
    until = f"{1970 + NOW_US // 31_556_952_000_000}-12-31T00:00:00Z"
    action = _proposed(home, *words, until)
    _approved(home, action)
    told = _typed(home, "actions", "run", action)
    assert "nobody is sent it" in told
    assert f"is blocked until {until[:10]}" in _proposed(home, *words, until, code=1)
    assert [one["value"] for one in _json(home, "actions", "blocks")] == ["882"]
    _typed(home, "actions", "lift", action, "--why", "it was a school")
    assert _json(home, "actions", "blocks") == []
    assert "no block that holds" in _typed(home, "actions", "lift", action, "--why", "x", code=2)
    with receiving(tmp_path / "receiver") as receiver:
        world = {
            "TALLYWIRE_WEBHOOKS": json.dumps({"billing": receiver.url}),
            "TALLYWIRE_WEBHOOK_SECRET": SECRET, "TALLYWIRE_ACTION_WEBHOOKS": '["billing"]',
        }  # fmt: skip
        for _ in range(2):
            _typed(home, "alerts", "deliver", "--once", **world)
        taken = receiver.requests()
    content = [Webhook(SECRET).verify(one["body"], one["headers"]) for one in taken]
    kinds = [one["type"] for one in content if not one["type"].startswith("alert.")]
    booked = _json(home, "actions", "credits")
    assert kinds == ["credit.booked"] * len(booked) + ["block.begun", "block.lifted"]
    ids = [one["headers"]["webhook-id"] for one in taken]
    assert len(ids) == len(set(ids)), "the second pass told nothing again"
    assert content[-1]["data"]["value"] == "882"


@pytest.mark.parametrize("kill", KILLS[:2], ids=lambda kill: f"{kill[0]} {kill[1]} {kill[2]}")
def test_records_are_tried_once_whatever_kills_it(home: Path, kill: tuple[str, str, str]) -> None:
    action = _proposed(home, "recycle", "--case", case_of(home, confirmed=False))
    asked = _json(home, "actions", "show", action)["asked"]["attempts"]
    assert len(asked) > 1
    _approved(home, action)
    killed(*kill, "actions", "run", action, "--home", home, **NAMED)
    assert f"done: {action}" in _typed(home, "actions", "run")
    names = ", ".join(f"'{key}'" for key in asked)
    rows = _rows(
        home,
        "SELECT suspense_id, attempt, sum(change < 0) AS tried, sum(change > 0) AS held FROM "
        f"suspense_events WHERE suspense_id IN ({names}) GROUP BY suspense_id, attempt",
    )
    tries = {(row["suspense_id"], row["attempt"] + 1): int(row["tried"]) for row in rows}
    assert {key: tries[key] for key in asked.items()} == dict.fromkeys(asked.items(), 1)
    assert {int(row["held"]) for row in rows} == {1}, "none came back twice"
    assert _json(home, "status")["conservation_difference"] == 0


def test_what_is_stale_lapses_and_says_why(home: Path) -> None:
    (held, *_) = _json(home, "suspense", "list", "--reason", "account_unknown")
    case = case_of(home, confirmed=False)
    recycle = ("recycle", held["suspense_id"], "--case", case)
    first = _proposed(home, *recycle)
    _approved(home, first)
    again = _proposed(home, *recycle)
    assert "1 records tried, 0 left suspense" in _typed(home, "actions", "run", first)
    told = _typed(home, "actions", "approve", again, "--by", "bo", code=1)
    assert "its scope has changed (reasons was" in told
    assert "records was 1, is 0" in told
    assert _json(home, "actions", "show", again)["state"] == "lapsed"
    third = _proposed(home, *recycle)
    _approved(home, third)
    (alert,) = _json(home, "cases", "show", case)["alerts"]
    _typed(home, "alerts", "reject", alert)
    told = _typed(home, "actions", "run", third, code=1)
    assert "every finding that was open when it was proposed has closed" in told
    _typed(home, "cases", "move", case, "closed")
    assert "is closed: nothing more is done about it" in _proposed(home, *recycle, code=1)


def test_who_may_is_said_by_the_settings(home: Path) -> None:
    case = case_of(home, confirmed=False)
    until = f"{1970 + NOW_US // 31_556_952_000_000}-12-31T00:00:00Z"
    words = ("actions", "propose", "block", "--case", case, "--prefix", "883", "--owner", "anna",
             "--why", "fraud", "--until", until)  # fmt: skip
    rights = {
        "TALLYWIRE_ACTION_PROPOSERS": '{"block": ["anna"]}',
        "TALLYWIRE_ACTION_APPROVERS": '{"every": ["carla"]}',
    }
    told = _typed(home, *words, "--by", "bo", code=1, **rights)
    assert "bo may not propose a block; by the setting `action_proposers` may: anna" in told
    action = _typed(home, *words, "--by", "anna", **rights).split()[1]
    told = _typed(home, "actions", "approve", action, "--by", "bo", code=1, **rights)
    assert "bo may not decide a block" in told
    told = _typed(
        home, "actions", "approve", action, "--by", "carla", code=1, TALLYWIRE_ACTION_BY="false"
    )
    assert "--by is believed only with the setting" in told
    _typed(home, "actions", "reject", action, "--by", "carla", **rights)
    assert _json(home, "actions", "show", action)["state"] == "rejected"
