"""What stands of a control that runs by itself: what is new or has changed, and what is gone."""

from collections.abc import Collection, Iterable

from schemas.alerts import Alert

Period = tuple[int, int]
"""First and last instant that a run looked at, microseconds UTC."""
_OF_THE_RUN = {"opened_at", "detected_at", "ledgered_at", "batch_token", "case_id", "feedback"}
"""Fields that say when something was found, not what."""


def standing(
    found: Iterable[Alert], before: Iterable[Alert], period: Period, at: int,
    unjudged: Collection[Period] = (),
) -> list[Alert]:  # fmt: skip
    """Give the findings that must be stored: new and changed ones, and closed ones.

    What was open before closes if all of it lies within the period and it is not found any more.
    What is found as it was before is not stored again, so that nobody is told of it twice.

    Args:
        found: What this run found.
        before: What is open of the same control and of the same things.
        at: When it ran, microseconds UTC.
        unjudged: Times within the period of which it can say nothing: what touches one stays.
    """
    held = {one.alert_id: one for one in before}
    made = []
    for one in found:
        old = held.pop(one.alert_id, None)
        if old is None:
            made.append(one)
        elif _content(old) != _content(one):
            made.append(one.model_copy(update={"opened_at": old.opened_at}))
    gone = (one for one in held.values() if _looked_at(one, period, unjudged))
    return made + [_closed(one, at) for one in gone]


def _content(alert: Alert) -> dict[str, object]:
    return alert.model_dump(exclude=_OF_THE_RUN)


def _looked_at(alert: Alert, period: Period, unjudged: Collection[Period]) -> bool:
    first, last = alert.window_start, alert.window_end
    if first is None or last is None:
        return False
    touched = any(first < behind and begin < last for begin, behind in unjudged)
    return period[0] <= first and last <= period[1] and not touched


def _closed(alert: Alert, at: int) -> Alert:
    return alert.model_copy(
        update={
            "state": "auto_closed", "detected_at": at, "observed": 0, "money_at_risk": None,
            "money_low": None, "money_high": None,
            "explanation": f"It is not found any more. It was: {alert.explanation}",
        }
    )  # fmt: skip
