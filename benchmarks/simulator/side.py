"""What others say: the price book, subscriptions, carriers' records, bills. Reconciliations need it."""

from benchmarks.simulator.world import World


def tables(world: World) -> dict[str, str]:
    """Give each table of the side data by its path."""
    return {}
