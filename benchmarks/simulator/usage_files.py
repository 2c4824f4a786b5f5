"""What is published of a run before the engine reads it: catalogue, files, deliveries, side data."""

import json
from pathlib import Path

from benchmarks.simulator import catalogue_folder
from benchmarks.simulator.clock import rfc3339
from benchmarks.simulator.emitters import EMITTERS
from benchmarks.simulator.emitters.emitter import content
from benchmarks.simulator.side import tables
from benchmarks.simulator.world import World


def write(world: World, out: Path) -> None:
    """Write everything but the truth."""
    catalogue_folder.write(world, out / "catalog")
    deliveries = []
    for batch in world.batches:
        path = out / "usage" / batch.feed / batch.name
        path.parent.mkdir(parents=True, exist_ok=True)
        if batch.lost:
            continue
        path.write_bytes(content(EMITTERS[batch.feed], batch))
        deliveries.append((batch.delivered_us, f"{batch.feed}/{batch.name}"))
    lines = [
        json.dumps({"file": name, "delivered_at": rfc3339(at_us)})
        for at_us, name in sorted(deliveries)
    ]
    (out / "delivery.jsonl").write_text("\n".join(lines) + "\n")
    for name, text in tables(world).items():
        path = out / "side" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
