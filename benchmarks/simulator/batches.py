"""Files: pieces of usage in the order of their time, numbered by their element, cut by period."""

import math
from collections import defaultdict

from benchmarks.simulator.clock import HOUR, SECOND
from benchmarks.simulator.emitters import EMITTERS
from benchmarks.simulator.records import Batch, Entry
from benchmarks.simulator.streams import stream
from benchmarks.simulator.world import World


def cut(world: World) -> None:
    """Make the files of all feeds, with when each is delivered."""
    for feed, shape in world.parameters.feeds.items():
        emitter = EMITTERS[feed]
        by_node: dict[int, list[Entry]] = defaultdict(list)
        for usage in world.usages:
            if usage.feed == feed and usage.written:
                for entry in emitter.pieces(usage):
                    by_node[entry.node].append(entry)
        for node in range(shape.nodes):
            _files_of(world, feed, node, by_node[node])


def _files_of(world: World, feed: str, node: int, entries: list[Entry]) -> None:
    emitter, shape, run = EMITTERS[feed], world.parameters.feeds[feed], world.parameters.run
    entries.sort(
        key=lambda entry: (
            entry.at_us,
            entry.usage.start_us,
            entry.usage.served,
            entry.usage.number,
        )
    )
    chance = stream(world.seed, "numbers", feed, node)
    first_record, number = chance.randrange(10_000, 90_000), chance.randrange(100, 900)
    windows: dict[int, list[Entry]] = defaultdict(list)
    for place, entry in enumerate(entries):
        entry.number = first_record + place
        entry.text = emitter.text(entry)
        windows[(entry.at_us - run.begin_us) // (shape.period_hours * HOUR)].append(entry)
    # files reach past the end of the run, for what had not ended then
    last = max([run.days * 24 // shape.period_hours - 1, *windows])
    for window in range(last + 1):
        late = stream(world.seed, "late", feed, node, window)
        delay_s = min(round(shape.late_s * math.exp(late.gauss(0, 0.5))), shape.grace_s * 3 // 4)
        if not windows[window] and not emitter.writes_empty:
            continue
        opens = run.begin_us + window * shape.period_hours * HOUR
        closes = opens + shape.period_hours * HOUR
        made = Batch(feed, node, number, opens, closes, closes + delay_s * SECOND, windows[window])
        world.batches.append(made)
        number += 1
