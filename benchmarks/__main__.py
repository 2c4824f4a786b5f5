"""`make bench`: everything; `python -m benchmarks SECTION`: one section of it."""

import argparse
from collections.abc import Callable

from benchmarks import (
    alerting,
    controls,
    formats,
    ingest,
    overlay,
    pipeline,
    radius,
    reconciling,
    resume,
    section,
    shares,
    streaming,
)
from benchmarks.rating import shape_arguments, shape_of


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    sections = (
        "rating", "pipeline", "resume", "shares", "ingest", "radius", "formats", "controls",
        "reconciling", "alerting", "overlay", "streaming", "all",
    )  # fmt: skip
    parser.add_argument("section", nargs="?", choices=sections, default="all")
    parser.add_argument(
        "--events", type=int, default=3_000_000, help="of the pipeline, shares, controls"
    )
    parser.add_argument("--customers", type=int, default=100_000, help="of all three")
    parser.add_argument("--keys", type=int, default=10_000_000, help="of resume")
    parser.add_argument("--messages", type=int, default=5_000_000, help="events of streaming")
    parser.add_argument(
        "--seconds", type=float, default=60.0, help="of paced usage: streaming, alerting"
    )
    parser.add_argument("--hour", type=int, default=10_000_000, help="rows of reconciling")
    parser.add_argument("--octets", type=int, default=10**9, help="of a large file, formats")
    parser.add_argument("--lines", type=int, default=300_000, help="of a bill, overlay")
    parser.add_argument("--full", action="store_true", help="large files of ten gigabytes, formats")
    shape_arguments(parser)
    wanted = parser.parse_args()
    measures: dict[str, Callable[[], None]] = {
        "rating": lambda: section.run(shape_of(wanted), wanted.runs, wanted.growth),
        "pipeline": lambda: pipeline.main(wanted.events, wanted.customers, min(wanted.runs, 3)),
        "resume": lambda: resume.main(wanted.keys),
        "shares": lambda: shares.main(wanted.events, wanted.customers),
        "ingest": ingest.main,
        "radius": radius.main,
        "formats": lambda: formats.main(10**10 if wanted.full else wanted.octets),
        "controls": lambda: controls.main(wanted.events, wanted.customers),
        "reconciling": lambda: reconciling.main(wanted.hour),
        "alerting": lambda: alerting.main(wanted.seconds),
        "overlay": lambda: overlay.main(wanted.lines),
        "streaming": lambda: streaming.main(wanted.messages, wanted.seconds),
    }
    for name, measure in measures.items():
        if wanted.section in {name, "all"}:
            measure()


if __name__ == "__main__":
    main()
