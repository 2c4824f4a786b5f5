"""The end of a run: files have their names, faults their extent, records their numbers."""

from benchmarks.simulator.emitters import EMITTERS
from benchmarks.simulator.records import Batch, Injection, Usage
from benchmarks.simulator.world import World


def settle(world: World) -> None:
    """Name files, add up what each fault did, and number everything that happened."""
    for batch in world.batches:
        batch.name = _name(batch)
    by_number = {one.number: one for one in world.injections}
    for usage in sorted(world.usages, key=_order):
        # records of another fate are only what a copy is a copy of
        if usage.injection and usage.fate == by_number[usage.injection].family:
            by_number[usage.injection].touch(usage.worth_at_us, usage.worth)
    for one in world.injections:
        _entity(one)
    world.injections = [one for one in world.injections if one.records]
    world.usages.sort(key=_order)
    for place, usage in enumerate(world.usages):
        usage.truth_id = f"t{place + 1:08d}"


def _order(usage: Usage) -> tuple[int, str, str, str, int, int]:
    return usage.start_us, usage.feed, usage.served, usage.number, usage.quantity, usage.node


def _name(batch: Batch) -> str:
    name = EMITTERS[batch.feed].name(batch.node, batch.number)
    if batch.resent:
        stem, dot, ending = name.rpartition(".")
        return f"{stem}-1{dot}{ending}"
    return name


def _entity(one: Injection) -> None:
    names = [f"{batch.feed}/{batch.name}" for batch in one.files]
    if names and not one.entity:
        one.entity, names = names[0], names[1:]
    if names:
        one.detail = ",".join(names)
