"""What people decide about findings: suppressions, verdicts, cases, and the trail of who did what.

Rows are only ever added. What holds now is what the rows of one thing come to, in their order.
"""

from schemas.columns import Instant, Label, MaybeInstant, MaybeMoney, Record, Small, Text, Whole


class SuppressionEvent(Record):
    """A suppression began or was ended.

    Attributes:
        action: `begun` or `ended`.
        control_id: Control whose findings are not told; empty for every control.
        entity_id: Entity of which nothing is told; empty for every entity.
        until: End of it, at which it ends by itself.
        owner: Who answers for it.
    """

    suppression_id: Text
    tenant_id: Label = "default"
    at: Instant
    who: Label
    action: Label
    control_id: Label = ""
    entity_id: Text = ""
    until: MaybeInstant = None
    owner: Label = ""
    why: Text = ""
    ledgered_at: Instant = 0
    batch_token: Label = ""


class FeedbackEvent(Record):
    """What a person found a finding to be.

    Attributes:
        verdict: `acknowledged`, `confirmed` or `false_positive`.
        proposal: A change of configuration for review; empty where the verdict asks for none.
    """

    alert_id: Text
    tenant_id: Label = "default"
    at: Instant
    who: Label
    verdict: Label
    control_id: Label = ""
    case_id: Text = ""
    note: Text = ""
    proposal: Text = ""
    ledgered_at: Instant = 0
    batch_token: Label = ""


class CaseEvent(Record):
    """One step of a case.

    Attributes:
        step: Number of the step in its case, from 0.
        action: opened, alerts_added, assigned, noted, moved, money, merged or absorbed.
        assignee: Who works it from now on, of `assigned`.
        alert_ids: JSON list of findings that come to it, of `opened`, `alerts_added`, `absorbed`.
        other_case: The case that it went into, of `merged`; that came to it, of `absorbed`.
        money_step: identified, confirmed, recovered, credited or written_off, of `money`.
        amount: Of `money`, in `currency`; negative only of `identified`, when an estimate falls.
        direction: `under` (revenue lost) or `over` (customer charged too much).
        reference: What shows that it was recovered: `rerate:ID`, `credit:ID`, `invoice:ID`; of
            `noted` the action whose result it tells: `action:ID`.
        previous: Hash of the step before; empty of the first.
        hash: sha256 over the step and `previous`, hex.
    """

    case_id: Text
    tenant_id: Label = "default"
    step: Small
    at: Instant
    who: Label
    action: Label
    from_state: Label = ""
    to_state: Label = ""
    assignee: Label = ""
    note: Text = ""
    alert_ids: Text = "[]"
    other_case: Text = ""
    money_step: Label = ""
    amount: MaybeMoney = None
    currency: Label = ""
    direction: Label = ""
    reference: Text = ""
    previous: Text = ""
    hash: Text = ""
    ledgered_at: Instant = 0
    batch_token: Label = ""


class AuditEvent(Record):
    """Somebody decided something, or looked at what may tell of persons.

    Attributes:
        sequence: Number in the trail of the store, from 0, without a gap.
        verb: What was typed, such as `cases move`.
        object: What it was about: the id of an alert, case or suppression; empty for a list.
        detail: JSON of what was asked.
        previous: Hash of the event before; empty of the first.
        hash: sha256 over the event and `previous`, hex.
    """

    sequence: Whole
    tenant_id: Label = "default"
    at: Instant
    who: Label
    verb: Label
    object: Text = ""
    detail: Text = "{}"
    previous: Text = ""
    hash: Text = ""
    ledgered_at: Instant = 0
    batch_token: Label = ""
