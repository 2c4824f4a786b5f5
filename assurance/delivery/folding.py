"""Many findings in one message: the first ones in a line each, the others counted by control."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from assurance.money import expected_loss
from schemas.alerts import Alert

_SEVERITIES = {"critical": 0, "warning": 1}
_LONGEST = 300
_MINUTE_US = 60_000_000


@dataclass(frozen=True)
class Message:
    """What a person reads.

    Attributes:
        title: One line.
        body: A line for each finding that is told, then a line for each control of others.
    """

    title: str
    body: str


def _money(alert: Alert) -> str:
    loss = expected_loss(alert.money_at_risk, alert.confidence)
    if not loss:
        return ""
    digits = f"{loss:f}".rstrip("0")
    whole, _, part = digits.partition(".")
    return f" ({whole}.{part:0<2} {alert.currency} at risk)"


def _line(alert: Alert) -> str:
    said = alert.explanation
    short = said if len(said) <= _LONGEST else f"{said[:_LONGEST]}..."
    return f"{alert.control_id} {alert.severity}: {short}{_money(alert)} [{alert.alert_id[:12]}]"


def fold(alerts: Sequence[Alert], most: int) -> Message:
    """Fold findings into one message.

    Args:
        alerts: One or more.
        most: Findings that get a line of their own; the serious ones first, then the oldest.
    """
    ordered = sorted(
        alerts, key=lambda one: (_SEVERITIES.get(one.severity, 2), one.opened_at, one.alert_id)
    )
    rest = Counter(one.control_id for one in ordered[most:])
    lines = [_line(one) for one in ordered[:most]]
    lines += [f"and {rest[control]:,} more of control {control}" for control in sorted(rest)]
    many = len(alerts) > 1
    return Message(f"{len(alerts):,} finding{'s' if many else ''}", "\n".join(lines))


def next_message_us(last_us: int | None, per_minute: int) -> int:
    """Tell from when on another message may be sent, microseconds; 0 where none was sent yet."""
    return 0 if last_us is None else last_us + -(-_MINUTE_US // per_minute)
