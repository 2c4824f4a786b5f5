"""What was proposed, approved and carried out about a case, and what that published to others.

Rows are only ever added. What holds now is what the rows of one thing come to, in their order.
"""

from schemas.columns import Instant, Label, MaybeInstant, Money, Record, Small, Text, Whole


class ActionEvent(Record):
    """One step of an action.

    Attributes:
        step: Number of the step in its action, from 0.
        action: proposed, approved, rejected, begun, done or lapsed.
        kind: recycle, rerate, credit or block.
        alert_ids: JSON list of the findings that were open when it was proposed, of `proposed`.
        asked: JSON of what is to be done, of `proposed`.
        figures: JSON of what it comes to, as it was shown to whoever decides.
        expires_at: Until when it may be begun, of `approved`.
        plan: JSON of what is done exactly once, of `begun`.
        result: JSON of what came of it, of `done`.
        reference: What shows the result to a case: `rerate:ID`, `credit:ID`, `block:ID`.
        previous: Hash of the step before; empty of the first.
        hash: sha256 over the step and `previous`, hex.
    """

    action_id: Text
    tenant_id: Label = "default"
    step: Small
    at: Instant
    who: Label
    action: Label
    kind: Label
    case_id: Text = ""
    alert_ids: Text = "[]"
    asked: Text = "{}"
    figures: Text = "{}"
    expires_at: MaybeInstant = None
    plan: Text = "{}"
    result: Text = "{}"
    reference: Text = ""
    note: Text = ""
    previous: Text = ""
    hash: Text = ""
    ledgered_at: Instant = 0
    batch_token: Label = ""


class AccountCredit(Record):
    """Money that is given back to an account, for whoever bills it.

    Attributes:
        credit_id: The action that led to it: there is one credit of an action.
        number: Place among all credits of the store, from 0, without a gap.
        amount: Above 0, in `currency`.
        reason: Why, for the customer's bill.
    """

    credit_id: Text
    tenant_id: Label = "default"
    number: Whole
    at: Instant
    account_id: Text
    amount: Money
    currency: Label
    reason: Text
    case_id: Text
    proposed_by: Label
    approved_by: Label
    ledgered_at: Instant = 0
    batch_token: Label = ""


class BlockEvent(Record):
    """A block began or was lifted; whoever receives it decides what it does to a network.

    Attributes:
        block_id: The action that led to it: there is one block of an action.
        number: Place among all events of blocks of the store, from 0, without a gap.
        action: `begun` or `lifted`.
        target: `account`, or `prefix` of called numbers.
        value: The account, or the digits.
        until: End of it, at which it ends by itself.
        owner: Who answers for it.
    """

    block_id: Text
    tenant_id: Label = "default"
    number: Whole
    at: Instant
    who: Label
    action: Label
    target: Label
    value: Text
    until: Instant
    owner: Label
    why: Text = ""
    case_id: Text = ""
    ledgered_at: Instant = 0
    batch_token: Label = ""
