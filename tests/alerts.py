"""What is open at the end of a stream of alerts."""

from collections.abc import Iterable

from schemas.alerts import Alert


def open_of(alerts: Iterable[Alert]) -> dict[str, tuple[object, ...]]:
    """Give what is open at the end, without what depends on when it was found."""
    last = {one.alert_id: one for one in alerts}
    return {
        name: (one.pattern, one.entity_id, one.observed, one.money_at_risk, one.evidence)
        for name, one in last.items()
        if one.state == "open"
    }
