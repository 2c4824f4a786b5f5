"""A simulation of lanes: how many processes and store shards a rate of events needs, and why.

Time goes in steps. Usage arrives for accounts, a few of them far busier than the rest, and each
account belongs to one lane. A process owns lanes and works one batch at a time: a batch costs a
fixed time and a time for each event. Inserts go to the store shard of the lane, while the process
rates the next batch: an insert costs a fixed time and a time for each row. A batch leaves its lane when it
is full or has waited for long enough. The costs are measured ones (`benchmarks/results`).
"""

import json
import random
import sys
from collections import deque
from dataclasses import asdict, dataclass, field, replace

_STEP_S = 0.01


@dataclass(frozen=True)
class Costs:
    """Measured costs on one core: by `python -m benchmarks streaming`, see docs/concepts/scale.md.

    Attributes:
        collect_event_us, rate_event_us: Work on one event, microseconds.
        collect_batch_ms, rate_batch_ms: Fixed work on one batch, milliseconds.
        insert_row_us, insert_ms: The store's work on one row and on one insert, merges included.
    """

    collect_event_us: float = 8.3
    rate_event_us: float = 3.6
    collect_batch_ms: float = 27.0
    rate_batch_ms: float = 80.0
    insert_row_us: float = 8.7
    insert_ms: float = 150.0


@dataclass(frozen=True)
class Plan:
    """What is simulated.

    Attributes:
        rate: Events a second.
        lanes: Partitions of the usage log.
        collectors, raters: Processes of each kind, a core each.
        shards: Store shards, each with `shard_cores` cores for inserts and merges.
        busiest: Part of all usage that the busiest account has.
    """

    rate: int
    lanes: int = 64
    collectors: int = 1
    raters: int = 1
    shards: int = 1
    shard_cores: int = 1
    accounts: int = 100_000
    busiest: float = 0.001
    linger_s: float = 0.25
    most_rows: int = 131_072
    seconds: float = 60.0
    seed: int = 1


@dataclass
class Server:
    """Something that does one thing after another.

    Attributes:
        free: When it is free again, seconds.
        busy: Seconds it has worked.
    """

    free: float = 0.0
    busy: float = 0.0

    def work(self, now: float, cost: float) -> float:
        """Take something; give when it is done."""
        begun = max(now, self.free)
        self.free, self.busy = begun + cost, self.busy + cost
        return self.free


@dataclass
class Lane:
    """Events that wait, as (how many, since when).

    Attributes:
        opened: When the first of them came into the lane.
    """

    waiting: deque[tuple[float, float]] = field(default_factory=deque)
    rows: float = 0.0
    opened: float = 0.0

    def put(self, events: float, since: float, now: float) -> None:
        if not self.waiting:
            self.opened = now
        self.waiting.append((events, since))
        self.rows += events

    def take(self, most: float, now: float) -> list[tuple[float, float]]:
        found, taken = [], 0.0
        while self.waiting and taken < most:
            events, since = self.waiting.popleft()
            part = min(events, most - taken)
            if part < events:
                self.waiting.appendleft((events - part, since))
            found.append((part, since))
            taken += part
        self.rows -= taken
        self.opened = now
        return found


def weights(plan: Plan) -> list[float]:
    """Share of all usage that each lane has: accounts by Zipf's law, spread over lanes by chance."""
    chance = random.Random(plan.seed)
    busiest, rest = plan.busiest, 1.0 - plan.busiest
    tail = [1.0 / rank for rank in range(2, plan.accounts + 1)]
    scale = rest / sum(tail)
    shares = [0.0] * plan.lanes
    for share in (busiest, *(min(busiest, one * scale) for one in tail)):
        shares[chance.randrange(plan.lanes)] += share
    total = sum(shares)
    return [share / total for share in shares]


