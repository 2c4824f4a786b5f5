"""`make bench`: everything; `python -m benchmarks rating` or `pipeline`: one section of it."""

import argparse

from benchmarks import pipeline, section
from benchmarks.rating import shape_arguments, shape_of


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("section", nargs="?", choices=("rating", "pipeline", "all"), default="all")
    parser.add_argument("--events", type=int, default=3_000_000, help="of the pipeline")
    parser.add_argument("--customers", type=int, default=100_000, help="of the pipeline")
    shape_arguments(parser)
    wanted = parser.parse_args()
    if wanted.section in {"rating", "all"}:
        section.run(shape_of(wanted), wanted.runs, wanted.growth)
    if wanted.section in {"pipeline", "all"}:
        pipeline.main(wanted.events, wanted.customers, min(wanted.runs, 3))


if __name__ == "__main__":
    main()
