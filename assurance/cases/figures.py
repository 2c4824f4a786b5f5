"""How long it took to detect what a case is about, and to cure it."""

from collections.abc import Sequence
from dataclasses import dataclass

from assurance.cases.fold import Case
from assurance.cases.states import State
from schemas.alerts import Alert

_CURED = frozenset({State.RECOVERED, State.WRITTEN_OFF, State.CLOSED})


@dataclass(frozen=True)
class Figures:
    """Times of a case, microseconds; none where there is nothing to tell yet.

    Attributes:
        detect_us: From the beginning of what was found to its first detection.
        cure_us: From that detection until money was recovered or written off, or the case closed;
            none of a false positive, of which nothing was to be cured.
    """

    detect_us: int | None = None
    cure_us: int | None = None


def begun(alert: Alert) -> int:
    """Tell when what was found began, as well as the finding knows, microseconds UTC."""
    if alert.window_start is not None:
        return alert.window_start
    return alert.opened_at - max(0, alert.event_time_lag_us)


def figures(case: Case, alerts: Sequence[Alert]) -> Figures:
    """Tell the times of a case by its findings that the store still has."""
    if not alerts:
        return Figures()
    detected = min(alert.detected_at for alert in alerts)
    detect = max(0, detected - min(begun(alert) for alert in alerts))
    states = {event.to_state for event in case.steps}
    false = State.FALSE_POSITIVE in states and not states & {State.RECOVERED, State.WRITTEN_OFF}
    ends = [event.at for event in case.steps if event.to_state in _CURED]
    now = case.state in _CURED and not case.merged_into and not false
    return Figures(detect, max(0, ends[0] - detected) if now and ends else None)


def middle(values: Sequence[int]) -> int | None:
    """Give the median, the lower of two middle ones; none of nothing."""
    return sorted(values)[(len(values) - 1) // 2] if values else None
