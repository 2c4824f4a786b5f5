"""Rates: increment groups in base units, exact, as the source means them."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from fractions import Fraction

from schemas.services import Unit
from tallywire.catalog.imports.cgrates.tables import Cells
from tallywire.catalog.imports.report import Kind, Note

_PIECE = re.compile(r"([0-9]+(?:\.[0-9]*)?)(h|ms|us|µs|ns|m|s)")
_MONEY = re.compile(r"[0-9]{1,15}(\.[0-9]{0,30})?([eE][-+]?[0-9]{1,2})?")
_LONGEST = 40
_NANOSECONDS = {
    "h": 3_600 * 10**9, "m": 60 * 10**9, "s": 10**9, "ms": 10**6, "us": 1_000, "µs": 1_000,
    "ns": 1,
}  # fmt: skip
_MOST_UNITS = 10**15
_FINEST = 10**12


@dataclass(frozen=True)
class Slot:
    """One increment group.

    Attributes:
        start: First base unit.
        step: Base units; a step begun is paid whole.
        unit: Base units that `rate` pays for.
        rate: Exact price.
    """

    start: int
    step: int
    unit: int
    rate: Fraction


@dataclass(frozen=True)
class Rate:
    """What a call costs at one timing: the connection fee, then groups that ascend from 0."""

    fee: Fraction
    slots: tuple[Slot, ...]


def money(text: str) -> Fraction | None:
    """Read a price of the source: decimal text, not negative, at most 12 decimals; empty is 0."""
    if not _MONEY.fullmatch(text or "0"):
        return None
    value = Fraction(text or "0")
    exact = (value * _FINEST).denominator == 1
    return value if exact and 0 <= value < _FINEST else None


def nanoseconds(text: str) -> int | None:
    """Read a duration such as `60s` or `1m30s`; a bare number counts nanoseconds.

    >>> nanoseconds("1m30s"), nanoseconds("1"), nanoseconds("x")
    (90000000000, 1, None)
    """
    if re.fullmatch(r"[0-9]{1,18}", text or "0"):
        return int(text or "0")
    pieces = _PIECE.findall(text)
    if (
        len(text) > _LONGEST
        or not pieces
        or "".join(number + name for number, name in pieces) != text
    ):
        return None
    total = sum((Fraction(number) * _NANOSECONDS[name] for number, name in pieces), Fraction(0))
    return int(total) if total.denominator == 1 else None


def _size(text: str, unit: Unit, *, empty: int = 0) -> int | None:
    """Read a size in base units; the source counts what is no time in nanoseconds, one each."""
    found = nanoseconds(text)
    if found is None:
        return None
    found = found or empty
    if unit == Unit.MICROSECOND:
        found, rest = divmod(found, 1_000)
        if rest:
            return None
    return found if found < _MOST_UNITS else None


def _slot(row: Cells, unit: Unit) -> Slot | str:
    one = 10**9 if unit == Unit.MICROSECOND else 1
    start = _size(row["start"], unit)
    step = _size(row["increment"], unit, empty=one)
    size = _size(row["unit"], unit, empty=one)
    rate = money(row["rate"])
    if rate is None:
        return f"the rate {row['rate']!r} is no price of at most 12 decimals, 0 or more"
    if start is None or not step or not size:
        shown = f"{row['unit']}, {row['increment']}, {row['start']}"
        return f"the sizes {shown} are no whole number of {unit}s"
    return Slot(start, step, size, rate)


def read_rate(rows: Iterable[Cells], unit: Unit, notes: list[Note]) -> Rate | None:
    """Read the rows of one rate; none, with notes, where the catalogue cannot say it."""
    slots: list[Slot] = []
    fees: list[Fraction] = []
    sound = True
    for row in rows:
        slot, fee = _slot(row, unit), money(row["connect_fee"])
        if isinstance(slot, str) or fee is None:
            text = slot if isinstance(slot, str) else f"{row['connect_fee']!r} is no connection fee"
            notes.append(_refused(row, text))
            sound = False
            continue
        if fees and fee not in {Fraction(0), fees[0]}:
            text = f"{row['id']}: only the first row's connection fee is charged, as in the source"
            notes.append(row.note(Kind.UNUSED, text, f"{row['connect_fee']} has no effect"))
        if any(one.start == slot.start and one != slot for one in slots):
            notes.append(_refused(row, f"{row['id']} has two groups from {row['start']} on"))
            sound = False
        fees.append(fee)
        slots.append(slot)
    ordered = tuple(sorted(dict.fromkeys(slots), key=lambda one: one.start))
    if sound and ordered and ordered[0].start:
        notes.append(_refused(row, f"{row['id']} has no group from 0 on"))
        sound = False
    return Rate(fees[0], ordered) if sound and ordered else None


def _refused(row: Cells, text: str) -> Note:
    return row.note(Kind.LOST, f"{text}; correct it", "what uses this rate has no price here")
