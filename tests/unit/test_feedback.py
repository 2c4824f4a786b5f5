from assurance.feedback import CONFIRMED, FALSE_POSITIVE, Judged, proposal
from tests.findings import finding


def _judged(**scores: list[int]) -> list[Judged]:
    return [
        Judged(f"{verdict}{number}", verdict, score)
        for verdict, held in scores.items()
        for number, score in enumerate(held)
    ]


def test_a_threshold_is_raised_just_beyond_the_false_ones() -> None:
    alert = finding(1, score=14, threshold=10)
    text = proposal(alert, FALSE_POSITIVE, _judged(false_positive=[14, 12], confirmed=[15, 90]))
    assert text.startswith(
        "For review: raise the threshold of control C6 `usage_dropped` from 10 to 15:"
    )


def test_no_threshold_is_proposed_that_would_hide_what_was_confirmed() -> None:
    alert = finding(1, score=14, threshold=10, entity="it's")
    text = proposal(alert, FALSE_POSITIVE, _judged(false_positive=[14], confirmed=[14, 90]))
    assert "raise" not in text
    assert "alerts suppress --control C6 --entity 'it'\"'\"'s' --until DATE" in text


def test_a_control_without_a_threshold_gets_no_number() -> None:
    assert "no threshold" in proposal(finding(1), FALSE_POSITIVE, _judged(false_positive=[0]))


def test_a_threshold_is_lowered_only_when_many_were_right() -> None:
    alert = finding(1, score=60, threshold=50)
    assert proposal(alert, CONFIRMED, _judged(confirmed=[60] * 9)) == ""
    assert "from 50 to 45" in proposal(alert, CONFIRMED, _judged(confirmed=[60] * 10))
    assert proposal(alert, CONFIRMED, _judged(confirmed=[60] * 10, false_positive=[50] * 2)) == ""
