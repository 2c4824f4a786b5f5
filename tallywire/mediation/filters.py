"""Filters: usage that an operator sets aside on purpose, by name, counted, never silent."""

from functools import reduce
from operator import and_

import polars as pl

from schemas.services import UNIT_OF_SERVICE
from tallywire.catalog.feed_rules import MEASURES, Condition, Filter
from tallywire.mediation.fields import read_field
from tallywire.reference import Reference

_UNITS = {service.value: unit.value for service, unit in UNIT_OF_SERVICE.items()}


def taken(frame: pl.DataFrame, filters: tuple[Filter, ...], tables: Reference) -> pl.Series | None:
    """Tell which filter takes each row: the first whose conditions all hold.

    Args:
        frame: Decoded rows with numbers, home_plmn and start_us.
        filters: In their order.
        tables: Reference tables.

    Returns:
        Name of the filter, null where none takes the row; nothing where none takes any.
    """
    if not filters or frame.is_empty():
        return None
    name = pl.lit(None, dtype=pl.String)
    for one in reversed(filters):
        hits = reduce(and_, (_holds(frame, condition, tables) for condition in one.when))
        name = pl.when(hits).then(pl.lit(one.name)).otherwise(name)
    found = frame.select(name.alias("filter")).to_series()
    return found if found.null_count() < len(found) else None


def _holds(frame: pl.DataFrame, condition: Condition, tables: Reference) -> pl.Series:
    """Tell in which rows a condition holds: yes or no, never unknown."""
    if condition.test in {"in", "prefix_in"}:
        texts = frame.select(read_field(condition.field)).to_series()
        table = tables[condition.table]
        places, _ = table.find(
            texts, frame["start_us"].to_numpy(), key=table.keys[0],
            longest=condition.test == "prefix_in",
        )  # fmt: skip
        return pl.Series(places >= 0)
    return frame.select(_test(condition).fill_null(value=False).alias("holds")).to_series()


def _test(condition: Condition) -> pl.Expr:
    if condition.field in MEASURES:
        return _measured(condition)
    text = read_field(condition.field)
    values = list(condition.values)
    if condition.test == "is":
        return text.is_in(values)
    if condition.test == "is_not":
        return ~text.is_in(values)
    return pl.any_horizontal(text.str.starts_with(value) for value in values)


def _measured(condition: Condition) -> pl.Expr:
    amount = pl.col(MEASURES[condition.field])
    holds = amount < condition.limit if condition.test == "below" else amount >= condition.limit
    if condition.field != "quantity":
        return holds
    counted = pl.col("service").replace_strict(_UNITS, default="", return_dtype=pl.String)
    return holds & (counted == condition.unit)
