import pytest
from hypothesis import given
from hypothesis import strategies as st

from assurance.suppression import (
    LONGEST_US,
    SuppressionRefusedError,
    active,
    begun,
    suppressions,
)
from schemas.decisions import SuppressionEvent


def _event(
    name: str = "s1", action: str = "begun", at: int = 10, **content: object
) -> SuppressionEvent:
    given_ = {"control_id": "C6", "entity_id": "", "until": 100, "owner": "anna", "why": "a test"}
    return SuppressionEvent(
        suppression_id=name, at=at, who="anna", action=action, **{**given_, **content}
    )


@pytest.mark.parametrize(
    ("content", "told"),
    [
        ({"control_id": ""}, "all findings cannot be suppressed"),
        ({"owner": " "}, "who owns the suppression"),
        ({"why": ""}, "why it is right"),
        ({"until": None}, "its end must lie in the future"),
        ({"until": 10}, "its end must lie in the future"),
        ({"until": 11 + LONGEST_US}, "a year at most"),
    ],
)
def test_a_suppression_needs_a_subject_an_end_and_an_owner(
    content: dict[str, object], told: str
) -> None:
    with pytest.raises(SuppressionRefusedError, match=told):
        begun(_event(**content))


def test_a_suppression_holds_until_its_end_or_until_it_is_ended() -> None:
    (one,) = suppressions([_event()])
    assert [one.active(at) for at in (9, 10, 99, 100)] == [False, True, True, False]
    (ended,) = suppressions([_event(), _event(action="ended", at=50)])
    assert [ended.active(at) for at in (10, 49, 50, 99)] == [True, True, False, False]


@pytest.mark.parametrize(
    ("control", "entity", "covered"),
    [
        ("C6", "", {("C6", "a"), ("C6", "b")}),
        ("", "a", {("C6", "a"), ("C7", "a")}),
        ("C6", "a", {("C6", "a")}),
    ],
)
def test_a_suppression_covers_its_control_and_its_entity(
    control: str, entity: str, covered: set[tuple[str, str]]
) -> None:
    (one,) = suppressions([_event(control_id=control, entity_id=entity)])
    every = {(name, about) for name in ("C6", "C7") for about in "ab"}
    assert {pair for pair in every if one.covers(*pair)} == covered


EVENTS = st.lists(
    st.builds(_event, st.sampled_from("xyz"), st.sampled_from(["begun", "ended"]), st.integers(0, 20)), max_size=8
)  # fmt: skip


@given(EVENTS, st.randoms(use_true_random=False), st.integers(0, 120))
def test_the_order_of_events_does_not_matter(
    events: list[SuppressionEvent], chance: st.DrawFn, at: int
) -> None:
    mixed = list(events)
    chance.shuffle(mixed)
    assert {one.suppression_id for one in active(suppressions(mixed), at)} == {
        one.suppression_id for one in active(suppressions(events), at)
    }
