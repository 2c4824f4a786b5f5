"""Times in columns: a column of one writing is read as each of its texts alone, and as Python does."""

import polars as pl
from hypothesis import given
from hypothesis import strategies as st

from tallywire.mediation import values
from tallywire.mediation.items import instant_of

digits = st.integers(0, 99).map(lambda number: f"{number:02}")
plain = st.builds(
    lambda year, parts, fraction: (
        f"{year}-{parts[0]}-{parts[1]}T{parts[2]}:{parts[3]}:{parts[4]}{fraction}Z"
    ),
    st.sampled_from(["1969", "1970", "2026", "2024", "2099", "0001", "9999"]),
    st.tuples(digits, digits, digits, digits, digits),
    st.sampled_from(["", ".5", ".123456", ".123456789", ".000001"]),
)
any_text = plain | st.sampled_from(
    ["2026-10-24T10:00:00+02:00", "2026-10-24 10:00:00Z", "2026-10-24t10:00:00z", "2026-02-29T00:00:00Z",
     "2026-10-24T10:00:00", "2026-12-31T23:59:60Z", "", "x", "2026-10-24T10:00:00.Z",
     "2026-10-24T10:00:00.123-00:30", "2026-10-24T24:00:00Z", "2026-10-24T10:00:00.1234567891Z"]
) | st.none()  # fmt: skip


def _instants(texts: list[str | None]) -> list[int | None]:
    frame = pl.DataFrame({"t": pl.Series(texts, dtype=pl.String)})
    return frame.select(values.instant(pl.col("t"))).to_series().to_list()


def _offsets(texts: list[str | None]) -> list[int | None]:
    frame = pl.DataFrame({"t": pl.Series(texts, dtype=pl.String)})
    return frame.select(values.offset_minutes(pl.col("t"))).to_series().to_list()


@given(texts=st.lists(any_text, max_size=6))
def test_a_time_does_not_depend_on_the_others_in_its_column(texts: list[str | None]) -> None:
    mixed = [*texts, "2026-10-24T10:00:00+02:00", "2026-10-24T10:00:00.5Z"]
    assert _instants(mixed)[: len(texts)] == [_instants([text])[0] for text in texts]
    assert _offsets(mixed)[: len(texts)] == [_offsets([text])[0] for text in texts]


@given(text=plain)
def test_a_time_in_utc_is_what_python_reads(text: str) -> None:
    assert _instants([text]) == [instant_of(text)]
    assert _offsets([text]) == [0]
