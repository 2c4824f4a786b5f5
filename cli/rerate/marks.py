"""How far late usage was looked for: a small file in the home; losing it costs only time."""

from collections.abc import Collection, Mapping
from pathlib import Path

from pydantic import BaseModel, ConfigDict, ValidationError

from dataflows.files import write_atomic
from dataflows.settings import Home


class _Marks(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)

    tariffs: list[str]
    positions: dict[str, int]


def _path(home: Home) -> Path:
    return home.root / "late_usage.json"


def read_marks(home: Home, tariffs: Collection[str]) -> dict[str, int]:
    """Give, by lane, the ledger position up to which usage of these tariffs was looked through.

    Returns:
        Nothing where another tariff was not looked for then, or where the file cannot be read:
        everything is looked through again.
    """
    try:
        marks = _Marks.model_validate_json(_path(home).read_bytes())
    except (FileNotFoundError, ValidationError):
        return {}
    return marks.positions if set(tariffs) <= set(marks.tariffs) else {}


def write_marks(home: Home, tariffs: Collection[str], positions: Mapping[str, int]) -> None:
    """Keep how far it was looked.

    Raises:
        OSError: If the home cannot be written.
    """
    marks = _Marks(tariffs=sorted(tariffs), positions=dict(positions))
    write_atomic(_path(home), marks.model_dump_json().encode())
