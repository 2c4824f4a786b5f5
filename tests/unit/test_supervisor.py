"""The supervisor with real processes: started in order, restarted, drained, ended with it."""

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import pytest

from dataflows import stop
from dataflows.exits import Exit
from dataflows.one_log import OneLog
from dataflows.settings import Home
from dataflows.supervisor import Service, Supervisor

PATIENCE_S = 20.0
RUN = "import signal, sys; signal.signal(signal.SIGTERM, lambda *_: sys.exit(0)); "


class House:
    """A supervisor in a thread, and what it is to run."""

    def __init__(self, root: Path) -> None:
        self.root, self.home = root, Home(root)
        self.wanted: list[Service] = []
        self.told: list[str] = []
        self._log = OneLog(root / "log")
        self.code = -1
        self._thread = threading.Thread(target=self._run, daemon=True)

    def _run(self) -> None:
        supervisor = Supervisor(self.home, lambda: self.wanted, self._log, self.told.append)
        self.code = supervisor.run()

    def start(self, *services: Service) -> None:
        self.wanted = list(services)
        stop._stopping.clear()
        self._thread.start()

    def end(self) -> int:
        stop._stopping.set()
        self._thread.join(PATIENCE_S)
        self._log.close()
        return self.code

    def seen(self, name: str) -> dict[str, object]:
        try:
            content = json.loads((self.home.progress / "supervisor.json").read_text())
        except FileNotFoundError:
            return {}
        found: dict[str, object] = content["processes"].get(name, {})
        return found

    def events(self) -> list[tuple[str, str]]:
        lines = [json.loads(line) for line in (self.root / "log").read_text().splitlines()]
        return [(line["role"], line["event"]) for line in lines]


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    made = House(tmp_path)
    yield made
    made.end()
    stop._stopping.clear()


def _await(found: Callable[[], object]) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while not found():
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.02)


def _service(name: str, code: str, rank: int = 0, stamp: str = "", **more: float) -> Service:
    command: Sequence[str] = (sys.executable, "-c", RUN + code)
    return Service(name, command, rank, stamp, patience_s=more.get("patience_s", 5.0))


def test_services_start_in_order_and_end_the_other_way_round(house: House) -> None:
    wait = "print('up', flush=True); signal.pause()"
    house.start(_service("b", wait, 2), _service("a", wait, 1))
    _await(lambda: {("a", "up"), ("b", "up")} <= set(house.events()))
    assert house.end() == Exit.DONE
    events = [pair for pair in house.events() if pair[1] in {"started", "stopped"}]
    assert events == [("a", "started"), ("b", "started"), ("b", "stopped"), ("a", "stopped")]


def test_what_is_killed_is_started_again_carefully(house: House) -> None:
    code = "import os; print('careful', os.environ.get('TALLYWIRE_CAREFUL'), flush=True); signal.pause()"
    house.start(_service("a", code))
    _await(lambda: ("a", "careful None") in house.events())
    os.kill(int(str(house.seen("a")["pid"])), signal.SIGKILL)
    _await(lambda: ("a", "careful 1") in house.events())
    assert house.seen("a")["restarts"] == 1
    assert "it was ended by SIGKILL" in house.told[0]


def test_what_ends_again_and_again_is_started_less_and_less_often(house: House) -> None:
    house.start(_service("a", "sys.exit('the port is in use')"))
    _await(lambda: house.seen("a").get("restarts") == 2)
    assert any("the port is in use" in text for text in house.told)
    pauses = [
        text.split("again in ")[1].split(":")[0]
        for text in house.told
        if "started again in" in text
    ]
    assert pauses[:2] == ["0.5 s", "1 s"]


def test_damaged_state_is_not_tried_again_and_the_others_go_on(house: House) -> None:
    wait = "print('up', flush=True); signal.pause()"
    house.start(_service("bad", f"sys.exit({int(Exit.DAMAGED)})"), _service("good", wait))
    _await(lambda: house.seen("bad").get("state") == "failed")
    assert house.seen("good")["state"] == "running"
    assert house.end() == Exit.INCOMPLETE


def test_a_service_with_another_stamp_is_started_anew_and_an_unwanted_one_ended(
    house: House,
) -> None:
    wait = "print('up', flush=True); signal.pause()"
    house.start(_service("a", wait, stamp="1"), _service("b", wait))
    _await(lambda: house.seen("b").get("pid"))
    first = house.seen("a")["pid"]
    house.wanted = [_service("a", wait, stamp="2")]
    _await(lambda: house.seen("a").get("pid") not in {None, 0, first})
    _await(lambda: house.seen("b") == {})


def test_who_does_not_end_in_time_is_killed(house: House) -> None:
    deaf = "signal.signal(signal.SIGTERM, signal.SIG_IGN); print('up', flush=True); signal.pause()"
    house.start(_service("deaf", deaf, patience_s=0.3))
    _await(lambda: ("deaf", "up") in house.events())
    assert house.end() == Exit.DONE
    assert any("was killed" in text for text in house.told)


def test_children_end_with_their_supervisor(tmp_path: Path) -> None:
    child = (
        "from warehouse.parent import end_with_parent; import os, time; end_with_parent(); "
        f"open({str(tmp_path / 'pid')!r}, 'w').write(str(os.getpid())); time.sleep(60)"
    )
    parent = (
        "import os, subprocess, sys, time; "
        f"subprocess.Popen([sys.executable, '-c', {child!r}], "
        "env={**os.environ, 'TALLYWIRE_SUPERVISED_BY': str(os.getpid())}); time.sleep(60)"
    )
    process = subprocess.Popen([sys.executable, "-c", parent])
    _await(lambda: (tmp_path / "pid").exists() and (tmp_path / "pid").read_text())
    number = int((tmp_path / "pid").read_text())
    process.kill()
    process.wait()
    _await(lambda: not Path(f"/proc/{number}").exists())
