"""Comparing two sources row by row: who has no partner, whose values lie too far apart."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from enum import StrEnum

import polars as pl

from assurance.checks.models import Check, CompareEntry, KeyEntry
from assurance.checks.pairing import LEFT, RIGHT, by_place, by_time


class Cause(StrEnum):
    """What is wrong with a row."""

    ONLY_LEFT = "only_left"
    ONLY_RIGHT = "only_right"
    DIFFERS = "differs"


@dataclass(frozen=True)
class Difference:
    """A row, or two, that do not agree.

    Attributes:
        row: Place of the row in its source, from 1: of the left where it has one.
        keys: Values of the keys.
        told: What differs, or which side lacks it.
        money: What it is worth; nothing where the check does not say.
    """

    cause: Cause
    row: int
    keys: Mapping[str, str]
    told: str
    money: Decimal | None


@dataclass(frozen=True)
class Compared:
    """What a check came to.

    Attributes:
        explained: How many rows may differ, by why.
        problems: Values that could not be read, by place; their rows are differences, too.
    """

    left: int
    right: int
    matched: int
    differences: Sequence[Difference]
    explained: Mapping[str, int]
    problems: Sequence[str]


class CheckWrongError(ValueError):
    """A source lacks a column that the check names."""


def compare(check: Check, left: pl.DataFrame, right: pl.DataFrame) -> Compared:
    """Compare two sources, all columns as text.

    Raises:
        CheckWrongError: If a source lacks a column, or a time cannot be read.
    """
    named: list[KeyEntry | CompareEntry] = [*check.keys, *check.compare]
    _have(check.left.name, left, [one.left for one in named])
    _have(check.right.name, right, [one.right for one in named])
    explained: dict[str, int] = {}
    ours = _without(check, "left", left.with_row_index(LEFT, 1), explained)
    theirs = _without(check, "right", right.with_row_index(RIGHT, 1), explained)
    pairs = _pairs(check, _keyed(check, ours, "left"), _keyed(check, theirs, "right"))
    found, problems = list(_unmatched(check, ours, theirs, pairs)), list[str]()
    found += _differing(check, ours, theirs, pairs, problems)
    share = Decimal(100 * len(found)) / max(1, ours.height, theirs.height)
    if share <= check.most_percent:
        found = []
    return Compared(left.height, right.height, pairs.height, found, explained, problems)


def _have(name: str, frame: pl.DataFrame, columns: Sequence[str]) -> None:
    missing = sorted({one for one in columns if one not in frame.columns})
    if missing:
        msg = f"{name} has no column {', '.join(missing)}; it has {', '.join(frame.columns)}"
        raise CheckWrongError(msg)


def _without(
    check: Check, side: str, frame: pl.DataFrame, explained: dict[str, int]
) -> pl.DataFrame:
    """Leave out rows that may differ."""
    for one in check.explain:
        if one.side != side:
            continue
        _have(side, frame, list(one.where))
        held = pl.all_horizontal(pl.col(name) == value for name, value in one.where.items())
        gone = frame.filter(held.fill_null(value=False))
        explained[one.because] = explained.get(one.because, 0) + gone.height
        frame = frame.join(gone, on=frame.columns[0], how="anti", maintain_order="left")
    return frame


def _keyed(check: Check, frame: pl.DataFrame, side: str) -> pl.DataFrame:
    """Give the number of each row and its keys, by the same names on both sides."""
    index = LEFT if side == "left" else RIGHT
    columns = [pl.col(index)]
    for number, key in enumerate(check.keys):
        name = key.left if side == "left" else key.right
        if key.within is None:
            columns.append(_stripped(pl.col(name), key).alias(f"key{number}"))
            continue
        time = frame[name].str.to_datetime(time_unit="us", time_zone="UTC", strict=False)
        if time.null_count() > frame[name].null_count():
            bad = frame.filter(time.is_null() & frame[name].is_not_null())[name][0]
            msg = f"{side}: {bad!r} in {name} is no time; write 2026-10-24T12:00:00Z"
            raise CheckWrongError(msg)
        columns.append(pl.lit(time.dt.timestamp("us")).alias("time"))
    return frame.select(columns)


def _stripped(column: pl.Expr, key: KeyEntry) -> pl.Expr:
    column = column.str.strip_chars()
    for prefix in key.strip:
        column = column.str.strip_prefix(prefix)
    return column


def _pairs(check: Check, left: pl.DataFrame, right: pl.DataFrame) -> pl.DataFrame:
    """Match rows one to one: those of one key in their order, those with a time nearest first."""
    names = [f"key{number}" for number, key in enumerate(check.keys) if key.within is None]
    within = next((key.within for key in check.keys if key.within is not None), None)
    if within is None:
        return by_place(left, right, names)
    return by_time(left, right, names, within)


def _unmatched(
    check: Check, left: pl.DataFrame, right: pl.DataFrame, pairs: pl.DataFrame
) -> Iterator[Difference]:
    sides = (
        (Cause.ONLY_LEFT, "left", left, LEFT, check.right.name),
        (Cause.ONLY_RIGHT, "right", right, RIGHT, check.left.name),
    )
    for cause, side, frame, index, other in sides:
        if check.unmatched not in {"both", side}:
            continue
        alone = frame.join(pairs, on=index, how="anti", maintain_order="left")
        for row in alone.iter_rows(named=True):
            money = _money(check, row if side == "left" else {}, row if side == "right" else {})
            yield Difference(cause, row[index], _keys(check, row, side), f"not in {other}", money)


def _differing(
    check: Check, left: pl.DataFrame, right: pl.DataFrame, pairs: pl.DataFrame, problems: list[str]
) -> Iterator[Difference]:
    if not check.compare:
        return
    ours = pairs.join(left, on=LEFT, how="left", maintain_order="left")
    theirs = pairs.join(right, on=RIGHT, how="left", maintain_order="left")
    rows = zip(ours.iter_rows(named=True), theirs.iter_rows(named=True), strict=True)
    for mine, other in rows:
        told = list(_told(check, mine, other, problems))
        if told:
            yield Difference(
                Cause.DIFFERS, mine[LEFT], _keys(check, mine, "left"), "; ".join(told),
                _money(check, mine, other),
            )  # fmt: skip


def _told(
    check: Check, mine: Mapping[str, str | None], other: Mapping[str, str | None],
    problems: list[str],
) -> Iterator[str]:  # fmt: skip
    for one in check.compare:
        values = (mine[one.left] or "").strip(), (other[one.right] or "").strip()
        numbers = [_number(value) for value in values]
        if None in numbers:
            if values[0] != values[1]:
                problems.append(
                    f"{one.left} {values[0]!r} and {one.right} {values[1]!r}: no numbers"
                )
                yield f"{one.left}: {values[0]} against {values[1]}"
        elif not one.tolerance.allows(numbers[0], numbers[1]):  # type: ignore[arg-type]  # not None
            yield f"{one.left}: {values[0]} against {values[1]}"


def _number(text: str) -> Decimal | None:
    try:
        number = Decimal(text)
    except InvalidOperation:
        return None
    return number if number.is_finite() else None


def _keys(check: Check, row: Mapping[str, str], side: str) -> dict[str, str]:
    return {key.left: row[key.left if side == "left" else key.right] for key in check.keys}


def _money(
    check: Check, mine: Mapping[str, str | None], other: Mapping[str, str | None]
) -> Decimal | None:
    """Give what a difference is worth: the distance of both sides' money."""
    if check.money is None:
        return None
    left = _number(mine.get(check.money.left) or "") if check.money.left else None
    right = _number(other.get(check.money.right) or "") if check.money.right else None
    if left is None and right is None:
        return None
    return abs((left or Decimal(0)) - (right or Decimal(0)))
