"""A whole run: what happens in it, in order, from one seed and its parameters."""

from benchmarks.simulator import batches, drawing, hard_negatives
from benchmarks.simulator.faults import (
    accounts,
    copies,
    elements,
    lines,
    margins,
    prices,
    reconciled,
    sessions,
    whole_files,
)
from benchmarks.simulator.parameters import Parameters
from benchmarks.simulator.settling import settle
from benchmarks.simulator.world import World, empty

BEFORE = (
    prices.spoil, margins.raise_costs, accounts.orphans, sessions.wraps, copies.partial_and_total,
    elements.silent, elements.skewed, copies.near_duplicates, accounts.unknown,
    sessions.missing_interims, sessions.missing_stops,
)  # fmt: skip
"""Faults that are there before anything is written."""
AFTER = (
    whole_files.replayed, whole_files.lost_files, whole_files.truncated,
    whole_files.wrong_trailers, whole_files.late, lines.lost_records, lines.exact_duplicates,
)  # fmt: skip
"""Faults of files."""
BESIDE = (reconciled.partners, reconciled.subscriptions, reconciled.resale)
"""Faults of what others say."""


def build(seed: int, parameters: Parameters) -> World:
    """Make the same world for the same seed and parameters."""
    world = empty(seed, parameters)
    drawing.draw(world)
    hard_negatives.happen(world)
    for usage in world.usages:
        usage.charged = usage.charge
    for fault in BEFORE:
        fault(world)
    batches.cut(world)
    for fault in AFTER:
        fault(world)
    hard_negatives.catch_up(world)
    for fault in BESIDE:
        fault(world)
    settle(world)
    return world
