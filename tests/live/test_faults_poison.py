"""A record at which a rule crashes, or its process dies: its lane is put aside, the others go on."""

from pathlib import Path
from typing import Any

import orjson
import pytest

from dataflows.exits import Exit
from tests.live.broker import Broker
from tests.live.commands import tallywire
from tests.live.plugs import POISONED, planted
from tests.live.streams import Quiet, StreamHome, check_whole, database, order_free, until
from tests.live.up import Up

pytestmark = [pytest.mark.live, pytest.mark.store]

AFTER = 2


def _poisoned(record: bytes) -> bytes:
    """Mark a record, such that it is worked as before once the rule is cured."""
    content = orjson.loads(record)
    return orjson.dumps({**content, "comment": POISONED})


@pytest.mark.parametrize("harm", ["poison_raises", "poison_kills", "poison_exits"])
def test_a_lane_is_put_aside_and_goes_on_after_the_cure(
    server: tuple[Path, Any], broker: Broker, quiet: Quiet, tmp_path: Path, harm: str
) -> None:
    """Raised, killed by a fault of memory, or ended without a word: each is found."""
    store = database(server, f"test_{harm}")
    name = harm.replace("_", "-")
    usage = list(quiet.usage[:3_000])
    usage[1_500] = _poisoned(usage[1_500])
    with StreamHome(tmp_path, store, broker, name) as home:
        home.create_topics()
        home.produce(usage)
        plugs = planted(tmp_path / "plugs", harm)
        with Up(home, plugs, quarantine_after=AFTER, collection_rows=200) as up:
            up.start()
            until(lambda: _aside(up, home), f"a lane that is put aside; {up.said()}")
            [bad] = [lane for lane in home.lanes if up.lane(lane)["quarantined"]]
            [good] = [lane for lane in home.lanes if lane != bad]
            until(lambda: up.lane(good)["lag_events"] == 0, "the other lane goes on")
            assert up.lane(bad)["crashes"] == AFTER
            [told] = [one for one in up.status()["lanes"] if one["lane"] == bad]
            assert told["quarantined"] is True
            status, text = up.page("/ready")
            assert status == 503
            assert f"tallywire lanes release {bad}" in text
            _, text = up.page("/metrics")
            told_of = [line for line in text.splitlines() if f'lane="{bad}"' in line]
            assert any(
                line.startswith("tallywire_lane_quarantined{") and line.endswith(" 1.0")
                for line in told_of
            ), told_of
            assert up.end() == Exit.DONE
        released = tallywire("lanes", "release", bad, "--home", home.home)
        assert released.returncode == 0, released.stderr
        home.finish()  # the rule is cured
        found = order_free(store.client())
        print(f"\n{harm}: {check_whole(home, found)}")  # noqa: T201
        ((collected, *_),) = found["fates"]  # type: ignore[misc]
        assert collected == len(usage)


def _aside(up: Up, home: StreamHome) -> bool:
    return any(up.lane(lane)["quarantined"] for lane in home.lanes)
