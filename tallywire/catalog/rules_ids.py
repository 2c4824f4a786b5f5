"""Every id names one thing."""

import dataclasses
from typing import TypeVar

from tallywire.catalog.entries import Entries, Placed, Result
from tallywire.catalog.models_terms import Entry
from tallywire.catalog.problems import Problem

E = TypeVar("E", bound=Entry)
_KINDS = (
    "feeds",
    "zone_plans",
    "calendars",
    "tariffs",
    "plans",
    "offers",
    "partners",
    "accounts",
    "assertions",
    "canaries",
)


def _unique(placed: tuple[Placed[E], ...]) -> tuple[tuple[Placed[E], ...], list[Problem]]:
    first: dict[str, Placed[E]] = {}
    problems = []
    for one in placed:
        name = str(getattr(one.value, "id", ""))
        if name in first:
            other = first[name]
            where = f"{other.file}:{other.document.line((*other.base, 'id'))}"
            text = f"{name!r} is already the id of an entry in {where}; choose another id"
            problems.append(one.problem(("id",), text))
        else:
            first[name] = one
    return tuple(first.values()), problems


def unique_ids(entries: Entries) -> Result:
    """Keep the first of several entries with one id and report the others."""
    problems: list[Problem] = []
    for kind in _KINDS:
        kept, found = _unique(getattr(entries, kind))
        entries = dataclasses.replace(entries, **{kind: kept})  # type: ignore[arg-type]  # kind names it
        problems += found
    return entries, problems
