"""What stands of a control that runs by itself: new, changed, the same, gone."""

from decimal import Decimal

import pytest

from assurance.standing import standing
from tests.findings import finding


def test_new_and_changed_findings_are_stored_the_same_are_not() -> None:
    held = [finding(1), finding(2, "5", at=7), finding(3)]
    now = [finding(1, at=99), finding(2, "6", at=99), finding(4, at=99)]
    made = standing(now, held, (0, 100), 99)
    assert [(one.entity_id, one.state, one.money_at_risk) for one in made] == [
        ("pbx-2", "open", Decimal(6)), ("pbx-4", "open", Decimal("10.50")),
    ]  # fmt: skip
    assert (made[0].opened_at, made[0].detected_at) == (7, 99)


@pytest.mark.parametrize(
    ("window", "closes"),
    [
        ((10, 20), True),
        ((0, 100), True),
        ((-1, 20), False),
        ((90, 101), False),
        ((None, None), False),
    ],
)
def test_what_is_gone_closes_where_all_of_it_was_looked_at(
    window: tuple[int | None, int | None], closes: bool
) -> None:
    old = finding(1, window_start=window[0], window_end=window[1], at=7)
    made = standing([], [old], (0, 100), 99)
    assert [one.alert_id for one in made] == ([old.alert_id] if closes else [])
    for one in made:
        assert (one.state, one.money_at_risk, one.opened_at) == ("auto_closed", None, 7)
        assert one.explanation.startswith("It is not found any more. It was: pbx-1 sent fewer")


@pytest.mark.parametrize(
    ("unjudged", "closes"), [((12, 13), False), ((0, 10), True), ((20, 30), True)]
)
def test_what_touches_a_time_that_was_not_judged_stays(
    unjudged: tuple[int, int], closes: bool
) -> None:
    old = finding(1, window_start=10, window_end=20)
    assert bool(standing([], [old], (0, 100), 99, [unjudged])) is closes
