"""From priced prefixes to a rate deck, with its tariff, plan and offer."""

import csv
import io
from collections.abc import Iterator, Sequence
from itertools import pairwise

from schemas.services import UNIT_OF_SERVICE, Unit
from tallywire.catalog.imports.operator_file import OperatorWords, operator_yaml
from tallywire.catalog.imports.price_list.mapping import ListMapping
from tallywire.catalog.imports.price_list.rows import Priced, Refused
from tallywire.catalog.imports.yaml_out import yaml_text
from tallywire.catalog.yaml_text import Tree

START = "2000-01-01"
"""From when a list without dates holds, where nothing is said."""

_NEVER = "9999"


def consistent(
    rows: Sequence[Priced], start: str
) -> tuple[list[Priced], list[Refused], list[Priced]]:
    """Sort out prefixes whose rows do not follow one another.

    Args:
        rows: Priced prefixes.
        start: First date of the tariff.

    Returns:
        What can be used; what is refused; rows that say again what another says.
    """
    by_prefix: dict[str, list[Priced]] = {}
    for row in rows:
        by_prefix.setdefault(row.prefix, []).append(row)
    good: list[Priced] = []
    refused: list[Refused] = []
    again: list[Priced] = []
    for prefix, own in by_prefix.items():
        first: dict[tuple[str, ...], Priced] = {}
        for row in own:
            first.setdefault(_said(row), row)
        again += [row for row in own if first[_said(row)] is not row]
        kept = sorted(first.values(), key=lambda one: (one.valid_from, one.line))
        fault = next(_faults(prefix, kept, start), "")
        if fault:
            refused += [Refused(row.line, (prefix,), fault) for row in kept]
        else:
            good += kept
    return sorted(good, key=lambda one: (one.prefix, one.valid_from)), refused, again


def _said(row: Priced) -> tuple[str, ...]:
    return (
        row.rate, row.connect_fee, row.minimum_charge, row.initial, row.subsequent, row.included,
        row.valid_from, row.valid_to,
    )  # fmt: skip


def _faults(prefix: str, rows: Sequence[Priced], start: str) -> Iterator[str]:
    if any(row.valid_from and row.valid_from < start for row in rows):
        yield f"{prefix} begins before the tariff, {start}: say an earlier start, or a later date"
    for before, row in pairwise(rows):
        lines = f"lines {before.line} and {row.line}"
        end = before.valid_to or _NEVER
        if row.valid_from < end:
            yield f"{prefix} has two prices at one time, {lines}: keep one, or give them dates"
        elif row.valid_from > end:
            yield f"{prefix} has no price between {lines}: close the gap"


def _columns(rows: Sequence[Priced]) -> list[str]:
    """Name the columns that say something."""
    plain = Priced(line=0, prefix="", destination="", rate="")
    names = (
        "connect_fee", "minimum_charge", "initial", "subsequent", "included", "valid_from",
        "valid_to",
    )  # fmt: skip
    told = [
        name for name in names if any(getattr(row, name) != getattr(plain, name) for row in rows)
    ]
    return ["prefix", "destination", "rate", *told]


def _deck_csv(rows: Sequence[Priced], columns: Sequence[str]) -> str:
    text = io.StringIO(newline="")
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(columns)
    writer.writerows([getattr(row, name) for name in columns] for row in rows)
    return text.getvalue()


def _tariff(mapping: ListMapping, columns: Sequence[str], start: str) -> Tree:
    deck: dict[str, Tree] = {"file": f"decks/{mapping.id}.csv", "per": mapping.per}
    if mapping.steps is not None:
        size = " B" if UNIT_OF_SERVICE[mapping.service] == Unit.OCTET else ""
        deck["increment"] = "/".join(f"{step}{size}" for step in mapping.steps)
    deck["columns"] = {name: name for name in columns}
    revision: dict[str, Tree] = {"revision": "1", "valid_from": start, "deck": deck}
    rounding: dict[str, Tree] = {"mode": mapping.rounding, "scale": str(mapping.decimals)}
    return {
        "id": mapping.id,
        "service": mapping.service.value,
        "zone_by": "b_number",
        "rounding": rounding,
        "revisions": [revision],
    }


def deck_files(
    rows: Sequence[Priced], mapping: ListMapping, start: str, said: OperatorWords
) -> dict[str, str]:
    """Write the catalogue of one price list: a deck, a tariff, a plan and an offer."""
    columns = _columns(rows)
    name = mapping.id
    line: dict[str, Tree] = {"service": mapping.service.value, "tariff": name}
    return {
        "operator.yaml": operator_yaml(said),
        f"tariffs/{name}.yaml": yaml_text(_tariff(mapping, columns, start)),
        f"tariffs/decks/{name}.csv": _deck_csv(rows, columns),
        "plans/plans.yaml": yaml_text([{"id": name, "tariffs": [line]}]),
        "offers/offers.yaml": yaml_text([{"id": name, "plans": [name]}]),
    }
