"""C18: test calls that did not arrive once, in time, as long as they were, at their price."""

from collections.abc import Iterator
from dataclasses import replace
from decimal import Decimal
from fractions import Fraction

from assurance.alerts import Control, Worth, alert, alert_id
from assurance.test_calls.entries import TestCall
from assurance.test_calls.judge import Fault, Judged
from schemas.alerts import Alert

_ACTIONS = {
    Fault.MISSING: (
        "completeness", "critical", "under",
        "look for its record from the switch on; calls like it are not charged either",
    ),
    Fault.TWICE: (
        "duplicate", "critical", "over",
        "compare the records; calls like it are charged twice, too",
    ),
    Fault.LATE: (
        "latency", "warning", "under", "look where its record waited; late usage may miss its bill",
    ),
    Fault.DURATION: (
        "misrating", "critical", "under",
        "compare answer and release of the generator with those of the switch's record",
    ),
    Fault.CHARGE: (
        "misrating", "critical", "under",
        "explain the charge with `tallywire explain`, then correct the catalogue or the list",
    ),
}  # fmt: skip
CONTROLS = {
    fault: Control("C18", f"test_call_{fault}", kind, severity, direction, action)
    for fault, (kind, severity, direction, action) in _ACTIONS.items()
}
_SECOND = 1_000_000


def entity_of(call: TestCall) -> tuple[str, str]:
    """Name a call: its two numbers."""
    return "test_call", f"{call.a_number}-{call.b_number}"


def ids_of(call: TestCall) -> Iterator[str]:
    """Give the ids of all findings that there may be of a call."""
    for control in CONTROLS.values():
        yield alert_id(control, entity_of(call)[1], f"{call.start_us}")


def told(judged: Judged, tenant: str, at: int) -> Alert:
    """Tell a fault, and the money of it."""
    call = judged.call
    worth, over = _worth(judged)
    control = CONTROLS[judged.fault]
    return alert(
        replace(control, direction="over" if over else control.direction), tenant_id=tenant,
        feed_id="", entity=entity_of(call), episode=f"{call.start_us}", at=at,
        explanation=f"Test call of line {call.line}, {call.a_number} to {call.b_number}: "
        f"{_sentence(judged)}.",
        expected=1, observed=len(judged.stored), unit="calls", worth=worth,
        evidence=[{"place": one.place, "why": judged.fault.value} for one in judged.stored],
        window=(call.start_us, call.start_us + call.duration_us),
    )  # fmt: skip


def closed(before: Alert, at: int) -> Alert:
    """Close a finding that is not found any more."""
    return before.model_copy(
        update={
            "state": "auto_closed", "detected_at": at, "money_at_risk": None, "money_low": None,
            "money_high": None, "explanation": "The test call is as it must be.",
        }
    )  # fmt: skip


def _worth(judged: Judged) -> tuple[Worth, bool]:
    """Give the money, and whether it was charged too much."""
    call, stored = judged.call, judged.stored
    if judged.fault is Fault.MISSING:
        return Worth(_decimal(call.amount), call.currency, "expected"), False
    if judged.fault is Fault.TWICE:
        extra = sum((one.amount for one in stored[1:]), Fraction(0))
        return Worth(_decimal(extra), stored[0].currency, "charged"), True
    if judged.fault is Fault.CHARGE and stored[0].currency == call.currency:
        difference = stored[0].amount - call.amount
        return Worth(_decimal(abs(difference)), call.currency, "charged"), difference > 0
    return Worth(), False


def _sentence(judged: Judged) -> str:
    call, stored = judged.call, judged.stored
    match judged.fault:
        case Fault.MISSING:
            return f"not charged within {_seconds(call.within_us)} s of its end"
        case Fault.TWICE:
            return f"charged {len(stored)} times"
        case Fault.LATE:
            took = stored[0].came_us - call.start_us - call.duration_us
            return f"charged {_seconds(took)} s after its end, allowed are " + _seconds(
                call.within_us
            )
        case Fault.DURATION:
            return f"{_seconds(stored[0].duration_us)} s instead of {_seconds(call.duration_us)} s"
        case Fault.CHARGE:
            got, wanted = (f"{_decimal(one.amount).normalize():f} {one.currency}"
                           for one in (stored[0], call))  # fmt: skip
            return f"{got} instead of {wanted}"


def _seconds(micros: int) -> str:
    """Write seconds, without decimals that are none.

    >>> _seconds(61_500_000), _seconds(60_000_000)
    ('61.5', '60')
    """
    return f"{Decimal(micros).scaleb(-6).normalize():f}"


def _decimal(amount: Fraction) -> Decimal:
    return Decimal(amount.numerator * 10**9 // amount.denominator).scaleb(-9)
