"""`make simulate SEED="7 8" PARAMS=mine.toml`: simulated usage through the product, scored."""

import argparse
import json
import sys
from collections import Counter
from dataclasses import asdict
from pathlib import Path

from benchmarks.scoring.match import match
from benchmarks.scoring.report import scores, show
from benchmarks.scoring.run import run

OUT = Path("benchmarks/out/scoring")


def main() -> int:
    """Run every seed, print the scores of all of them together."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, nargs="+", default=[7])
    parser.add_argument("--params", type=Path, help="a TOML file over the simulator's defaults")
    parser.add_argument("--step-hours", type=int, default=24, help="deliveries rated at once")
    wanted = parser.parse_args()
    held, false, days = [], Counter[str](), 0
    for seed in wanted.seeds:
        made = run(seed, wanted.params, OUT / f"{seed}", wanted.step_hours)
        matched = match(made.alerts, made.faults)
        held.append((made.faults, matched))
        false += Counter(one.pattern for one in matched.false)
        days += made.days
        print(
            f"seed {seed}: {made.commitment}, {len(made.alerts)} alerts in {made.days} days, "
            f"{made.lacking} records without a fate, {made.seconds:.0f} s"
        )
    rows = scores(held)
    show(rows, false, days, wanted.seeds)
    OUT.mkdir(parents=True, exist_ok=True)
    content = {"scores": [asdict(row) for row in rows], "false": dict(false), "days": days}
    (OUT / "scores.json").write_text(json.dumps(content, default=str, indent=1))
    return 0


if __name__ == "__main__":
    sys.exit(main())
