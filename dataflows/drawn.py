"""Pictures of the flows and of the processes for the documentation; `python -m dataflows.drawn`.

The flows are drawn from the code that runs: they are functions of their ends, so ends of Bytewax's
own test kit stand in for files, logs and store.
"""

import sys
from functools import partial
from pathlib import Path

from bytewax.dataflow import Dataflow
from bytewax.testing import TestingSink, TestingSource
from bytewax.visualize import to_mermaid

from dataflows.collection import collection_flow
from dataflows.crashes import Guard
from dataflows.decode import decode_batch
from dataflows.groups import COLLECTION, ENGINE, RATING
from dataflows.progress import Progress
from dataflows.rating import rating_flow
from dataflows.services import INGEST, STORE
from dataflows.settings import Home, Settings
from tallywire.catalog.snapshot import Snapshot

BEGIN, END = "<!-- drawn by `make docs` -->", "<!-- end of what is drawn -->"
PAGE = Path("docs/reference/flows.md")

_FLOWS = {
    COLLECTION: "Collection: from records to the usage log.",
    RATING: "Rating: from the usage log to the store, and to topics where `publish` names some.",
    ENGINE: "Both halves in one process, where `processes` is 1.",
}
_EDGES = (
    ("files[files]", COLLECTION),
    ("senders[senders]", f"{INGEST}[{INGEST}]"),
    (INGEST, "arrived[(usage by HTTP: disk or topic)]"),
    ("arrived", COLLECTION),
    ("topics[(topics of feeds)]", COLLECTION),
    (COLLECTION, "log[(usage log: disk or Kafka)]"),
    ("log", RATING),
    (RATING, f"{STORE}[(store: ClickHouse)]"),
)


def _unused(name: str) -> Snapshot:
    """Give no catalogue: a flow that is drawn works nothing."""
    msg = f"catalogue {name} was asked for while drawing"
    raise RuntimeError(msg)


def flow_named(name: str) -> Dataflow:
    """Build a flow as a worker does, between ends of the test kit.

    Args:
        name: `collection`, `rating` or `engine`.
    """
    settings = Settings.model_construct()
    guard, progress = Guard(Home(Path()), name, 0, careful=False), Progress(Path(), name)
    flow = Dataflow(name)
    if name != RATING:
        collection_flow(
            TestingSource([]), TestingSink([]), partial(decode_batch, _unused),
            settings, _unused, guard, progress, flow,
        )  # fmt: skip
    if name != COLLECTION:
        rating_flow(
            TestingSource([]), TestingSink([]), settings, _unused, progress, guard, flow,
            TestingSink([]),
        )  # fmt: skip
    return flow


def processes() -> str:
    """Draw the processes of a home, and what lies between them."""
    lines = [f"    {source} --> {target}" for source, target in _EDGES]
    watched = [f"    supervisor -.-> {name}" for name in (STORE, INGEST, COLLECTION, RATING)]
    return "\n".join(["flowchart LR", *lines, *watched])


def _picture(text: str, drawing: str) -> str:
    return f"{text}\n\n```mermaid\n{drawing}\n```\n"


def drawn() -> str:
    """Give what stands between the markers of the page."""
    parts = [_picture("The processes; dotted is what the supervisor watches.", processes())]
    parts += [_picture(text, to_mermaid(flow_named(name))) for name, text in _FLOWS.items()]
    return "\n".join(parts)


def written(page: str) -> str:
    """Put the pictures between the markers of a page.

    Raises:
        ValueError: If it has not both of them.
    """
    before, begin, rest = page.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not begin or not end:
        msg = f"the page has no markers {BEGIN} and {END}"
        raise ValueError(msg)
    return f"{before}{BEGIN}\n\n{drawn()}\n{END}{after}"


def main() -> int:
    """Write the page anew."""
    PAGE.write_text(written(PAGE.read_text()))
    sys.stderr.write(f"{PAGE} is drawn\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
