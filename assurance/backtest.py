"""Which value of a threshold history speaks for: what each finds, and what people said of that."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal

from assurance.feedback import CONFIRMED, FALSE_POSITIVE
from assurance.following.thresholds import Knob
from schemas.alerts import Alert

DAY_US = 86_400_000_000


@dataclass(frozen=True)
class Counted:
    """What a control finds by one value.

    Attributes:
        found: Findings that were open at some time.
        confirmed, false_positive: Those of them that a person said so of.
        kept: Whether every confirmed finding is among them.
        thousandths_a_day: Findings a day, in thousandths.
        money: What they put at risk in their last open state, by (direction, currency).
    """

    value: int
    found: int
    confirmed: int
    false_positive: int
    kept: bool
    thousandths_a_day: int
    money: Mapping[tuple[str, str], Decimal]


@dataclass(frozen=True)
class Backtest:
    """What history says of a threshold.

    Attributes:
        proposed: The value that keeps every confirmed finding and finds fewest others, the
            stricter of two alike; none where no finding was confirmed, or no value keeps all.
        lost: Confirmed findings that no value finds: their usage is not stored any more.
    """

    counted: Sequence[Counted]
    proposed: int | None
    lost: Sequence[str]


class Kept:
    """Findings of one value, each in its last open state."""

    def __init__(self) -> None:
        self.open: dict[str, Alert] = {}

    def take(self, alerts: Iterable[Alert]) -> None:
        """Take alerts in the order in which a control gives them."""
        self.open |= {one.alert_id: one for one in alerts if one.state == "open"}


def judged(
    found: Mapping[int, Kept],
    verdicts: Mapping[str, str],
    confirmed: Iterable[str],
    knob: Knob,
    span_us: int,
) -> Backtest:
    """Hold what each value finds against what people said.

    Args:
        found: Findings by value.
        verdicts: Newest verdict of each finding that was judged, by id.
        confirmed: Ids of findings of these patterns that people confirmed.
        span_us: How much time the usage spans, microseconds.
    """
    right = set(confirmed)
    reachable = {name for kept in found.values() for name in kept.open}
    wanted, lost = right & reachable, sorted(right - reachable)
    counted = [
        _counted(value, found[value], verdicts, wanted, max(span_us, DAY_US))
        for value in sorted(found)
    ]
    return Backtest(counted, _proposed(counted, wanted, knob), lost)


def _counted(
    value: int, kept: Kept, verdicts: Mapping[str, str], wanted: set[str], span_us: int
) -> Counted:
    said = [verdicts.get(name) for name in kept.open]
    money: dict[tuple[str, str], Decimal] = {}
    for one in kept.open.values():
        if one.money_at_risk is not None:
            account = one.direction, one.currency
            money[account] = money.get(account, Decimal(0)) + one.money_at_risk
    return Counted(
        value, len(kept.open), said.count(CONFIRMED), said.count(FALSE_POSITIVE),
        wanted <= set(kept.open), 1_000 * len(kept.open) * DAY_US // span_us,
        dict(sorted(money.items())),
    )  # fmt: skip


def _proposed(counted: Sequence[Counted], wanted: set[str], knob: Knob) -> int | None:
    fit = [one for one in counted if one.kept] if wanted else []
    sign = -1 if knob.stricter == "higher" else 1
    best = min(fit, key=lambda one: (one.found, sign * one.value), default=None)
    return None if best is None else best.value
