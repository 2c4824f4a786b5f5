"""Numbers in columns: out of URIs and damage, to E.164, as `tallywire.numbering` does one."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl

from tallywire.catalog.feed_rules import Dialling
from tallywire.dated import Ints
from tallywire.numbering import DAMAGED, FILLED, NULLS, SHORTEST_FULL, WITHHELD

_NOISE = r"[ \-().]"
_FULL = r"^\+[1-9][0-9]{0,14}$"
_E164 = r"^[1-9][0-9]{0,14}$"
_UNUSUAL = r"[^0-9+\-(). ]|^[0-9]{7,}\.0$"
_PARAMETERS = r"(?i);phone-context=(\+[^;]*)"
_URI = r"(?i)^(?:sips?|tel):"


@dataclass(frozen=True)
class Numbers:
    """A column of numbers.

    Attributes:
        digits: E.164 digits; empty text where there is no number.
        marks: What is wrong with each, as `tallywire.numbering.written` says; none where nothing
            is wrong with any.
    """

    digits: pl.Series
    marks: pl.Series | None = None


def e164(raw: str, rules: Dialling) -> pl.Expr:
    """Normalise a column of dialled numbers; what is no number becomes empty text."""
    text = pl.col(raw).str.replace_all(_NOISE, "")
    full = text.str.starts_with(rules.home_country)
    if not rules.trunk_prefix:
        full &= text.str.len_chars() >= SHORTEST_FULL
    national = pl.when(full | (text == "")).then(text).otherwise(pl.lit(rules.home_country) + text)
    if rules.trunk_prefix:
        rest = text.str.slice(len(rules.trunk_prefix))
        national = (
            pl.when(text.str.starts_with(rules.trunk_prefix))
            .then(pl.lit(rules.home_country) + rest)
            .otherwise(national)
        )
    number = national
    for prefix in sorted(rules.international_prefixes, key=len):
        if prefix:
            number = (
                pl.when(text.str.starts_with(prefix))
                .then(text.str.slice(len(prefix)))
                .otherwise(number)
            )
    number = pl.when(text.str.starts_with("+")).then(text.str.slice(1)).otherwise(number)
    return pl.when(number.str.contains(_E164)).then(number).otherwise(pl.lit(""))


def _user(text: pl.Expr) -> tuple[pl.Expr, pl.Expr]:
    """Give the user of a URI or of user@host, and whether it is one."""
    text = pl.coalesce(text.str.extract(r"<([^>]*)>", 1), text)
    rest = text.str.replace(_URI, "")
    scheme, at = text.str.contains(_URI), rest.str.contains("@", literal=True)
    host_only = text.str.contains("(?i)^sips?:") & ~at
    user = pl.when(host_only).then(pl.lit("")).when(at).then(rest.str.extract("^([^@]*)@", 1))
    return user.otherwise(rest), scheme | at


def written(raw: pl.Series, home_country: str) -> tuple[pl.Series, pl.Series]:
    """Take numbers out of how they were written: as dialled, and the mark of each."""
    text = pl.col("raw").str.strip_chars(" \t")
    user, is_uri = _user(text)
    frame = raw.to_frame("raw").select(
        text.str.to_lowercase().is_in(NULLS).alias("null"), user.alias("user"),
        is_uri.alias("uri"),
    )  # fmt: skip
    user = pl.col("user")
    number = user.str.extract("^([^;:?]*)", 1)
    for escape, character in (("(?i)%2b", "+"), ("%23", "#"), ("(?i)%2a", "*"), ("%20", " ")):
        number = number.str.replace_all(escape, character)
    context = user.str.extract(_PARAMETERS, 1).str.replace_all(_NOISE, "")
    away = (context != f"+{home_country}").fill_null(value=False) & ~number.str.starts_with("+")
    frame = frame.with_columns(
        pl.when("uri").then(number).otherwise(user.str.extract("^([^;]*)", 1)).alias("number"),
        (pl.col("uri") & away).alias("away"),
    )
    number = pl.col("number")
    frame = frame.with_columns(
        pl.when("null").then(pl.lit("null")).when("away").then(pl.lit("local"))
        .when(number.str.to_lowercase().is_in(WITHHELD)).then(pl.lit("withheld"))
        .when(number.str.contains(f"^(?:{DAMAGED})$")).then(pl.lit("damaged"))
        .otherwise(pl.lit("")).alias("mark"),
    ).with_columns(
        pl.when(pl.col("mark") != "").then(pl.lit(""))
        .otherwise(pl.coalesce(number.str.extract(f"^{FILLED}$", 1), number)).alias("number")
    )  # fmt: skip
    return frame["number"], frame["mark"]


def numbers(raw: pl.Series, rules: Dialling) -> Numbers:
    """Normalise a column, the short way where every number is written in full already."""
    if (raw == "").all():
        return Numbers(raw)
    if raw.str.contains(_FULL).all():
        return Numbers(raw.str.slice(1))
    unusual = raw.str.contains(_UNUSUAL)
    marks = None
    if unusual.any():
        rows = unusual.arg_true()
        found, marked = written(raw.gather(rows), rules.home_country)
        raw = raw.scatter(rows, found)
        if (marked != "").any():
            marks = pl.Series([""]).new_from_index(0, len(raw)).scatter(rows, marked)
    return Numbers(raw.to_frame("raw").select(e164("raw", rules)).to_series(), marks)


def numbers_by_node(raw: pl.Series, rules: Sequence[Dialling], which: Ints | None) -> Numbers:
    """Normalise a column whose rows were written under several rules.

    Args:
        raw: Numbers as they were written.
        rules: Dialling rules.
        which: Index of the rules of each row; none where the first hold for all.
    """
    if which is None or (raw == "").all():
        return numbers(raw, rules[0])
    digits = raw.clone()
    marks = pl.Series([""]).new_from_index(0, len(raw))
    for number in np.unique(which).tolist():
        rows = np.flatnonzero(which == number)
        found = numbers(raw.gather(rows), rules[number])
        digits = digits.scatter(rows, found.digits)
        if found.marks is not None:
            marks = marks.scatter(rows, found.marks)
    return Numbers(digits, marks if (marks != "").any() else None)
