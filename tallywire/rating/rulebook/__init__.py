"""The rulebook: one event, plain Python, exact numbers; the definition of every rule."""

from tallywire.rating.rulebook.book import RETAIL, Refusal
from tallywire.rating.rulebook.charge import Charge, Rating, Rulebook
from tallywire.rating.rulebook.closing import TRUE_UP, Closer, Closing
from tallywire.rating.rulebook.row import rated_id
from tallywire.rating.rulebook.steps import Step
from tallywire.rating.rulebook.tally import CounterKey, Point, Tally

__all__ = [
    "RETAIL",
    "TRUE_UP",
    "Charge",
    "Closer",
    "Closing",
    "CounterKey",
    "Point",
    "Rating",
    "Refusal",
    "Rulebook",
    "Step",
    "Tally",
    "rated_id",
]
