"""Give every decoder a million inputs that a coverage-guided fuzzer makes, and see what breaks.

For each input: nothing raises, every byte is in a record, every record has its rows, and decoding
once more in other parts gives the same rows. What breaks a law is kept in tests/fuzz/out/TARGET,
as small as it could be made; `python -m tests.fuzz.one --replay FILE` gives it again. Exit code 1
when a law was broken, a run hung, or memory grew.
"""

import argparse
import json
import os
import re
import subprocess
import sys
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console
from rich.table import Table

from tests.fuzz.one import MOST_GROWTH_MB
from tests.fuzz.targets import TARGETS, named

OUT = Path(__file__).parent / "out"
MOST_AT_ONCE = 2
_SEEN = re.compile(r"cov: (\d+) ft: (\d+) corp: (\d+)/")
_ENDS = {70: "a run hung", 71: "too much memory", 77: "a law is broken"}
_ONE_THREAD = {"POLARS_MAX_THREADS": "1", "OMP_NUM_THREADS": "1"}


@dataclass(frozen=True)
class Outcome:
    """What came of a target.

    Attributes:
        wrong: What is; empty where all is well.
        figures: Inputs, runs, seconds, memory in MB.
        covered: Places of the code that were reached, features, and inputs that are kept.
    """

    target: str
    wrong: str
    figures: dict[str, float]
    covered: tuple[int, int, int]


def judged(target: str, inputs: int, folder: Path, code: int) -> Outcome:
    """Tell from exit code, figures and log what came of a target."""
    path = folder / "figures.json"
    figures = json.loads(path.read_text()) if path.exists() else {}
    log = (folder / "log").read_text(errors="replace")
    seen = _SEEN.findall(log)
    covered = tuple(int(number) for number in seen[-1]) if seen else (0, 0, 0)
    growth = figures.get("now_mb", 0) - figures.get("warm_mb", 0)
    wrong = ""
    if code:
        wrong = f"{_ENDS.get(code, f'exit code {code}')}: see {folder / 'log'}"
    elif figures.get("inputs", 0) < inputs:
        wrong = f"only {figures.get('inputs', 0)} inputs of {inputs} were given"
    elif growth > MOST_GROWTH_MB:
        wrong = f"memory grew by {growth:.0f} MB"
    return Outcome(target, wrong, figures, (covered[0], covered[1], covered[2]))


def run(target: str, inputs: int, seed: int, out: Path = OUT) -> Outcome:
    """Fuzz one target to its end."""
    folder = out / target
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "figures.json").unlink(missing_ok=True)
    command = [
        sys.executable, "-m", "tests.fuzz.one", f"--target={target}", f"--inputs={inputs}",
        f"--folder={folder}", f"--seed={seed}",
    ]  # fmt: skip
    with (folder / "log").open("wb") as log:
        done = subprocess.run(
            command, stdout=log, stderr=log, env={**os.environ, **_ONE_THREAD}, check=False
        )
    return judged(target, inputs, folder, done.returncode)


def told(outcomes: Sequence[Outcome]) -> Table:
    """Make the table of what came of targets."""
    table = Table(title="Decoders against bytes of a fuzzer")
    heads = (
        "target",
        "inputs",
        "seconds",
        "inputs/s",
        "peak MB",
        "growth MB",
        "covered",
        "kept",
        "wrong",
    )
    for name in heads:
        table.add_column(name, justify="left" if name in {"target", "wrong"} else "right")
    for one in outcomes:
        found = one.figures
        inputs, seconds = found.get("inputs", 0), found.get("seconds", 0.0)
        table.add_row(
            one.target, f"{inputs:,}", f"{seconds:.0f}", f"{inputs / max(seconds, 1e-9):,.0f}",
            f"{found.get('peak_mb', 0):.0f}", f"{found.get('now_mb', 0) - found.get('warm_mb', 0):.0f}",
            str(one.covered[0]), str(one.covered[2]), one.wrong or "nothing",
        )  # fmt: skip
    return table


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz", description=__doc__)
    parser.add_argument("--inputs", type=int, default=1_000_000, help="of each target, at least")
    parser.add_argument(
        "--target", action="append", default=[], help="a target, or a group of them"
    )
    parser.add_argument("--at-once", type=int, choices=range(1, MOST_AT_ONCE + 1), default=1)
    parser.add_argument("--seed", type=int, default=1, help="of chance")
    parser.add_argument("--list", action="store_true", help="print the targets, and do nothing")
    return parser.parse_args()


def main() -> int:
    """Fuzz the targets that are asked for; print what came of them."""
    wanted, console = _arguments(), Console(width=max(140, Console().width))
    try:
        names = named(wanted.target)
    except ValueError as error:
        console.print(str(error))
        return 2
    if wanted.list:
        for name in names:
            console.print(name, *(group for group in TARGETS[name].groups if group))
        return 0
    with ThreadPoolExecutor(wanted.at_once) as pool:
        outcomes = []
        for one in pool.map(lambda name: run(name, wanted.inputs, wanted.seed), names):
            outcomes.append(one)
            console.print(told([one]))
    console.print(told(outcomes))
    return int(any(one.wrong for one in outcomes))


if __name__ == "__main__":
    sys.exit(main())
