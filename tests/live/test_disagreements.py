"""Where the raters disagree: both sides shown, all of the scope proposed or rated again, once."""

import json
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from cli.actions import disagreements
from dataflows.settings import Settings
from tests.live.commands import served, tallywire
from warehouse.client import opened

pytestmark = [pytest.mark.live, pytest.mark.store]
NAMED = {"TALLYWIRE_ACTION_BY": "true"}


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    out = tmp_path_factory.mktemp("demo") / "out"
    made = tallywire("demo", "--out", out, "--events", 1_500)
    assert made.returncode == 0, made.stderr + made.stdout
    with served(out / "home"):
        yield out / "home"


def _typed(home: Path, *arguments: object, **environment: str) -> str:
    made = tallywire(*arguments, "--home", home, **{**NAMED, **environment})
    assert made.returncode == 0, made.stderr + made.stdout
    return made.stdout + made.stderr


def _json(home: Path, *arguments: object) -> Any:
    return json.loads(_typed(home, *arguments, "--json"))


def _asked(home: Path, query: str) -> list[tuple[Any, ...]]:
    with opened("", home / "store", database="tallywire", role="reader") as client:
        return [tuple(row) for row in client.query(query).result_rows]


_SCOPES = (
    "SELECT tariff_id, tariff_revision, zone_id FROM rated_events WHERE op = 'charge' AND "
    "run = 'retail' AND rater = 'columnar' AND service = 'sms' "
    "GROUP BY tariff_id, tariff_revision, zone_id HAVING count() > 5 ORDER BY zone_id"
)


def _of(scope: tuple[Any, ...]) -> str:
    tariff, revision, zone = scope
    return f"tariff_id = '{tariff}' AND tariff_revision = {revision} AND zone_id = '{zone}'"


def _money(home: Path, scope: tuple[Any, ...]) -> Decimal:
    return Decimal(_asked(home, f"SELECT sum(amount) FROM rated_events WHERE {_of(scope)}")[0][0])


def _spoiled(home: Path, scope: tuple[Any, ...]) -> int:
    """Let the store hold one more of each charge, as a rater would leave it that is wrong."""
    where = f"{_of(scope)} AND op = 'charge' AND rater = 'columnar'"
    with opened("", home / "store", database="tallywire", role="owner") as client:
        client.command(
            "ALTER TABLE rated_events UPDATE amount = amount + 1, "
            f"amount_numerator = amount_numerator + amount_denominator WHERE {where}",
            settings={"mutations_sync": 2},
        )
    (home / "controls" / "checkpoint").unlink()  # the controls look at everything again
    return int(_asked(home, f"SELECT count() FROM rated_events WHERE {where}")[0][0])


def _findings(home: Path) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = _json(home, "alerts", "list", "--control", "C9")
    return found


def test_a_difference_is_shown_by_both_raters_and_all_of_its_scope_is_proposed(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    scope = _asked(home, _SCOPES)[0]
    before = _money(home, scope)
    charges = _spoiled(home, scope)
    assert "proposed" not in _typed(home, "controls", "run", TALLYWIRE_AUTO_RERATE="off")
    with monkeypatch.context() as fewer:
        fewer.setattr(disagreements, "_MOST_CHARGES", charges - 1)
        (told,) = disagreements.Answerer(Settings(home=home)).look()
    assert f"it has {charges:,} charges; propose it in parts" in told
    assert _json(home, "actions", "list") == []
    told = _typed(home, "controls", "run")
    assert f"proposed: rate tariff {scope[0]}" in told
    (action,) = _json(home, "actions", "list")
    assert (action["proposed_by"], action["state"]) == ("setting:auto_rerate", "proposed")
    assert action["figures"]["charges"] == charges, "all of the scope, not those that were chosen"
    (currency,) = action["figures"]["difference"]
    assert Decimal(action["figures"]["difference"][currency]) == -charges
    assert "proposed" not in _typed(home, "controls", "run"), "once"
    (finding,) = _findings(home)
    shown = _json(home, "alerts", "show", finding["alert_id"])
    (both,) = shown["raters"]
    amount = next(field for field in both["fields"] if field["name"] == "amount")
    assert amount["differs"]
    assert Decimal(amount["rating"]) == Decimal(amount["rulebook"]) + 1
    assert [field["name"] for field in both["fields"] if field["differs"]] == ["amount", "exact"]
    text = _typed(home, "alerts", "show", finding["alert_id"])
    assert f"both raters on event {both['event_id']}" in text
    assert both["rulebook"][0] in text
    _typed(home, "actions", "approve", action["action_id"], "--by", "bo")
    assert f"done: {action['action_id']}" in _typed(home, "actions", "run")
    assert _money(home, scope) == before
    raters = _asked(
        home, f"SELECT DISTINCT rater FROM rated_events WHERE {_of(scope)} AND op = 'correction'"
    )
    assert raters == [("rulebook",)]
    _typed(home, "controls", "run")
    assert _findings(home) == [], "all of it was taken back"


def test_it_is_carried_out_at_once_where_the_setting_says_so(home: Path) -> None:
    scope = _asked(home, _SCOPES)[1]
    before = _money(home, scope)
    _spoiled(home, scope)
    told = _typed(home, "controls", "run", TALLYWIRE_AUTO_RERATE="run")
    assert f"done: rate tariff {scope[0]}" in told
    assert _money(home, scope) == before
    done = [one for one in _json(home, "actions", "list", "--all") if one["state"] == "done"]
    assert done[-1]["approved_by"] == "setting:auto_rerate"
    assert done[-1]["reference"].startswith("rerate:")
    case = _json(home, "cases", "show", done[-1]["case_id"])
    assert [step["reference"] for step in case["steps"]].count(
        f"action:{done[-1]['action_id']}"
    ) == 1
    _typed(home, "controls", "run", TALLYWIRE_AUTO_RERATE="run")
    assert _findings(home) == []
    assert "the trail is whole" in _typed(home, "audit", "verify")
