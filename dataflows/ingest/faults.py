"""What goes wrong while usage is taken in: told now and then, and never what a record holds."""

import time
import traceback
from pathlib import Path
from typing import Any

from dataflows.ingest.log import LogUnavailable

_TOLD_S = 10.0
_PLACES = 6


class Faults:
    """What goes wrong, for the log; told by any thread."""

    def __init__(self, log: Any) -> None:  # noqa: ANN401  as log_of
        self._log = log
        self._away = ""
        self._away_at = self._told_at = float("-inf")

    def tell(self, error: Exception) -> None:
        """Log why the log is away, now and then; of a fault of ours where it was, never what.

        The message of a fault may quote a record.
        """
        if isinstance(error, LogUnavailable):
            now = time.monotonic()
            self._away, self._away_at = str(error), now
            if now - self._told_at > _TOLD_S:
                self._told_at = now
                self._log.warning("usage cannot be made durable", reason=str(error))
            return
        places = traceback.extract_tb(error.__traceback__)[-_PLACES:]
        at = [f"{Path(one.filename).name}:{one.lineno}" for one in places]
        self._log.error("fault of our own", kind=type(error).__name__, at=at)

    def now(self) -> list[str]:
        """Give what a person should know now."""
        return [self._away] if time.monotonic() - self._away_at < _TOLD_S else []
