"""Kill workers, broker and store hundreds of times while usage arrives; compare what is left.

Rounds take turns between the usage log on the spool and on Kafka. After each, charges are held
against the rulebook over the usage log, and fates against an uninterrupted run. Exit code 1 when
anything differs.
"""

import argparse
import random
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from rich.console import Console
from rich.table import Table

from dataflows.groups import COLLECTION, RATING
from tests.conftest import Store
from tests.live.broker import Broker
from tests.live.streams import StreamHome, check_whole, database, order_free, sizes, usage_of
from warehouse.configuration import ServerPlan
from warehouse.server import Running, free_port, start

KINDS = {
    "collection": 30, "rating": 30, "workers": 12, "broker": 4, "broker and worker": 4,
    "store": 4, "store and worker": 4, "store and broker": 2,
}  # fmt: skip
"""What is killed at once, and how often in about a hundred."""

PER_ROUND = 25
EVENTS = 12_000


@dataclass
class World:
    """Everything that can be killed besides workers."""

    broker: Broker
    plan: ServerPlan
    running: Running
    chance: random.Random
    away_s: float

    def database(self, name: str) -> Store:
        """Make an empty database."""
        return database((self.plan.home, self.running), name)

    def harm(self, kind: str, away_s: float) -> None:
        """Kill broker or store, or both, and bring them back after a while."""
        if "store" in kind:
            self.running.process.kill()
        if "broker" in kind:
            self.broker.kill()
        self.running.process.poll()
        time.sleep(away_s)
        if "broker" in kind:
            self.broker.start()
        if "store" in kind:
            self.running.process.wait()
            self.running = start(self.plan)


@dataclass
class Round:
    """What happened in one round.

    Attributes:
        difference: What was not as it should be; empty where all was.
    """

    log: str
    kills: Counter[str] = field(default_factory=Counter)
    rows: int = 0
    seconds: float = 0.0
    difference: str = ""


def _wait(home: StreamHome, roles: Sequence[str]) -> None:
    """Wait until workers have done something since they were started."""
    deadline = time.monotonic() + 300
    while not all(home.progressed(role) for role in roles):
        for role in roles:
            assert home.alive(role), home.said(role)
        assert time.monotonic() < deadline, f"{roles} make no progress: {home.said(roles[0])}"
        time.sleep(0.005)


def _cycle(world: World, home: StreamHome, share: Sequence[bytes], *, long: bool) -> str:
    """Send some usage, wait for progress, and kill something."""
    home.produce(share)
    for role in (COLLECTION, RATING):
        if not home.alive(role):
            home.start(role, **sizes(world.chance))
    kind = "broker" if long else world.chance.choices([*KINDS], [*KINDS.values()])[0]
    worker = world.chance.choice([COLLECTION, RATING])
    roles = {"collection": [COLLECTION], "rating": [RATING], "workers": [COLLECTION, RATING]}.get(
        kind, [worker] if "worker" in kind else []
    )
    _wait(home, roles or [COLLECTION])
    time.sleep(world.chance.random() * 0.3)
    home.kill(*roles)
    if "broker" in kind or "store" in kind:
        world.harm(kind, world.away_s if long else world.chance.random() * 2)
    return kind


def _round(world: World, number: int, cycles: int, usage: list[bytes],
           expected: dict[str, object], root: Path) -> Round:  # fmt: skip
    made = Round(["spool", "kafka"][number % 2])
    began = time.monotonic()
    store = world.database(f"test_soak_{number}")
    share = -(-len(usage) // cycles)
    with StreamHome(
        root / f"round-{number}", store, world.broker, f"soak-{number}", log=made.log,
        more={"store_patience_s": 300},
    ) as home:  # fmt: skip
        home.create_topics()
        try:
            for cycle in range(cycles):
                part = usage[cycle * share : (cycle + 1) * share]
                long = world.away_s > 0 and cycle == cycles // 2 and number < 2
                made.kills[_cycle(world, home, part, long=long)] += 1
            home.store = Store(store.home, store.database, world.running)
            home.finish()
            check_whole(home, expected)
        except AssertionError as error:
            made.difference = str(error).strip().splitlines()[0][:200] or "see the log"
        rows = store.client().query("SELECT count() FROM rated_events").result_rows
        made.rows = int(rows[0][0])
    made.seconds = time.monotonic() - began
    return made


def _quiet(world: World, usage: list[bytes], root: Path) -> dict[str, object]:
    store = world.database("test_soak_quiet")
    with StreamHome(root / "quiet", store, world.broker, "soak-quiet", raw=1, partitions=1) as home:
        home.create_topics()
        home.produce(usage)
        home.finish()
        found = order_free(store.client())
        check_whole(home, found)
    return found


def _told(rounds: Sequence[Round], first: int = 0) -> Table:
    table = Table(title="Faults survived")
    for name in ("round", "usage log", "cycles", "kills", "rows", "seconds", "difference"):
        table.add_column(name)
    for number, made in enumerate(rounds, first):
        kills = ", ".join(f"{kind} {count}" for kind, count in sorted(made.kills.items()))
        table.add_row(
            str(number), made.log, str(made.kills.total()), kills, str(made.rows),
            f"{made.seconds:.0f}", made.difference or "none",
        )  # fmt: skip
    total = sum((made.kills for made in rounds), Counter[str]())
    table.add_section()
    kills = ", ".join(f"{kind} {count}" for kind, count in sorted(total.items()))
    table.add_row("all", "", str(total.total()), kills, str(sum(made.rows for made in rounds)))
    return table


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.soak", description=__doc__)
    parser.add_argument("--cycles", type=int, default=200, help="kills at least")
    parser.add_argument("--minutes", type=float, default=0, help="go on for so long at least")
    parser.add_argument("--away", type=float, default=60, help="one long outage, seconds; 0: none")
    parser.add_argument("--seed", type=int, default=1, help="of chance")
    return parser.parse_args()


def main() -> int:
    """Run rounds until there were enough kills, and time; tell what came of it."""
    wanted, console = _arguments(), Console()
    with tempfile.TemporaryDirectory(prefix="soak-") as folder:
        root = Path(folder)
        broker = Broker(root / "kafka", free_port(), free_port())
        broker.start()
        plan = ServerPlan(root / "store", free_port(), free_port(), database="test*")
        world = World(broker, plan, start(plan), random.Random(wanted.seed), wanted.away)
        rounds: list[Round] = []
        began = time.monotonic()
        try:
            usage = usage_of(root / "platform", EVENTS, seed=wanted.seed)
            expected = _quiet(world, usage, root)
            while (done := sum(made.kills.total() for made in rounds)) < wanted.cycles or (
                time.monotonic() - began < 60 * wanted.minutes
            ):
                left = wanted.cycles - done
                cycles = min(PER_ROUND, left) if left > 0 else PER_ROUND
                rounds.append(_round(world, len(rounds), cycles, usage, expected, root))
                console.print(_told(rounds[-1:], len(rounds) - 1))
        finally:
            world.running.stop()
            broker.stop()
    console.print(_told(rounds))
    return int(any(made.difference for made in rounds))


if __name__ == "__main__":
    sys.exit(main())