def simulate(plan: Plan, costs: Costs) -> dict[str, float | str]:
    """Run a plan; the first quarter of it does not count for waits.

    Returns:
        Utilisation of the busiest process of each kind and of the busiest shard, waits from arrival
        to row, what is left behind, and what is busiest.
    """
    lanes = [Lane() for _ in range(plan.lanes)]
    shares = weights(plan)
    collectors = [Server() for _ in range(plan.collectors)]
    raters = [Server() for _ in range(plan.raters)]
    cores = [[Server() for _ in range(plan.shard_cores)] for _ in range(plan.shards)]
    pending = [deque[tuple[float, float, float]]() for _ in lanes]
    inserting = [deque[float]() for _ in range(plan.raters)]
    waits: list[tuple[float, float]] = []
    now = 0.0
    while now < plan.seconds:
        now += _STEP_S
        for number, share in enumerate(shares):
            events = plan.rate * share * _STEP_S
            process = collectors[number % plan.collectors]
            pending[number].append((_collected(plan, costs, process, now, events), events, now))
            while pending[number] and pending[number][0][0] <= now:
                _, arrived, since = pending[number].popleft()
                lanes[number].put(arrived, since, now)
        for number, lane in sorted(enumerate(lanes), key=lambda one: one[1].opened):
            rater = number % plan.raters
            ripe = lane.waiting and now - lane.opened >= plan.linger_s
            if not ripe and lane.rows < plan.most_rows:
                continue
            while inserting[rater] and inserting[rater][0] <= now:
                inserting[rater].popleft()
            if raters[rater].free > now or len(inserting[rater]) > 1:
                continue
            taken = lane.take(plan.most_rows, now)
            rows = sum(events for events, _ in taken)
            rated = raters[rater].work(
                now, costs.rate_batch_ms / 1e3 + rows * costs.rate_event_us / 1e6
            )
            shard = min(cores[number % plan.shards], key=lambda one: one.free)
            done = shard.work(rated, costs.insert_ms / 1e3 + rows * costs.insert_row_us / 1e6)
            inserting[rater].append(done)
            if now > plan.seconds / 4:
                waits += [(done - since, events) for events, since in taken]
    return _figures(plan, lanes, (collectors, raters, [one for row in cores for one in row]), waits)


def _collected(plan: Plan, costs: Costs, process: Server, now: float, events: float) -> float:
    """Tell when events that arrive now are in the usage log."""
    cost = events * costs.collect_event_us / 1e6
    cost += costs.collect_batch_ms / 1e3 * _STEP_S / plan.linger_s
    return process.work(now, cost) + plan.linger_s


def _figures(
    plan: Plan,
    lanes: list[Lane],
    servers: tuple[list[Server], list[Server], list[Server]],
    waits: list[tuple[float, float]],
) -> dict[str, float | str]:
    names = ("collection", "rating", "store")
    used = {
        name: max(one.busy for one in found) / plan.seconds
        for name, found in zip(names, servers, strict=True)
    }
    waits.sort()
    total, seen, p50, p99 = sum(events for _, events in waits), 0.0, 0.0, 0.0
    for wait, events in waits:
        seen += events
        p50 = wait if seen <= total * 0.5 else p50
        p99 = wait if seen <= total * 0.99 else p99
    return {
        **{name: round(value, 2) for name, value in used.items()},
        "p50_s": round(p50, 2), "p99_s": round(p99, 2),
        "behind": round(sum(lane.rows for lane in lanes) / plan.rate, 2),
        "breaks_first": max(used, key=lambda name: used[name]),
    }  # fmt: skip


_MILLION = Plan(
    1_000_000, collectors=16, raters=8, shards=4, shard_cores=4, linger_s=1.0, accounts=1_000_000
)
PLANS = {
    "20 thousand, two processes": Plan(20_000, lanes=1),
    "80 thousand, two processes": Plan(80_000, lanes=1, linger_s=1.0),
    "10 billion a day, at three times its mean": Plan(
        350_000, lanes=32, collectors=6, raters=3, shards=2, shard_cores=4, linger_s=1.0
    ),
    "1 million": _MILLION,
    "1 million, a quarter of it of one account": replace(_MILLION, busiest=0.25),
    "1 million, one shard": replace(_MILLION, shards=1),
    "1 million, batches of a quarter second": replace(_MILLION, linger_s=0.25),
}


def main(costs: Costs) -> None:
    """Print what each plan comes to."""
    for name, plan in PLANS.items():
        made = simulate(replace(plan, seconds=20.0), costs)
        print(json.dumps({"plan": name, **asdict(plan), **made}), flush=True)


if __name__ == "__main__":
    main(Costs(**json.loads(sys.argv[1])) if len(sys.argv) > 1 else Costs())
