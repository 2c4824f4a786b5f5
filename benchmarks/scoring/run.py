"""One run: usage is made, delivered step by step by the simulated clock, rated, and read again."""

import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from benchmarks.scoring.match import DAY_US, Found
from benchmarks.simulator.parameters import read
from tests.live.plugs import CLOCK, planted
from warehouse.client import connect
from warehouse.configuration import ServerPlan
from warehouse.server import free_port, start

_ALERTS = """
SELECT pattern, feed_id, entity_id,
    toUnixTimestamp64Micro(ifNull(window_start, detected_at - INTERVAL 4 DAY)),
    toUnixTimestamp64Micro(ifNull(window_end, detected_at)),
    toUnixTimestamp64Micro(detected_at), toString(ifNull(money_at_risk, 0))
FROM alerts FINAL ORDER BY detected_at, alert_id
"""


@dataclass(frozen=True)
class Outcome:
    """What a run came to.

    Attributes:
        commitment: Hash of seed, parameters and simulator, printed before the run and after it.
        lacking: Records whose fate is not known.
    """

    alerts: list[Found]
    faults: list[dict[str, Any]]
    hard: list[dict[str, Any]]
    days: int
    commitment: str
    lacking: int
    seconds: float


def run(seed: int, parameters: Path | None, folder: Path, step_hours: int) -> Outcome:
    """Make, deliver and rate usage; make the truth only when the product has ended."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    commitment = _simulated("usage", seed, parameters, folder)
    began = time.monotonic()
    home = folder / "home"
    running = start(ServerPlan((home / "store").resolve(), free_port(), free_port()))
    try:
        clock = folder / "clock"
        environment = {**planted(folder / "plugs", "moving_clock"), CLOCK: str(clock)}
        days = _delivered(folder, home, step_hours, clock, environment)
        _reconciled(folder, home, environment)
        client = connect("", home / "store", database="tallywire")
        alerts = [Found(*row) for row in client.query(_ALERTS).result_rows]
        [(lacking,)] = client.query("SELECT sum(abs(difference)) FROM v_conservation").result_rows
    finally:
        running.stop()
    seconds = time.monotonic() - began
    again = _simulated("truth", seed, parameters, folder)
    if again != commitment:
        msg = f"seed {seed}: the simulator changed between usage ({commitment}) and truth ({again})"
        raise SystemExit(msg)
    truth = folder / "truth"
    # behind the end of a run everything is silent, and no alert says anything new
    within = [one for one in alerts if one.first_us < read(parameters).run.end_us]
    return Outcome(
        within, _lines(truth / "injections.jsonl"), _lines(truth / "hard_negatives.jsonl"), days,
        commitment, int(lacking), seconds,
    )  # fmt: skip


def _simulated(what: str, seed: int, parameters: Path | None, folder: Path) -> str:
    command = [sys.executable, "-m", "benchmarks.simulator", what, "--seed", f"{seed}"]
    command += ["--out", str(folder)] + (["--params", str(parameters)] if parameters else [])
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    return done.stdout.strip().splitlines()[-1]


def _delivered(
    folder: Path, home: Path, step_hours: int, clock: Path, environment: Mapping[str, str]
) -> int:
    """Deliver files a step at a time, each rated at the end of its step; give the days."""
    inbox, first = folder / "inbox", True
    moments = []
    for end_us, files in _steps(folder / "delivery.jsonl", step_hours):
        for name in files:
            (inbox / name).parent.mkdir(parents=True, exist_ok=True)
            os.link(folder / "usage" / name, inbox / name)
        clock.write_text(f"{end_us / 1e6 - time.time()}")
        command = [sys.executable, "-m", "cli.main", "run", "--home", str(home), "--quiet"]
        command += ["--catalog", str(folder / "catalog")] if first else []
        done = subprocess.run(
            [*command, str(inbox)], env={**os.environ, **environment}, capture_output=True,
            text=True, check=False,
        )  # fmt: skip
        if done.returncode not in {0, 3}:
            msg = f"the run at {end_us} ended with {done.returncode}: {done.stderr[-2_000:]}"
            raise SystemExit(msg)
        first = False
        moments.append(end_us)
    return max(1, (moments[-1] - moments[0]) // DAY_US)


def _reconciled(folder: Path, home: Path, environment: Mapping[str, str]) -> None:
    """Hold catalogue and usage against all that others say, over the whole run."""
    side, delivered = folder / "side", _lines(folder / "delivery.jsonl")
    lists = sorted(one.stem for one in (side / "subscriptions").glob("*.csv"))
    booked = [
        "--from",
        delivered[0]["delivered_at"][:10],
        "--to",
        delivered[-1]["delivered_at"][:10],
    ]
    days = ["--from", lists[0], "--to", lists[-1]]
    for name in ("price_book.csv", "wholesale_cost.csv"):
        _held("book", [*booked, side / name], home, environment)
    calls: dict[str, list[Path]] = {}
    for one in sorted((side / "partner_calls").glob("*.csv")):
        calls.setdefault(one.stem.rpartition("_")[0], []).append(one)
    for carrier, files in calls.items():
        _held("partner", ["--partner", carrier, *days, *files], home, environment)
    _held("subscriptions", [*days, side / "subscriptions"], home, environment)
    columns = ["--column", "quantity=hours", "--column", "price=hour_price"]
    _held("provider", [*days, *columns, side / "provider_bill.csv"], home, environment)


def _held(
    verb: str, arguments: Sequence[object], home: Path, environment: Mapping[str, str]
) -> None:
    """Run one of the verbs that hold something against something; 1 says that it found some."""
    command = [sys.executable, "-m", "cli.main", "controls", verb, "--home", str(home)]
    done = subprocess.run(
        [*command, *map(str, arguments)], env={**os.environ, **environment}, capture_output=True,
        text=True, check=False,
    )  # fmt: skip
    if done.returncode not in {0, 1} or "Traceback" in done.stderr:
        msg = f"controls {verb} {arguments} could not run: {done.stderr[-2_000:]}"
        raise SystemExit(msg)


def _steps(path: Path, step_hours: int) -> Iterator[tuple[int, list[str]]]:
    step_us = step_hours * 3_600_000_000
    steps: dict[int, list[str]] = {}
    for line in _lines(path):
        at_us = int(datetime.fromisoformat(line["delivered_at"]).timestamp() * 1_000_000)
        steps.setdefault((at_us // step_us + 1) * step_us, []).append(line["file"])
    yield from sorted(steps.items())


def _lines(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text().splitlines()]
