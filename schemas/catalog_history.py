"""The life of catalogues: who proposed, approved and activated which one, and what went back."""

from enum import StrEnum
from typing import Literal

from schemas.columns import Instant, Label, MaybeInstant, Record, Text


class Step(StrEnum):
    """What can be done with a catalogue; `use` puts one into use without approval."""

    PROPOSE = "propose"
    APPROVE = "approve"
    ACTIVATE = "activate"
    ROLLBACK = "rollback"
    USE = "use"


class CatalogStep(Record):
    """One line of the history of a catalogue archive; lines are added, never changed.

    Attributes:
        catalog_hash: The catalogue it is about; of a rollback the one that is used again.
        left_hash: The catalogue that a rollback left; empty in other steps.
        by: Who did it, as given.
        recorded_at: When it was written.
        effective_at: From when batches are rated under the catalogue; none for a proposal or an
            approval.
        note: Why, in the words of `by`.
    """

    schema_version: Literal[1] = 1
    step: Step
    catalog_hash: Label
    left_hash: Label = ""
    by: Text = ""
    recorded_at: Instant
    effective_at: MaybeInstant = None
    note: Text = ""
