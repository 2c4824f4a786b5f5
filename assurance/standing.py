"""What stands of a control that runs by itself: what is new or has changed, and what is gone."""

from collections.abc import Iterable

from schemas.alerts import Alert

Period = tuple[int, int]
"""First and last instant that a run looked at, microseconds UTC."""
_OF_THE_RUN = {"opened_at", "detected_at", "ledgered_at", "batch_token", "case_id", "feedback"}
"""Fields that say when something was found, not what."""


def standing(
    found: Iterable[Alert], before: Iterable[Alert], period: Period, at: int
) -> list[Alert]:
    """Give the findings that must be stored: new and changed ones, and closed ones.

    What was open before closes if all of it lies within the period and it is not found any more.
    What is found as it was before is not stored again, so that nobody is told of it twice.

    Args:
        found: What this run found.
        before: What is open of the same control and of the same things.
        at: When it ran, microseconds UTC.
    """
    held = {one.alert_id: one for one in before}
    made = []
    for one in found:
        old = held.pop(one.alert_id, None)
        if old is None:
            made.append(one)
        elif _content(old) != _content(one):
            made.append(one.model_copy(update={"opened_at": old.opened_at}))
    return made + [_closed(one, at) for one in held.values() if _within(one, period)]


def _content(alert: Alert) -> dict[str, object]:
    return alert.model_dump(exclude=_OF_THE_RUN)


def _within(alert: Alert, period: Period) -> bool:
    if alert.window_start is None or alert.window_end is None:
        return False
    return period[0] <= alert.window_start and alert.window_end <= period[1]


def _closed(alert: Alert, at: int) -> Alert:
    return alert.model_copy(
        update={
            "state": "auto_closed", "detected_at": at, "observed": 0, "money_at_risk": None,
            "money_low": None, "money_high": None,
            "explanation": f"It is not found any more. It was: {alert.explanation}",
        }
    )  # fmt: skip
