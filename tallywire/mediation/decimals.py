"""Decimals of any writing as whole numbers of a scale: exact, or rounded by a rule and told."""

from dataclasses import dataclass

import polars as pl

_DECIMAL = (
    r"^(?<sign>[+-]?)(?<whole>[0-9]{1,18})(?:\.(?<part>[0-9]{1,18}))?"
    r"(?:[eE](?<power>[+-]?[0-9]{1,2}))?$"
)
_ROOM = 120
_ZEROS = "0" * _ROOM
_MOST_DIGITS = 37
_MONEY_PLACES = 9


@dataclass(frozen=True)
class Decimals:
    """A column of decimals; what is none reads as null everywhere.

    Attributes:
        negative: Which of them are below zero.
        digits: Their digits, with zeros before and behind.
        point: How many digits stand before the decimal point.
    """

    negative: pl.Series
    digits: pl.Series
    point: pl.Series

    def exact(self, places: int) -> pl.Series:
        """Give whole numbers of 10^-places; null where a decimal is finer.

        >>> decimals_of(pl.Series(["9.984E-7", "0.123"])).exact(2).to_list()
        [None, None]
        >>> decimals_of(pl.Series(["9.984E-7", "0.123"])).exact(10).to_list()
        [9984, 1230000000]
        """
        cut = self._cut(places)
        return cut.select(pl.when(pl.col("behind") == "").then(_SIGNED)).to_series()

    def rounded_up(self, places: int) -> pl.Series:
        """Give whole numbers of 10^-places, what is finer rounded away from zero.

        >>> decimals_of(pl.Series(["0.0001", "-0.0001"])).rounded_up(3).to_list()
        [1, -1]
        """
        more = (pl.col("behind") != "").cast(pl.Int128)
        return self._rounded(places, more)

    def half_even(self, places: int) -> pl.Series:
        """Give whole numbers of 10^-places, what is finer rounded half to even.

        >>> decimals_of(pl.Series(["0.25", "0.35"])).half_even(1).to_list()
        [2, 4]
        """
        odd = pl.col("ahead").str.contains("[13579]$")
        behind = pl.col("behind")  # digits compare as the fractions they are
        return self._rounded(places, ((behind > "5") | ((behind == "5") & odd)).cast(pl.Int128))

    def money(self) -> pl.Series:
        """Give amounts of nine decimals, what is finer rounded half to even."""
        frame = self.half_even(_MONEY_PLACES).to_frame("number").with_columns(
            pl.col("number").abs().cast(pl.String).str.zfill(_MONEY_PLACES + 1).alias("digits"),
            pl.when(pl.col("number") < 0).then(pl.lit("-")).otherwise(pl.lit("")).alias("sign"),
        )  # fmt: skip
        whole, part = pl.col("digits").str.head(-_MONEY_PLACES), pl.col("digits").str.tail(9)
        written = pl.concat_str("sign", whole, pl.lit("."), part)
        return frame.select(written.cast(pl.Decimal(38, 9), strict=False)).to_series()

    def _cut(self, places: int) -> pl.DataFrame:
        """Cut the digits behind a place, without the zeros that say nothing."""
        frame = pl.DataFrame([self.negative, self.digits, self.point + places])
        return frame.select(
            "negative",
            pl.col("digits").str.slice(0, pl.col("point")).str.strip_chars_start("0")
            .alias("ahead"),
            pl.col("digits").str.slice(pl.col("point")).str.strip_chars_end("0").alias("behind"),
        )  # fmt: skip

    def _rounded(self, places: int, more: pl.Expr) -> pl.Series:
        cut = self._cut(places).with_columns(more.alias("more"))
        size = _SIZE + pl.col("more")
        signed = pl.when(pl.col("negative")).then(0 - size).otherwise(size)
        return cut.select(signed).to_series()


_FITS = pl.col("ahead").str.len_bytes() <= _MOST_DIGITS
_TEXT = pl.when(pl.col("ahead") == "").then(pl.lit("0")).when(_FITS).then(pl.col("ahead"))
_SIZE = _TEXT.cast(pl.Int128, strict=False)
_SIGNED = pl.when(pl.col("negative")).then(0 - _SIZE).otherwise(_SIZE)


def decimals_of(texts: pl.Series) -> Decimals:
    """Read a column of texts.

    Args:
        texts: With a sign, a point and an exponent of ten where they have one.
    """
    groups = texts.str.strip_chars(" ").str.extract_groups(_DECIMAL).struct.unnest()
    power = pl.col("power").str.strip_prefix("+").cast(pl.Int64, strict=False).fill_null(0)
    frame = groups.select(
        (pl.col("sign") == "-").alias("negative"),
        pl.concat_str(pl.lit(_ZEROS), "whole", pl.col("part").fill_null(""), pl.lit(_ZEROS))
        .alias("digits"),
        (_ROOM + pl.col("whole").str.len_bytes().cast(pl.Int64) + power).alias("point"),
    )  # fmt: skip
    return Decimals(frame["negative"], frame["digits"], frame["point"])
