"""How far late usage was looked for: a small file in the home; losing it costs only time."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from pathlib import Path

from pydantic import BaseModel, ConfigDict, ValidationError

from dataflows.files import write_atomic
from dataflows.settings import Home
from schemas.feeds import LedgerEntry

_RECORDS = 500_000
"""Usage of a lane that is looked through by one query."""

Stretch = Mapping[str, tuple[int, int]]
"""By lane, the ledger positions behind which and up to which is looked."""


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


def stretches(
    entries: Mapping[str, Sequence[LedgerEntry]], marks: Mapping[str, int], records: int = _RECORDS
) -> Iterator[Stretch]:
    """Cut what was not looked through so far into stretches that one query can do.

    Args:
        entries: Ledgers of the lanes, as far as the store has them.
        marks: Positions by lane up to which was looked.
        records: Usage of a lane in one stretch, but one entry at least.
    """
    done = {lane: marks.get(lane, -1) for lane in entries}
    left = {
        lane: [one for one in found if one.position > done[lane]] for lane, found in entries.items()
    }
    while any(left.values()):
        stretch = {}
        for lane, rest in left.items():
            taken, count = 0, 0
            while taken < len(rest) and (not taken or count + rest[taken].records <= records):
                count += rest[taken].records
                taken += 1
            until = rest[taken - 1].position if taken else done[lane]
            stretch[lane] = (done[lane], until)
            left[lane], done[lane] = rest[taken:], until
        yield stretch
