"""Building alerts: stable ids, one sentence, money at risk."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import orjson
import xxhash

from assurance.families import FAMILIES, Family
from schemas.alerts import Alert

_MOST_EVIDENCE = 50
LARGEST = 2**63 - 1
"""The greatest number that a finding holds."""


@dataclass(frozen=True)
class Control:
    """A control: what it watches and what a person should do about a finding.

    Attributes:
        control_id: C0 to C20; published in docs/reference/controls.md.
        kind: leakage, duplicate, misrating, fraud, completeness, latency.
        direction: `under` (revenue lost) or `over` (charged too much).
        action: What a person does about it, as its page says.
    """

    control_id: str
    pattern: str
    kind: str
    severity: str
    direction: str
    action: str

    @property
    def family(self) -> Family:
        """Give what all controls of its number have in common: area, points, measure, owner."""
        return FAMILIES[self.control_id]


@dataclass(frozen=True)
class Worth:
    """Money at risk, where anything is known of it.

    Attributes:
        low: The least it may be; the amount itself where nothing is estimated.
        high: The most it may be.
        confidence: That it is a fault at all, percent.
    """

    amount: Decimal | None = None
    currency: str = ""
    method: str = "none"
    low: Decimal | None = None
    high: Decimal | None = None
    confidence: int = 100


def latest(alerts: Sequence[Alert]) -> list[Alert]:
    """Keep the last of findings that say the same of the same, in the order in which they came."""
    last = {one.alert_id: place for place, one in enumerate(alerts)}
    return [one for place, one in enumerate(alerts) if last[one.alert_id] == place]


def alert_id(control: Control, entity: str, episode: str) -> str:
    """Name a finding: the same control, entity and episode is the same alert."""
    text = f"{control.control_id}\x1f{control.pattern}\x1f{entity}\x1f{episode}"
    return xxhash.xxh3_128_hexdigest(text.encode())


def alert(
    control: Control,
    *,
    tenant_id: str,
    feed_id: str,
    entity: tuple[str, str],
    episode: str,
    at: int,
    explanation: str,
    expected: int = 0,
    observed: int = 0,
    unit: str = "",
    worth: Worth | None = None,
    evidence: Sequence[dict[str, str]] = (),
    evidence_count: int = 0,
    features: Mapping[str, int | str] | None = None,
    state: str = "open",
    window: tuple[int | None, int | None] = (None, None),
) -> Alert:
    """Make an alert.

    Args:
        entity: Type and id of what it is about.
        episode: What makes this finding another than the last of the same entity.
        at: Ledger time of the finding, microseconds UTC.
        evidence_count: How much evidence there is, where not all of it is given.
        features: What programs want to know of it, by name.
    """
    worth = worth or Worth()
    return Alert(
        alert_id=alert_id(control, entity[1], episode),
        tenant_id=tenant_id,
        control_id=control.control_id,
        kind=control.kind,
        pattern=control.pattern,
        gb941_area=control.family.area,
        entity_type=entity[0],
        entity_id=entity[1],
        feed_id=feed_id,
        window_start=window[0],
        window_end=window[1],
        opened_at=at,
        detected_at=at,
        expected=expected,
        observed=observed,
        unit=unit,
        direction=control.direction,
        **_money(worth),
        severity=control.severity,
        state=state,
        evidence=orjson.dumps(list(evidence)[:_MOST_EVIDENCE]).decode(),
        evidence_count=max(evidence_count, len(evidence)),
        features=orjson.dumps(
            [{"name": name, "value": value} for name, value in (features or {}).items()]
        ).decode(),
        suggested_action=control.action,
        explanation=explanation,
    )


def _money(worth: Worth) -> dict[str, Any]:
    """Give the fields of money; what is not estimated has no other bounds than itself."""
    return {
        "money_at_risk": worth.amount,
        "money_low": worth.amount if worth.low is None else worth.low,
        "money_high": worth.amount if worth.high is None else worth.high,
        "money_method": worth.method,
        "currency": worth.currency,
        "confidence": worth.confidence,
    }
