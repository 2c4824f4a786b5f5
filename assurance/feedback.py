"""What verdicts say of a control: a change of its threshold, proposed in words, never made."""

from collections.abc import Sequence
from dataclasses import dataclass
from shlex import quote

from assurance.following.thresholds import DECIDES
from schemas.alerts import Alert

ACKNOWLEDGED, CONFIRMED, FALSE_POSITIVE = "acknowledged", "confirmed", "false_positive"
_ENOUGH = 10
"""Verdicts without which a threshold is not lowered."""
_SURE_PERCENT = 90


@dataclass(frozen=True)
class Judged:
    """A finding of the control with its newest verdict, and the score that it had."""

    alert_id: str
    verdict: str
    score: int


def _counted(false: int, right: int) -> str:
    return f"{right} confirmed and {false} false positive so far"


def proposal(alert: Alert, verdict: str, judged: Sequence[Judged]) -> str:
    """Propose a change of configuration, to be reviewed; nothing is changed by it.

    Args:
        alert: The finding that was judged now.
        judged: All judged findings of its control, this one among them.

    Returns:
        A text for a review; empty where the verdict asks for no change.
    """
    false = sorted(one.score for one in judged if one.verdict == FALSE_POSITIVE)
    right = sorted(one.score for one in judged if one.verdict == CONFIRMED)
    name, said = f"control {alert.control_id} `{alert.pattern}`", _counted(len(false), len(right))
    if verdict == FALSE_POSITIVE:
        return _stricter(alert, name, said, false, right)
    sure = len(right) * 100 >= _SURE_PERCENT * (len(right) + len(false))
    if verdict == CONFIRMED and alert.threshold > 1 and sure and len(right) >= _ENOUGH:
        lower = alert.threshold - max(1, alert.threshold // 10)
        return (
            f"For review: lower the threshold of {name} from {alert.threshold} to {lower}: {said}, "
            f"it may be missing smaller ones. Backtest it before it is used.{_tried(alert)}"
        )
    return ""


def _tried(alert: Alert) -> str:
    """Name the settings that decide whether such a finding comes, and how values are tried."""
    names = DECIDES.get(alert.pattern, ())
    if not names:
        return ""
    told = " and ".join(f"`{name}`" for name in names)
    return (
        f" It is decided by {told} of controls.yaml: `tallywire controls backtest {names[0]}` "
        "tries values over the stored history."
    )


def _stricter(
    alert: Alert, name: str, said: str, false: Sequence[int], right: Sequence[int]
) -> str:
    """Propose what would have kept a control silent, without silencing what was confirmed."""
    above = false[-1] + 1 if false else 0
    if alert.threshold > 0 and above > alert.threshold and (not right or above <= right[0]):
        return (
            f"For review: raise the threshold of {name} from {alert.threshold} to {above}: {said}; "
            f"every false one scored below it, every confirmed one stays.{_tried(alert)}"
        )
    return (
        f"For review: no threshold of {name} tells right from wrong here ({said}).{_tried(alert)} "
        f"If it is usual for {alert.entity_type} {alert.entity_id}, suppress it for a time: "
        f"tallywire alerts suppress --control {alert.control_id} --entity "
        f"{quote(alert.entity_id)} --until DATE --owner NAME --why TEXT"
    )
