"""The rulebook: one event, plain Python, exact numbers; the definition of every rule."""

from tallywire.rating.rulebook.charge import Charge, Refusal, Rulebook
from tallywire.rating.rulebook.steps import Step

__all__ = ["Charge", "Refusal", "Rulebook", "Step"]
