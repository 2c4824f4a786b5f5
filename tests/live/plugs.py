"""Faults planted in a process under test: named in its environment, so that the product has none.

A worker that was forked applies them itself; other processes find them by a `sitecustomize` that
`planted` writes.
"""

import os
import random
import signal
from collections.abc import Mapping
from pathlib import Path
from typing import Any

NAMES = "TESTS_PLUGS"
KEPT = 8
WINDOW = 20
POISONED = "poisoned"


def planted(folder: Path, *names: str) -> Mapping[str, str]:
    """Give the environment of processes that shall apply plugs when they start."""
    folder.mkdir(exist_ok=True)
    text = "from tests.live.plugs import apply\n\napply()\n"
    (folder / "sitecustomize.py").write_text(text)
    here = str(Path(__file__).resolve().parents[2])
    return {NAMES: ",".join(names), "PYTHONPATH": f"{folder}{os.pathsep}{here}"}


def apply() -> None:
    """Apply the plugs that the environment names."""
    for name in filter(None, os.environ.get(NAMES, "").split(",")):
        globals()[name]()


def small_window() -> None:
    """Let the store's memory of tokens be thought small; its tables must be made so, too."""
    import dataflows.sinks.store as sink  # noqa: PLC0415  only where it is planted

    sink.DEDUPLICATION_WINDOW = WINDOW


def small_kept() -> None:
    """Fold ledgers often."""
    from dataflows.sources import files, log  # noqa: PLC0415  as above

    files.KEPT = log.KEPT = KEPT  # type: ignore[attr-defined]


def die_at_folding() -> None:
    """Die now and then while a ledger is folded: before its new file has the name, or after."""
    from dataflows import ledger  # noqa: PLC0415  as above

    whole = ledger.write_atomic
    chance = random.Random(os.getpid())

    def deadly(path: Path, content: bytes, **more: bool) -> None:
        fate = chance.random()
        if fate < 0.15:
            path.with_name(f".{path.name}.{os.getpid()}").write_bytes(content[: len(content) // 2])
            os.kill(os.getpid(), signal.SIGKILL)
        whole(path, content, **more)
        if fate > 0.85:
            os.kill(os.getpid(), signal.SIGKILL)

    ledger.write_atomic = deadly  # type: ignore[assignment]


def die_after_insert() -> None:
    """Die when the store has taken charges, and nothing of it is acknowledged."""
    import dataflows.sinks.store as sink  # noqa: PLC0415  as above

    whole = sink.insert

    def deadly(client: Any, table: str, rows: Any, token: str) -> None:
        whole(client, table, rows, token)
        if table == "rated_events":
            os.kill(os.getpid(), signal.SIGKILL)

    sink.insert = deadly


def _on_poison(harm: str) -> None:
    """Let decoding of a marked record go wrong."""
    from dataflows import worker  # noqa: PLC0415  as above

    whole = worker.decode_batch

    def poisoned(snapshots: Any, batch: Any) -> Any:
        if batch.frames is not None and POISONED.encode() in batch.frames.data:
            if harm == "raise":
                msg = "a rule that crashes"
                raise ZeroDivisionError(msg)
            if harm == "exit":
                os._exit(3)
            os.kill(os.getpid(), signal.SIGKILL)
        return whole(snapshots, batch)

    worker.decode_batch = poisoned


def poison_raises() -> None:
    """Raise at a marked record."""
    _on_poison("raise")


def poison_exits() -> None:
    """End without a word at a marked record."""
    _on_poison("exit")


def poison_kills() -> None:
    """Kill the own process at a marked record, as a fault of memory would."""
    _on_poison("kill")
