"""Numbers in columns are the numbers one by one."""

from dataclasses import replace

import polars as pl
from hypothesis import given
from hypothesis import strategies as st

from tallywire.mediation.dialled import numbers
from tallywire.numbering import normalise
from tests.laws.feeds import SNAPSHOT

FULL = st.from_regex(r"\A\+[0-9]{1,16}\Z")
DIALLED = st.one_of(
    st.from_regex(r"\A(\+|00|011|0|47|49|)[0-9]{0,16}\Z"),
    st.text("0123456789+ -().a\u0663", max_size=18),
)


@given(
    raws=st.one_of(st.lists(DIALLED, max_size=30), st.lists(FULL, max_size=30)),
    home=st.sampled_from(["47", "1", "49", "7"]),
    trunk=st.sampled_from(["", "0", "8", "06"]),
    prefixes=st.lists(st.sampled_from(["00", "011", "0011", "0", "810"]), unique=True),
)
def test_a_column_of_numbers_is_each_number(
    raws: list[str], home: str, trunk: str, prefixes: list[str]
) -> None:
    feed = replace(
        SNAPSHOT.feeds["pbx"], home_country=home, trunk_prefix=trunk,
        international_prefixes=tuple(prefixes),
    )  # fmt: skip
    found = numbers(pl.Series(raws, dtype=pl.String), feed).digits.to_list()
    one_by_one = [
        normalise(raw, home_country=home, trunk_prefix=trunk, international_prefixes=prefixes)
        for raw in raws
    ]
    assert found == [number or "" for number in one_by_one]
