"""Fields of decoded rows by their names, attributes among them, and remarks on their quality."""

from collections.abc import Mapping

import orjson
import polars as pl

from tallywire.catalog.feed_rules import ATTRIBUTE


def read_field(name: str) -> pl.Expr:
    """Give a text field, or an attribute; empty text where it is absent."""
    if not name.startswith(ATTRIBUTE):
        return pl.col(name)
    path = f"$.{name.removeprefix(ATTRIBUTE)}"
    held = pl.when(pl.col("attributes") != "").then(pl.col("attributes"))
    return held.str.json_path_match(path).fill_null("")


def flagged(frame: pl.DataFrame, wrong: pl.Series, flag: str) -> pl.DataFrame:
    """Add a remark to the quality flags of some rows."""
    if not wrong.any():
        return frame
    held = pl.col("quality_flags")
    several = (held + f",{flag}").str.split(",").list.unique().list.sort().list.join(",")
    text = pl.when(held == "").then(pl.lit(flag)).otherwise(several)
    return frame.with_columns(pl.when(wrong).then(text).otherwise(held).alias("quality_flags"))


def with_attributes(frame: pl.DataFrame, added: Mapping[str, pl.Series]) -> pl.DataFrame:
    """Put texts into the attributes of rows; an empty text changes nothing.

    Args:
        frame: Rows with `attributes`, a JSON object of texts or empty.
        added: Name to text of each row. Each distinct pair of old and new is written once.
    """
    names = sorted(added)
    told = pl.DataFrame({f"_{name}": added[name] for name in names})
    rows = pl.any_horizontal(pl.col(name) != "" for name in told.columns)
    both = frame.select("attributes").with_columns(told.get_columns())
    some = both.filter(rows).unique()
    if some.is_empty():
        return frame
    made = []
    for held, *texts in some.iter_rows():
        content = orjson.loads(held) if held else {}
        content |= {name: text for name, text in zip(names, texts, strict=True) if text}
        made.append(orjson.dumps(content, option=orjson.OPT_SORT_KEYS).decode())
    written = some.with_columns(pl.Series("_made", made, dtype=pl.String))
    found = both.join(written, on=both.columns, how="left", maintain_order="left")["_made"]
    return frame.with_columns(
        pl.when(found.is_not_null()).then(found).otherwise("attributes").alias("attributes")
    )


def with_fields(frame: pl.DataFrame, found: Mapping[str, pl.Series]) -> pl.DataFrame:
    """Put texts into fields and attributes of rows."""
    plain = [text.alias(name) for name, text in found.items() if not name.startswith(ATTRIBUTE)]
    others = {
        name.removeprefix(ATTRIBUTE): text
        for name, text in found.items()
        if name.startswith(ATTRIBUTE)
    }
    frame = frame.with_columns(plain)
    return with_attributes(frame, others) if others else frame
