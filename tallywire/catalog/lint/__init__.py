"""Warnings: what is allowed in a catalogue and yet seldom meant. They are told, not refused.

Problems are found while a catalogue is read. Warnings are found in what was compiled, and cost
time, so they are asked for: by `catalog lint` and `catalog compile`, not by the raters.
"""

from tallywire.catalog.lint.costs import Comparison, Loss, cheaper_than_cost, cost_warnings
from tallywire.catalog.lint.found import Deletion
from tallywire.catalog.lint.revised import compared, deletions_since
from tallywire.catalog.lint.warnings import warnings

__all__ = [
    "Comparison",
    "Deletion",
    "Loss",
    "cheaper_than_cost",
    "compared",
    "cost_warnings",
    "deletions_since",
    "warnings",
]
