"""Rounding and maximum cost of destination rates: one rounding a tariff, one maximum a price."""

import re
from collections import Counter
from collections.abc import Iterable, Iterator
from fractions import Fraction

from tallywire.catalog.imports.cgrates.plans import Candidate
from tallywire.catalog.imports.cgrates.rates import money
from tallywire.catalog.imports.cgrates.tables import Cells
from tallywire.catalog.imports.report import Kind, Note
from tallywire.catalog.prose import number_words
from tallywire.catalog.yaml_text import Tree

_MODES = {"*up": "up", "*down": "down", "*middle": "half_up"}
_MOST_DECIMALS = 9
_DECIMALS_WITHOUT = 5  # to which the source rounds where nothing is said

Rounding = tuple[str, int]


def _decimals(row: Cells) -> bool:
    return re.fullmatch("[0-9]{1,3}", row["decimals"]) is not None


def _rounding(row: Cells) -> Rounding:
    decimals = int(row["decimals"]) if _decimals(row) else _DECIMALS_WITHOUT
    return _MODES.get(row["method"], "half_up"), min(decimals, _MOST_DECIMALS)


def rounding_of(candidates: Iterable[Candidate], notes: list[Note]) -> Tree:
    """Choose the rounding of a tariff: the most decimals, and the mode most rates have."""
    rows = {one.rate_row.line: one.rate_row for one in candidates}
    modes = Counter(_rounding(row)[0] for row in rows.values())
    scale = max(_rounding(row)[1] for row in rows.values())
    mode = modes.most_common(1)[0][0]
    for row in rows.values():
        if _rounding(row) != (mode, scale):
            own = f"{row['method'] or 'no method'}, {row['decimals'] or 'no'} decimals"
            text = f"{row['id']}: rounding {own}; a tariff has one: {mode} to {scale} decimals"
            money_words = "a charge differs by less than one unit of its last decimal"
            notes.append(row.note(Kind.LOST, text, money_words))
        elif row["method"] not in _MODES or not _decimals(row):
            text = f"{row['id']} says no rounding method or decimals: {mode}, {scale} decimals"
            notes.append(row.note(Kind.ASSUMED, text, "each charge is rounded once, like this"))
    return {"mode": mode, "scale": str(scale)}


def _cap(row: Cells) -> Fraction | None:
    return money(row["max_cost"]) or None


def maximum_of(name: str, candidates: Iterable[Candidate], notes: list[Note]) -> str:
    """Find the maximum charge of a destination, "" for none."""
    rows = {one.rate_row.line: one.rate_row for one in candidates}
    notes += [note for row in rows.values() for note in _strategy(row)]
    caps = {_cap(row) if _limits(row) else None for row in rows.values()}
    if len(caps) == 1:
        cap = caps.pop()
        return "" if cap is None else number_words(cap)
    for row in rows.values():
        if _limits(row) and _cap(row):
            text = f"{row['id']}: a price has one maximum for all bands, and {name} has several"
            money_words = f"calls to {name} may cost more than {row['max_cost']}"
            notes.append(row.note(Kind.LOST, text, money_words))
    return ""


def _limits(row: Cells) -> bool:
    return row["max_cost_strategy"] in {"*free", "*disconnect"}


def _strategy(row: Cells) -> Iterator[Note]:
    if row["max_cost"] and money(row["max_cost"]) is None:
        text = f"{row['id']}: the maximum cost {row['max_cost']!r} cannot be read"
        yield row.note(Kind.LOST, text, "charges have no maximum")
    if not _cap(row):
        return
    if row["max_cost_strategy"] == "*disconnect":
        text = (
            f"{row['id']}: *disconnect ends a call at {row['max_cost']}; rating ends no calls, so "
            "the switch has to"
        )
        money_words = f"a call that goes on costs {row['max_cost']} and no more"
        yield row.note(Kind.LOST, text, money_words)
    elif not _limits(row):
        text = f"{row['id']}: a maximum cost without strategy has no effect in the source"
        yield row.note(Kind.UNUSED, text, "charges have no maximum")
