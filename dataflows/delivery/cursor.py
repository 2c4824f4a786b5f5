"""How far a target has been told of findings: a small file that outlives every crash."""

from pathlib import Path

from pydantic import BaseModel, ConfigDict, ValidationError

from dataflows.files import write_atomic
from warehouse.outbox import Behind, Entry, Place


class CursorDamaged(RuntimeError):  # noqa: N818  it says what is the case
    """The file of a target is not what was written."""


class _Stored(BaseModel):
    model_config = ConfigDict(extra="forbid")

    floor: int
    places: dict[str, tuple[int, str]] = {}


class Cursor:
    """The place of one target.

    Args:
        path: Its file.
        floor: Where a target begins that has no file yet, microseconds UTC.

    Raises:
        CursorDamaged: If the file cannot be understood.
        OSError: If the folder cannot be written.
    """

    def __init__(self, path: Path, floor: int) -> None:
        self._path = path
        try:
            stored = _Stored.model_validate_json(path.read_bytes())
        except FileNotFoundError:
            stored = _Stored(floor=floor)
        except ValidationError as error:
            msg = (
                f"{path} is damaged: restore it from a backup, or remove it and give `--since`: "
                "findings since then are sent again under the same ids"
            )
            raise CursorDamaged(msg) from error
        places = {name: Place(*place) for name, place in stored.places.items()}
        self.behind = Behind(stored.floor, places)
        path.parent.mkdir(parents=True, exist_ok=True)
        self.save(durable=True)

    def pass_by(self, entry: Entry) -> None:
        """Move behind an entry."""
        self.behind = self.behind.past(entry)

    def save(self, *, durable: bool = False) -> None:
        """Write the place down; what was told and not written is told again after a crash."""
        places = {name: (one.position, one.alert_id) for name, one in self.behind.places.items()}
        content = _Stored(floor=self.behind.floor, places=places).model_dump_json()
        write_atomic(self._path, content.encode(), durable=durable)
