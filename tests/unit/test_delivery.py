import json
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from assurance.delivery.backoff import pause_ms
from assurance.delivery.folding import fold, next_message_us
from assurance.delivery.rota import Rota, Told, calls
from dataflows.delivery.cursor import Cursor, CursorDamaged
from dataflows.delivery.figures import Figures
from dataflows.delivery.targets import endpoints_of, variable_of
from dataflows.delivery.webhook import body_of, webhook_id
from dataflows.settings import Settings
from schemas.instants import micros_from_text
from tests.findings import finding
from warehouse.outbox import Entry, Place

START = int(str(micros_from_text("2026-01-05T08:00:00Z")))
DAY, MINUTE = 86_400_000_000, 60_000_000
ROTA = Rota.model_validate(
    {"people": {"anna": "a", "ben": "b", "carl": "c"}, "order": ["anna", "ben", "carl"], "start": "2026-01-05T08:00:00Z"}
)  # fmt: skip


@given(st.integers(1, 10**9), st.text())
def test_a_pause_is_bounded_and_always_the_same(attempt: int, key: str) -> None:
    whole = min(300_000, 1_000 * 2 ** min(attempt - 1, 20))
    assert whole // 2 <= pause_ms(attempt, key) <= whole
    assert pause_ms(attempt, key) == pause_ms(attempt, key)


def test_messages_that_failed_together_do_not_come_back_together() -> None:
    assert len({pause_ms(12, f"message {number}") for number in range(50)}) > 45
    with pytest.raises(ValueError, match="nothing has failed yet"):
        pause_ms(0, "a")


def test_the_serious_come_first_and_the_others_are_counted_by_control() -> None:
    others = [finding(number, control_id="C1", severity="warning") for number in range(1_234)]
    told = fold([*others, finding(7, "12.5", confidence=10)], 2)
    assert told.title == "1,235 findings"
    first, second, last = told.body.splitlines()
    assert (
        first
        == f"C6 critical: {finding(7).explanation} (1.25 EUR at risk) [{finding(7).alert_id[:12]}]"
    )
    assert second.startswith("C1 warning: pbx-0 ")
    assert last == "and 1,233 more of control C1"
    assert fold([finding(1, None)], 5).title == "1 finding"
    assert "at risk" not in fold([finding(1, None)], 5).body


@given(st.lists(st.integers(0, 200), min_size=1, max_size=40, unique=True), st.integers(1, 10))
def test_no_finding_is_lost_in_folding(numbers: list[int], most: int) -> None:
    told = fold([finding(number, control_id=f"C{number % 3}") for number in numbers], most)
    more = [line for line in told.body.splitlines() if line.startswith("and ")]
    counted = sum(int(line.split()[1]) for line in more)
    assert counted + len(told.body.splitlines()) - len(more) == len(numbers)


def test_messages_keep_their_distance() -> None:
    assert next_message_us(None, 6) == 0
    assert next_message_us(5, 6) == 5 + 10_000_000
    assert next_message_us(0, 7) * 7 >= MINUTE


def test_turns_go_on_for_ever_and_before_the_first() -> None:
    weeks = [ROTA.line(START + 7 * DAY * number)[0] for number in range(-1, 5)]
    assert weeks == ["carl", "anna", "ben", "carl", "anna", "ben"]
    assert ROTA.line(START + 7 * DAY - 1)[0] == "anna"
    assert ROTA.line(START + 7 * DAY) == ["ben", "carl", "anna"]


def test_the_next_in_line_is_called_when_nobody_acknowledges() -> None:
    told: dict[str, Told] = {}
    called = []
    for minute in range(0, 61, 5):
        due, told = calls(ROTA, ["x"], told, START + minute * MINUTE)
        called += [(minute, one.person, one.alert_ids) for one in due]
    people = ["anna", "ben", "carl", "anna", "ben"]
    assert called == [(15 * turn, person, ("x",)) for turn, person in enumerate(people)]
    assert calls(ROTA, [], told, START + 99 * MINUTE) == ([], {})


