"""What a home knows of its own claims to lanes: it never takes back what another has taken over.

A home that was copied, and brought up elsewhere, has two futures. Whoever claims a lane last owns
it; the home that was left behind must not claim it again when it is started again, or the store
would have rows of both, cut in other places.
"""

from pathlib import Path

from pydantic import BaseModel, ValidationError

from dataflows.files import write_atomic
from warehouse.owners import StaleOwner

_OWNER = "owner.json"


class Claim(BaseModel):
    """The newest claim of this home to a lane.

    Attributes:
        generation: The newest that was surely made.
        mark: Names the newest that was begun: a crash may have left it made or not.
    """

    generation: int
    mark: str = ""


class Ownership:
    """This home's claim to one lane.

    Args:
        folder: The lane's.
        lane: Its name, for messages.
    """

    def __init__(self, folder: Path, lane: str) -> None:
        self._path, self._lane = folder / _OWNER, lane

    def _read(self) -> Claim | None:
        try:
            return Claim.model_validate_json(self._path.read_bytes())
        except (FileNotFoundError, ValidationError):
            return None

    def check(self, generation: int, mark: str) -> None:
        """Make sure that the newest claim there is was ours, or that this home has made none yet.

        Args:
            generation: Of the newest claim; 0 where there is none.
            mark: Its mark.

        Raises:
            StaleOwner: If another home has claimed the lane since we did.
        """
        mine = self._read()
        if mine is None or generation <= mine.generation or (mark and mark == mine.mark):
            return
        msg = (
            f"lane {self._lane} was taken over by another home (generation {generation}, ours is "
            f"{mine.generation}); this one changes nothing more: go on with the other home, or "
            "restore this one together with the store and the topics from one backup"
        )
        raise StaleOwner(msg)

    def begin(self, mark: str) -> None:
        """Note which claim is made next."""
        mine = self._read() or Claim(generation=0)
        self._write(Claim(generation=mine.generation, mark=mark))

    def done(self, generation: int) -> None:
        """Note that it was made."""
        self._write(Claim(generation=generation))

    def _write(self, claim: Claim) -> None:
        self._path.parent.mkdir(parents=True, exist_ok=True)
        write_atomic(self._path, claim.model_dump_json().encode(), durable=True)
