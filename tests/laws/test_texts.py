"""Lines with quotes are split in columns as the csv module splits them, one by one."""

import polars as pl
from hypothesis import given, settings
from hypothesis import strategies as st

from tallywire.mediation.texts import fields_of, split_fields

COUNT = 4
lines = st.lists(st.text('a," \t\r\n;|éx', max_size=12), min_size=1, max_size=8)


@settings(max_examples=300)
@given(texts=lines, separator=st.sampled_from([",", ";", "\t", "|", " ", "x"]))
def test_lines_with_quotes_are_split_as_by_the_csv_module(texts: list[str], separator: str) -> None:
    texts = [*texts, '"']  # one quote is enough for all to be looked at for quotes
    frame = pl.DataFrame({
        "text": texts, "reason": pl.Series([None] * len(texts), dtype=pl.String),
        "detail": [""] * len(texts),
    })  # fmt: skip
    split = split_fields(frame, separator, (COUNT,), quoted=True)
    for text, row in zip(texts, split.iter_rows(named=True), strict=True):
        expected = fields_of(text, separator)
        assert row["fields"] == len(expected or [])
        padded = [*(expected or []), *[None] * COUNT][:COUNT]
        assert [row[f"f{number}"] for number in range(COUNT)] == padded
        assert (row["reason"] is None) == (expected is not None and len(expected) == COUNT)