@given(st.sets(st.sampled_from("abcdef")), st.sets(st.sampled_from("abcdef")), st.integers(0, 60))
def test_what_is_due_goes_to_one_person_each_once(
    waiting: set[str], before: set[str], minute: int
) -> None:
    told = {name: Told(place, START) for place, name in enumerate(sorted(before))}
    due, known = calls(ROTA, waiting, told, START + minute * MINUTE)
    called = [alert_id for call in due for alert_id in call.alert_ids]
    assert len(called) == len(set(called))
    assert len({call.person for call in due}) == len(due)
    assert set(known) == waiting
    assert set(called) == {one for one in waiting if one not in told or minute >= 15}


@pytest.mark.parametrize(
    ("changed", "told"),
    [
        ({"order": ["anna", "dora"]}, "each one of people"),
        ({"order": ["anna", "anna"]}, "each name once"),
        ({"order": []}, "at least 1 item"),
        ({"turn_days": 0}, "greater than or equal to 1"),
        ({"start": "2026-01-05"}, "no offset from UTC"),
    ],
)
def test_a_wrong_rota_is_refused(changed: dict[str, object], told: str) -> None:
    with pytest.raises(ValidationError, match=told):
        Rota.model_validate({**ROTA.model_dump(mode="python"), **changed})


def test_a_cursor_outlives_its_process_and_tells_of_damage(tmp_path: Path) -> None:
    path = tmp_path / "webhook-a.json"
    cursor = Cursor(path, 17)
    places = {"usage-0000": Place(12, "x"), "": Place(30, "y")}
    for writer, place in places.items():
        cursor.pass_by(Entry(writer, place, None))
    cursor.save()
    again = Cursor(path, 99).behind
    assert again.floor == 17
    assert again.places == places
    path.write_text("{")
    with pytest.raises(CursorDamaged, match="restore it from a backup, or remove it"):
        Cursor(path, 0)


def test_the_same_state_of_a_finding_is_the_same_message() -> None:
    one = finding(1, "0.000000001", ledgered_at=5)
    assert body_of(one) == body_of(one.model_copy())
    assert webhook_id(one) == f"{one.alert_id}:5"
    assert webhook_id(one.model_copy(update={"ledgered_at": 6})) != webhook_id(one)
    assert b'"money_at_risk":"0.000000001"' in body_of(one)
    assert one.money_at_risk == Decimal("0.000000001")


def test_each_endpoint_has_its_own_secret_where_it_is_given(tmp_path: Path) -> None:
    settings = Settings(webhooks={"a": "https://example.org/x", "b-c": "http://[::1]:8/"})
    shared, own = "c" * 40, "d" * 40
    (tmp_path / "secret").write_text(f"{own}\n")
    variable = variable_of("TALLYWIRE_WEBHOOK_SECRET", "b-c")
    world = {"TALLYWIRE_WEBHOOK_SECRET": shared, f"{variable}_FILE": str(tmp_path / "secret")}
    found = endpoints_of(settings, world)
    assert [(one.name, one.secret) for one in found] == [("a", shared), ("b-c", own)]
    assert own not in repr(found)


def test_a_target_that_takes_all_again_is_no_longer_failing(tmp_path: Path) -> None:
    figures = Figures(tmp_path / "progress" / "deliver.json")
    figures.add("webhook-a")
    figures.failed("webhook-a", "the store does not answer")
    figures.write()
    said = json.loads((tmp_path / "progress" / "deliver.json").read_text())
    assert said["problems"] == ["webhook-a: the store does not answer"]
    assert said["deliver"]["failing_s"]["webhook-a"] > 0
    figures.sent("webhook-a", 0)  # nothing waits, and the store answers
    figures.write()
    said = json.loads((tmp_path / "progress" / "deliver.json").read_text())
    assert said["problems"] == []
    assert said["deliver"] == {
        "sent": {"webhook-a": 0}, "failed": {"webhook-a": 1}, "failing_s": {"webhook-a": 0.0}
    }  # fmt: skip
