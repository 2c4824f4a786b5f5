"""What an import gives: catalogue files, and what a person has to know about them."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum

MOST_OF_A_KIND = 20
"""Notes with one text that are told singly; the rest is a count."""


class Kind(StrEnum):
    """What a note is about, in the order in which notes are told."""

    LOST = "lost"  # not carried over
    REFUSED = "refused"  # a row that cannot be read; not carried over
    DIFFERENT = "different"  # carried over, and may come to another amount
    ASSUMED = "assumed"  # not in the source, chosen here
    UNUSED = "unused"  # has no effect in the source either, or nobody asked for it


HEADINGS: Mapping[Kind, str] = {
    Kind.LOST: "Not carried over",
    Kind.REFUSED: "Rows refused",
    Kind.DIFFERENT: "Carried over, but worked out in another way",
    Kind.ASSUMED: "Not in the source, chosen here",
    Kind.UNUSED: "Left out",
}


@dataclass(frozen=True, order=True)
class Note:
    """One thing to know about an import.

    Attributes:
        file: File of the source; empty where the note is about all of it.
        line: Line in it, from 1; 0 for the whole file.
        kind: What the note is about.
        message: What is the case, and what to do.
        money: What it means for charges.
    """

    file: str
    line: int
    kind: Kind
    message: str
    money: str = ""

    def __str__(self) -> str:
        place = f"{self.file}:{self.line}: " if self.line else f"{self.file}: " if self.file else ""
        return f"{place}{self.message}{'. For money: ' if self.money else ''}{self.money}"


@dataclass(frozen=True)
class Imported:
    """A catalogue made from other tariffs.

    Attributes:
        files: Name within the catalogue folder to text; empty where nothing could be carried over.
        notes: What to know, by kind, file and line.
    """

    files: Mapping[str, str]
    notes: tuple[Note, ...]

    @property
    def complete(self) -> bool:
        """Tell whether everything was carried over, and there was something."""
        return bool(self.files) and not any(
            note.kind in {Kind.LOST, Kind.REFUSED} for note in self.notes
        )


def in_order(notes: Iterable[Note]) -> tuple[Note, ...]:
    """Sort notes by kind, file and line, each once."""
    kinds = list(Kind)
    every = dict.fromkeys(notes)
    return tuple(sorted(every, key=lambda one: (kinds.index(one.kind), one)))
