"""Showing how far a run is: a line on a terminal, JSON lines elsewhere."""

import sys
import time
from collections.abc import Mapping
from typing import Any, Self

import structlog
from rich.console import Console
from rich.live import Live
from rich.text import Text

_EVERY_S = 5.0


def _eta(seconds: float) -> str:
    minutes, rest = divmod(int(seconds), 60)
    return f"{minutes}:{rest:02d}"


class Line:
    """Progress of a run."""

    def __init__(self) -> None:
        self._terminal = sys.stderr.isatty()
        self._live: Live | None = None
        self._log = structlog.wrap_logger(
            structlog.PrintLogger(sys.stderr),
            processors=[
                structlog.processors.add_log_level,
                structlog.processors.TimeStamper(fmt="iso"),
                structlog.processors.JSONRenderer(),
            ],
        )
        self._last = time.monotonic()
        self._began = self._last
        self._said: set[str] = set()

    def __enter__(self) -> Self:
        if self._terminal:
            self._live = Live(console=Console(stderr=True), refresh_per_second=4, transient=True)
            self._live.start()
        return self

    def __exit__(self, *_: object) -> None:
        if self._live:
            self._live.stop()

    def tell(self, workers: Mapping[str, Mapping[str, Any]]) -> None:
        """Show the workers' progress."""
        first = workers.get("collection") or workers.get("engine") or {}
        last = workers.get("rating") or workers.get("engine") or {}
        elapsed = max(time.monotonic() - self._began, 0.001)
        collected, rated = int(first.get("collected", 0)), int(last.get("rated", 0))
        total, done = int(first.get("bytes_total", 0)), int(first.get("bytes_read", 0))
        left = (total - done) * elapsed / done if 0 < done <= total else 0.0
        problems = [text for worker in workers.values() for text in worker.get("problems", [])]
        news = [text for worker in workers.values() if (text := worker.get("news", ""))]
        if self._live:
            text = (
                f"collected {collected:,}  rated {rated:,}  {rated / elapsed:,.0f} events/s"
                f"  {100 * done // total if total else 0} % read  ETA {_eta(left)}"
            )
            text += "".join(f"\n{one}" for one in news)
            text += "".join(f"\n! {problem}" for problem in problems)
            self._live.update(Text(text))
            return
        for problem in problems:
            if problem not in self._said:
                self._said.add(problem)
                self._log.warning("problem", problem=problem)
        for text in news:
            if text not in self._said:
                self._said.add(text)
                self._log.info("news", news=text)
        if time.monotonic() - self._last >= _EVERY_S:
            self._last = time.monotonic()
            self._log.info(
                "progress", collected=collected, rated=rated, bytes_read=done, bytes_total=total,
                events_per_s=round(rated / elapsed), eta_s=round(left),
            )  # fmt: skip
