"""`make bench`: everything; `python -m benchmarks rating`, `pipeline` or `resume`: one section."""

import argparse

from benchmarks import pipeline, resume, section
from benchmarks.rating import shape_arguments, shape_of


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    sections = ("rating", "pipeline", "resume", "all")
    parser.add_argument("section", nargs="?", choices=sections, default="all")
    parser.add_argument("--events", type=int, default=3_000_000, help="of the pipeline")
    parser.add_argument("--customers", type=int, default=100_000, help="of the pipeline")
    parser.add_argument("--keys", type=int, default=10_000_000, help="of resume")
    shape_arguments(parser)
    wanted = parser.parse_args()
    if wanted.section in {"rating", "all"}:
        section.run(shape_of(wanted), wanted.runs, wanted.growth)
    if wanted.section in {"pipeline", "all"}:
        pipeline.main(wanted.events, wanted.customers, min(wanted.runs, 3))
    if wanted.section in {"resume", "all"}:
        resume.main(wanted.keys)


if __name__ == "__main__":
    main()
