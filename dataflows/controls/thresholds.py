"""Reading the thresholds of controls, and knowing by which ones the controls of a home last worked.

They are read when the controls start. That they differ from those before is an event of the audit
trail, stored before the controls work by them.
"""

from pathlib import Path
from typing import Any

import orjson
import yaml
from pydantic import ValidationError

from assurance.following.thresholds import Thresholds
from dataflows.desk import Desk
from dataflows.files import write_atomic
from dataflows.settings import Home, Settings

_FILE = "controls.yaml"
_KNOWN = "thresholds.json"


class ThresholdsWrong(ValueError):  # noqa: N818  it says what is the case
    """A file of thresholds that cannot be used: where, why, and what to do."""


def path_of(settings: Settings) -> Path:
    """Where the thresholds stand, if anywhere."""
    return settings.controls_file or Home(settings.home).root / _FILE


def read_thresholds(settings: Settings) -> Thresholds:
    """Read the thresholds of a home; the defaults where there is no file.

    Raises:
        ThresholdsWrong: If the file that is named is not there, or the file cannot be used.
    """
    path = path_of(settings)
    if settings.controls_file is None and not path.exists():
        return Thresholds()
    try:
        content = yaml.safe_load(path.read_text())
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        msg = f"{path} cannot be read: {error}"
        raise ThresholdsWrong(msg) from error
    return thresholds_of({} if content is None else content, str(path))


def thresholds_of(content: object, where: str) -> Thresholds:
    """Hold values against their bounds.

    Raises:
        ThresholdsWrong: If one is unknown or out of them.
    """
    try:
        return Thresholds.model_validate(content)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        name = ".".join(str(part) for part in first["loc"]) or "the file"
        said = first["msg"].removeprefix("Value error, ")
        known = ", ".join(Thresholds().values())
        told = f"; known are {known}" if first["type"] == "extra_forbidden" else ""
        msg = (
            f"{where}: {name}: {said}, not {first['input']!r}{told}; bounds and meanings stand in "
            "docs/guides/tune-thresholds.md"
        )
        raise ThresholdsWrong(msg) from error


def _known(home: Home) -> Thresholds:
    """Give those that the controls of a home last worked by; at first these are the defaults."""
    try:
        content = orjson.loads((home.root / "controls" / _KNOWN).read_bytes())
        return Thresholds.model_validate(content)
    except (FileNotFoundError, orjson.JSONDecodeError, ValidationError):
        return Thresholds()  # what is told then is what differs from the defaults


def changes(before: Thresholds, after: Thresholds) -> dict[str, Any]:
    """Give what is another value now: name to [before, after]."""
    old, new = before.values(), after.values()
    return {name: [old[name], new[name]] for name in new if old[name] != new[name]}


def changed(settings: Settings, thresholds: Thresholds) -> dict[str, Any]:
    """Tell what differs from the thresholds that the controls last worked by."""
    return changes(_known(Home(settings.home)), thresholds)


def remember(here: Desk, thresholds: Thresholds, differs: dict[str, Any]) -> None:
    """Tell the trail what was changed, then know it."""
    here.audit("controls thresholds", thresholds.hash, {"changed": differs})
    path = here.home.root / "controls" / _KNOWN
    path.parent.mkdir(parents=True, exist_ok=True)
    write_atomic(path, orjson.dumps(thresholds.model_dump()), durable=True)
