"""A whole run: what happens in it, in order, from one seed and its parameters."""

from benchmarks.simulator import batches, drawing
from benchmarks.simulator.parameters import Parameters
from benchmarks.simulator.world import World, empty


def build(seed: int, parameters: Parameters) -> World:
    """Make the same world for the same seed and parameters."""
    world = empty(seed, parameters)
    drawing.draw(world)
    for usage in world.usages:
        usage.charged = usage.charge
    batches.cut(world)
    return world
