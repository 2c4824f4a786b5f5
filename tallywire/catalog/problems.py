"""What is wrong in a catalogue: where, and what to do about it."""

from collections.abc import Iterable
from dataclasses import dataclass

MOST_OF_A_KIND = 20
"""Problems of one kind reported singly; the rest is a count (a deck may have 36,000 bad rows)."""


@dataclass(frozen=True, order=True)
class Problem:
    """One thing to correct.

    Attributes:
        file: Name of the file within the catalogue folder.
        line: Line in it, from 1.
        key: Where in the entry, for example `revisions[0].prices[2].rate`; or a CSV column.
        message: What is wrong and what to do.
        rule: Name of the lint rule, where it has one: `docs/reference/catalog.md` describes it.
    """

    file: str
    line: int
    key: str
    message: str
    rule: str = ""

    def __str__(self) -> str:
        return self.told("")

    def told(self, severity: str) -> str:
        """Write it as a line that an editor can follow; `severity` is put before the key."""
        parts = (severity, self.key, self.message)
        text = ": ".join(part for part in parts if part)
        return f"{self.file}:{self.line}: {text}{f' [{self.rule}]' if self.rule else ''}"


def at_most(problems: Iterable[Problem], what: str) -> list[Problem]:
    """Keep the first problems of one kind and say how many more there are."""
    found = sorted(problems)
    if len(found) <= MOST_OF_A_KIND:
        return found
    first = found[:MOST_OF_A_KIND]
    more = len(found) - MOST_OF_A_KIND
    last = found[MOST_OF_A_KIND]
    text = f"and {more} more rows with {what}"
    return [*first, Problem(last.file, last.line, "", text, last.rule)]
