"""The evidence of the controls: every run of each, those that found nothing too."""

from schemas.columns import Instant, Label, MaybeInstant, Record, Text, Whole


class ControlRun(Record):
    """One run of one control: what it looked at, what it found, how long it took.

    Attributes:
        control: Its class, such as `NearCopies`.
        patterns: The patterns it finds, joined by `+`.
        version: Version of the product; of a control that follows, `+` and the name of the
            thresholds that it worked by.
        began_at, ended_at: Wall clock of the run.
        first_ledgered_at, last_ledgered_at: Bounds of the ledger time of what it looked at; empty
            where it looked at the store as a whole.
        inputs: Rows that it looked at.
        positions: JSON object: position of each lane behind what it looked at.
        alerts: Alerts that were new or had changed.
        result: `done` or `failed`; of a fault that was planted to try it `fired`, `silent` or
            `false` where it was not silent without it; `listed` where it held usage against a list.
        detail: Why it failed.
    """

    control: Label
    patterns: Label
    version: Label
    began_at: Instant
    ended_at: Instant
    first_ledgered_at: MaybeInstant = None
    last_ledgered_at: MaybeInstant = None
    inputs: Whole
    positions: Text = "{}"
    alerts: Whole
    result: Label = "done"
    detail: Text = ""
    ledgered_at: Instant = 0
    batch_token: Label = ""
