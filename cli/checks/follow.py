"""The process of the checks while a run follows: each runs as often as it says."""

import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import orjson
import typer

from assurance.checks.compare import CheckWrongError
from assurance.checks.models import Check
from cli.checks.sources import CheckMisuse, checks_of
from cli.checks.work import compared, store
from cli.following import Around, follow, running_store
from dataflows.beside import Beside
from dataflows.controls.evidence import of_check, record
from dataflows.files import lock, write_atomic
from dataflows.settings import Home, Settings
from dataflows.wall_clock import now_us
from warehouse.client import StoreRefused, opened

NAME = "checks"
CHECKS = Beside(NAME, "cli.checks.follow", lambda _snapshot: True)
_LOOK_S = 5.0


@dataclass
class Scheduler:
    """Runs checks that are due; when each ran last outlives a restart.

    Args:
        folder: Where checks lie; read anew at every look.
    """

    settings: Settings
    folder: Path
    failing: set[str] = field(default_factory=set)

    def __post_init__(self) -> None:
        self._path = Home(self.settings.home).root / NAME / "ran.json"
        self._path.parent.mkdir(parents=True, exist_ok=True)

    def look(self) -> str:
        """Run what is due; say what was found."""
        ran = self._ran()
        alerts = 0
        for file, check in self._checks():
            if check.every is not None and now_us() - ran.get(check.id, 0) >= check.every:
                alerts += self._run(file, check)
                ran[check.id] = now_us()
                write_atomic(self._path, orjson.dumps(ran), durable=True)
        return f"{alerts} alerts of checks" if alerts else ""

    def _ran(self) -> dict[str, int]:
        try:
            found: dict[str, int] = orjson.loads(self._path.read_bytes())
        except (FileNotFoundError, orjson.JSONDecodeError):  # each check then runs at once
            return {}
        return found

    def _checks(self) -> list[tuple[Path, Check]]:
        """Read the checks; one that is written wrongly keeps none of the others from running."""
        found: list[tuple[Path, Check]] = []
        for file in sorted(self.folder.glob("*.yaml")):
            try:
                found += checks_of([file])
            except (CheckMisuse, OSError) as error:
                self._tell(f"{file.name} is no check: {error}")
        return found

    def _run(self, file: Path, check: Check) -> int:
        """Run one; what it cannot do is written down, and tried when it is due again."""
        began, alerts, rows, fault = now_us(), 0, 0, ""
        try:
            with running_store(self.settings) as client:
                made = compared(check, file.parent, client)
            alerts, rows = store(self.settings, check, made), made.left + made.right
        except (CheckMisuse, CheckWrongError, StoreRefused, OSError) as error:
            fault = str(error)
            self._tell(f"check {check.id} could not run: {fault}")
        run = of_check(check.id, (began, now_us()), rows, alerts, fault)
        home = Home(self.settings.home)
        with opened(self.settings.store_url, home.store, database=self.settings.database) as client:
            record(client, [run], now_us())
        return alerts

    def _tell(self, text: str) -> None:
        if text not in self.failing:
            self.failing.add(text)
            typer.echo(text, err=True)


def _prepare(settings: Settings, _around: Around) -> tuple[Callable[[], str], float]:
    home = Home(settings.home)
    held = lock(home.root / "locks" / NAME, f"the checks of {home.root}")
    scheduler = Scheduler(settings, settings.checks or home.root / NAME)

    def look() -> str:
        assert not held.closed  # noqa: S101  held for as long as the process lives
        return scheduler.look()

    return look, _LOOK_S


if __name__ == "__main__":
    follow(sys.argv[1:], "checks could not run", _prepare)
