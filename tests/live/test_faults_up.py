"""`tallywire up`: ended and killed at random moments, its groups split and moved, usage arriving."""

import random
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from dataflows.exits import Exit
from dataflows.groups import COLLECTION, RATING
from tests.live.broker import Broker
from tests.live.commands import tallywire
from tests.live.streams import Quiet, StreamHome, check_whole, database, until
from tests.live.up import Up, until_gone

pytestmark = [pytest.mark.live, pytest.mark.store]

END_S = 30


@contextmanager
def _arriving(home: StreamHome, usage: list[bytes], seconds: int) -> Iterator[None]:
    """Send usage bit by bit, beside what else happens; all of it is sent at the end."""
    hurry = threading.Event()

    def run() -> None:
        share, sent = -(-len(usage) // seconds), 0
        while not hurry.wait(1):
            home.produce(usage[sent : sent + share])
            sent += share
        home.produce(usage[sent:])

    thread = threading.Thread(target=run)
    thread.start()
    try:
        yield
    finally:
        hurry.set()
        thread.join()


def _works(up: Up, *groups: str) -> None:
    """Wait until groups run and have done something."""
    for group in groups:
        until(lambda group=group: up.pid(group) > 0, f"{group} runs; {up.said()}")  # type: ignore[misc]
        counted = "collected" if group.startswith(COLLECTION) else "batches"
        until(
            lambda group=group, counted=counted: up.figures(group).get(counted, 0) > 0,  # type: ignore[misc]
            f"{group} works; {up.said()}",
        )


def test_ended_and_killed_at_random_moments(
    server: tuple[Path, Any], broker: Broker, quiet: Quiet, tmp_path: Path
) -> None:
    """SIGTERM gives exit code 0; behind kill -9 its processes end by themselves."""
    store = database(server, "test_up_ended")
    chance = random.Random(12)
    with (
        StreamHome(tmp_path, store, broker, "up-ended") as home,
        Up(home, collection_rows=100, rating_rows=150) as up,
    ):
        home.create_topics()
        told = []
        with _arriving(home, quiet.usage, 60):
            for how in ("end", "kill", "end", "kill"):
                up.start()
                _works(up, COLLECTION, RATING)
                time.sleep(chance.random())
                if how == "end":
                    assert up.end() == Exit.DONE, up.said()
                    continue
                began = time.monotonic()
                until_gone(up.kill(), END_S)
                told.append(f"{time.monotonic() - began:.1f} s")
        home.finish()
        print(f"\nchildren of a killed supervisor ended in {told}; "  # noqa: T201
              f"{check_whole(home, quiet.expected)}")  # fmt: skip


def test_rating_is_split_while_usage_arrives(
    server: tuple[Path, Any], broker: Broker, quiet: Quiet, tmp_path: Path
) -> None:
    store = database(server, "test_up_split")
    with (
        StreamHome(tmp_path, store, broker, "up-split") as home,
        Up(home, collection_rows=100, rating_rows=150) as up,
    ):
        home.create_topics()
        with _arriving(home, quiet.usage, 40):
            up.start()
            _works(up, COLLECTION, RATING)
            made = _lanes(up, "split", RATING)
            assert "rating-2: " in made
            _works(up, RATING, "rating-2")
        home.arrived(len(quiet.usage))
        assert up.end() == Exit.DONE
        check_whole(home, quiet.expected)


def _lanes(up: Up, *arguments: object) -> str:
    made = tallywire("lanes", *arguments, "--home", up.root, **up.environment())
    assert made.returncode == 0, made.stderr
    return made.stdout


def test_groups_are_split_and_moved_to_another_home_while_usage_arrives(
    server: tuple[Path, Any], broker: Broker, quiet: Quiet, tmp_path: Path
) -> None:
    """Usage log on Kafka: a part of rating, then a part of collection, live elsewhere."""
    store = database(server, "test_up_moved")
    with StreamHome(tmp_path, store, broker, "up-moved", log="kafka") as home:
        home.create_topics()
        sizes = {"collection_rows": 100, "rating_rows": 150}
        other = tmp_path / "other"
        with (
            Up(home, **sizes) as up, Up(home, root=other, **sizes) as there,
            _arriving(home, quiet.usage, 60),
        ):  # fmt: skip
            up.start()
            _works(up, COLLECTION, RATING)
            for group in (RATING, COLLECTION):
                _lanes(up, "split", group)
                _works(up, f"{group}-2")
            _lanes(up, "move", "rating-2", "--to", other)
            there.start("work", "rating-2")
            _works(there, "rating-2")
            assert up.pid("rating-2") == 0
            until(lambda: not up.services().get("rating-2"), "the group is left alone here")
            home.arrived(len(quiet.usage))
            assert there.end() == Exit.DONE
            assert up.end() == Exit.DONE
        check_whole(home, quiet.expected)
