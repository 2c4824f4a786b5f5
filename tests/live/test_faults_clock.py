"""The wall clock jumps while a worker works: nothing is lost or doubled, and nothing rests."""

import shutil
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import orjson
import pytest

from dataflows.groups import COLLECTION, RATING, account_lanes
from dataflows.ledger import read_ledger
from dataflows.settings import Home
from dataflows.wall_clock import BACK_S, watch
from tests.live.broker import Broker
from tests.live.streams import Quiet, StreamHome, check_whole, database, order_free

pytestmark = [pytest.mark.live, pytest.mark.store]

_HOUR_US = 3_600_000_000
_LIBRARIES = (
    "/usr/lib/*/faketime/libfaketimeMT.so.1",
    "/usr/local/lib/faketime/libfaketimeMT.so.1",
)


def _library() -> Path:
    """Find the library that moves a process's clock, or skip."""
    for pattern in _LIBRARIES:
        for path in Path("/").glob(pattern.lstrip("/")):
            return path
    pytest.skip("no libfaketime (Debian: faketime)")


class Clock:
    """A clock that processes read, and a test moves."""

    def __init__(self, folder: Path) -> None:
        self._file = folder / "clock"
        self.move("+0")
        self.environment = {
            "LD_PRELOAD": str(_library()), "FAKETIME_TIMESTAMP_FILE": str(self._file),
            "FAKETIME_CACHE_DURATION": "1", "FAKETIME_DONT_FAKE_MONOTONIC": "1",
        }  # fmt: skip

    def move(self, by: str) -> None:
        """Move it, such as by `-2h` or `+2d`, from what it truly is."""
        draft = self._file.with_name("clock.draft")
        draft.write_text(by)
        shutil.move(draft, self._file)


def _event(number: int, moment: datetime) -> bytes:
    return orjson.dumps(
        {
            "specversion": "1.0", "type": "api.call", "source": "fjordline/platform",
            "id": f"f-{number}", "time": moment.strftime("%Y-%m-%dT%H:%M:%SZ"),
            "subject": "appverk", "data": {"path": "/v1/locate"},
        }
    )  # fmt: skip


def test_jumps_of_the_clock_change_nothing_but_ledger_times(
    server: tuple[Path, Any], broker: Broker, quiet: Quiet, tmp_path: Path
) -> None:
    store = database(server, "test_clock")
    ahead = [_event(number, datetime.now(UTC) + timedelta(hours=30)) for number in range(2)]
    with StreamHome(tmp_path, store, broker, "clock", partitions=2, executes=True) as home:
        clock = Clock(tmp_path)
        home.environment = dict(clock.environment)
        clock.move("+3h")  # so that a step back stays behind the catalogue's first use
        home.create_topics()
        for role in (COLLECTION, RATING):
            home.start(role, collection_rows=300, rating_rows=300)
        sent = 0
        for number, by in enumerate(["+3h", "+1h", "+2d", "+30m"]):
            clock.move(by)
            share = quiet.usage[number * 1_000 : (number + 1) * 1_000]
            share += [ahead[0]] if number == 0 else [ahead[1]] if number == 2 else []
            home.produce(share)
            sent += len(share)
            home.arrived(sent)
            time.sleep(0.2)
        home.environment = {}
        home.finish()
        found = order_free(store.client())
        check_whole(home, found)
        ((collected, *_),) = found["fates"]  # type: ignore[misc]
        assert collected == sent
        future = (
            store.client()
            .query(
                "SELECT count() FROM suspense_events WHERE reason = 'time_in_future' AND change > 0"
            )
            .result_rows[0][0]
        )
        assert future == 1  # judged by ledger time: the second came when the clock was ahead
        times = [
            entry.ledgered_at
            for lane in account_lanes(home.settings())
            for entry in read_ledger(Home(home.home).lane(RATING, lane) / "ledger").entries
        ]
        assert max(times) - min(times) > 40 * _HOUR_US


def test_only_a_clock_that_is_set_back_is_acted_on(monkeypatch: pytest.MonkeyPatch) -> None:
    moved, acted = [0.0], list[float]()
    monkeypatch.setattr("dataflows.wall_clock.offset", lambda: moved[0])
    thread = watch(lambda: acted.append(moved[0]), look_s=0.001)
    for place in (1.0, 1.0 + 86_400.0, 86_400.0 - BACK_S / 2):
        moved[0] = place
        time.sleep(0.05)
        assert thread.is_alive()
    moved[0] = 86_400.0 - BACK_S - 1
    thread.join(10)
    assert acted == [moved[0]]
