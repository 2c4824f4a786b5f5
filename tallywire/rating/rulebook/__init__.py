"""The rulebook: one event, plain Python, exact numbers; the definition of every rule."""

from tallywire.rating.rulebook.allowance import CounterKey
from tallywire.rating.rulebook.book import Refusal
from tallywire.rating.rulebook.charge import Charge, Rulebook
from tallywire.rating.rulebook.row import rated_id
from tallywire.rating.rulebook.steps import Step

__all__ = ["Charge", "CounterKey", "Refusal", "Rulebook", "Step", "rated_id"]
