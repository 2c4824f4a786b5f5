"""Enrichment: what reference data tell of usage at the time of the usage itself."""

import numpy as np
import polars as pl

from schemas.reasons import Reason
from tallywire.catalog.feed_rules import ATTRIBUTE, Enrichment
from tallywire.mediation.fields import flagged, read_field, with_fields
from tallywire.reference import ALIASES, BETWEEN, Reference

MISSING = ("missing_reason", "missing_detail", "missing_key")
"""Columns that say which required look-up found nothing first; null where all did."""


def enriched(frame: pl.DataFrame, rules: tuple[Enrichment, ...], tables: Reference) -> pl.DataFrame:
    """Look rows up and fill their fields, rule after rule; a later one sees what came before.

    Args:
        frame: Decoded rows with numbers, home_plmn and start_us.
        rules: The feed's look-ups.
        tables: Reference tables.

    Returns:
        The rows, and the columns of MISSING where there are rules.
    """
    if not rules or frame.is_empty():
        return frame
    frame = frame.with_columns(pl.lit(None, dtype=pl.String).alias(name) for name in MISSING)
    for rule in rules:
        frame = _one(frame, rule, tables)
    return frame


def _one(frame: pl.DataFrame, rule: Enrichment, tables: Reference) -> pl.DataFrame:
    texts = frame.select(read_field(rule.by)).to_series()
    asked = (texts != "").to_numpy()
    rows = np.flatnonzero(asked)
    if not len(rows):
        return frame
    keys = texts.gather(rows)
    moments = frame["start_us"].to_numpy()[rows]
    table = tables[rule.table]
    searched = pl.Series([rule.lead]).new_from_index(0, len(keys)) + keys if rule.lead else keys
    places, known = table.find(searched, moments, key=rule.key, longest=rule.longest)
    found = np.full(frame.height, -1, np.int64)
    found[rows] = places
    filled = {}
    for field, column in rule.sets:
        text, held = table.take(found, column), frame.select(read_field(field)).to_series()
        free = (text != "") if rule.replace else (text != "") & (held == "")
        # an attribute that keeps its text is not written again
        rest = pl.lit("") if field.startswith(ATTRIBUTE) else held
        filled[field] = pl.select(pl.when(free).then(text).otherwise(rest)).to_series()
    frame = with_fields(frame, filled)
    gone = pl.Series(asked & (found < 0))
    if not gone.any():
        return frame
    if rule.flag:
        frame = flagged(frame, gone, rule.flag)
    if not rule.required:
        return frame
    elsewhere = np.zeros(frame.height, bool)
    elsewhere[rows] = known
    return _missed(frame, rule, texts, gone, pl.Series(elsewhere))


def _missed(
    frame: pl.DataFrame, rule: Enrichment, texts: pl.Series, gone: pl.Series, known: pl.Series
) -> pl.DataFrame:
    """Note the first required look-up that found nothing."""
    kinds = rule.lead.split(BETWEEN)[0] if rule.table == ALIASES else ""
    where = f"{rule.table}:{kinds}:" if kinds else f"{rule.table}:"
    first = gone & frame[MISSING[0]].is_null()
    other = pl.format(f"{rule.table} has {{}}, but not at that time", pl.lit(texts))
    none = pl.format(f"{rule.table} has no {{}}", pl.lit(texts))
    told = (
        pl.lit(Reason.REFERENCE_MISSING.value),
        pl.when(known).then(other).otherwise(none),
        pl.lit(where) + pl.lit(texts),
    )
    return frame.with_columns(
        pl.when(first).then(text).otherwise(name).alias(name)
        for name, text in zip(MISSING, told, strict=True)
    )
