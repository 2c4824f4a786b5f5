"""`python -m benchmarks.simulator usage|truth`: a run of usage, and afterwards its truth."""

import argparse
import sys
from pathlib import Path

from benchmarks.simulator import truth_files, usage_files
from benchmarks.simulator.build import build
from benchmarks.simulator.commitment import commitment
from benchmarks.simulator.parameters import WrongParametersError, read

EXAMPLES = """examples:
  python -m benchmarks.simulator usage --seed 7 --out run
  python -m benchmarks.simulator usage --seed 7 --params mine.toml --out run
  python -m benchmarks.simulator truth --seed 7 --params mine.toml --out run
"""


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.simulator", description=__doc__, epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )  # fmt: skip
    parser.add_argument(
        "what", choices=("usage", "truth"), help="usage before, truth after the engine"
    )
    parser.add_argument("--seed", type=int, required=True, help="a whole number")
    parser.add_argument("--params", type=Path, help="a TOML file over the defaults of default.toml")
    parser.add_argument("--out", type=Path, required=True, help="folder that is written into")
    wanted = parser.parse_args(arguments)
    folder = wanted.out / ("usage" if wanted.what == "usage" else "truth")
    if folder.exists():
        print(f"{folder}: is there already; give a new folder, or remove it", file=sys.stderr)
        return 2
    try:
        parameters = read(wanted.params)
    except WrongParametersError as wrong:
        print(wrong, file=sys.stderr)
        return 2
    world = build(wanted.seed, parameters)
    if wanted.what == "usage":
        usage_files.write(world, wanted.out)
    else:
        truth_files.write(world, wanted.out)
    print(commitment(wanted.seed, parameters))
    return 0


if __name__ == "__main__":
    sys.exit(main())
