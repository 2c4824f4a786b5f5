"""The alert: what a control or detector found, with the money at risk. One shape for all."""

from schemas.columns import Instant, Label, MaybeInstant, MaybeMoney, Record, Small, Text, Whole


class Alert(Record):
    """One finding of one control about one entity in one episode.

    `alert_id` is a stable hash of (control, entity, episode): late data and replays update it.

    Attributes:
        kind: leakage, duplicate, misrating, fraud, completeness, latency or model_drift.
        direction: `under` (revenue lost) or `over` (customer charged too much).
        money_at_risk: Best estimate, in `currency`; `money_low` and `money_high` bound it.
        confidence: 0 to 100, percent.
        evidence: JSON list of at most 50 {place, why}; `evidence_count` is the full number.
        features: JSON list of {name, value, own_p99, peer_p99}.
        explanation: One sentence a person can act on.
    """

    alert_id: Text
    tenant_id: Label = "default"
    control_id: Label
    kind: Label
    pattern: Label = ""
    gb941_area: Label = "network_and_usage"
    entity_type: Label
    entity_id: Text
    feed_id: Label = ""
    window_start: MaybeInstant = None
    window_end: MaybeInstant = None
    opened_at: Instant
    detected_at: Instant
    event_time_lag_us: Whole = 0
    score: Small = 0
    threshold: Small = 0
    expected: Whole = 0
    observed: Whole = 0
    unit: Label = ""
    direction: Label = "under"
    money_at_risk: MaybeMoney = None
    money_low: MaybeMoney = None
    money_high: MaybeMoney = None
    money_method: Label = "none"
    currency: Label = ""
    confidence: Small = 100
    severity: Label = "warning"
    state: Label = "open"
    evidence: Text = "[]"
    evidence_count: Whole = 0
    features: Text = "[]"
    rule_version: Label = "1"
    reference_versions: Text = "{}"
    suggested_action: Text = ""
    explanation: Text
    case_id: Text = ""
    feedback: Text = "[]"
    ledgered_at: Instant = 0
    batch_token: Label = ""
