"""Events of TAP held against the severe rules that decide money, in the order of the table."""

from collections.abc import Iterator

import numpy as np
import polars as pl

from tallywire.mediation.decoded import refuse
from tallywire.mediation.decoders.tap import tags
from tallywire.mediation.decoders.tap.charges import CHARGE_RULES
from tallywire.mediation.decoders.tap.events import Events
from tallywire.mediation.decoders.tap.head import Head
from tallywire.mediation.decoders.tap.options import TapOptions
from tallywire.mediation.decoders.tap.rules import RULES, naming

_DAY_US = 86_400_000_000
_USED = [tags.MOC, tags.MTC, tags.GPRS]
_CALLS = [tags.MOC, tags.MTC]
_SUBSCRIBED = [*_USED, tags.SUPPLEMENTARY]
_BESIDE = {
    "tag": pl.Int64(), "faults": pl.Int64(), "pieces": pl.Int64(), "timed": pl.Int64(),
    "metered": pl.Int64(), "length_s": pl.Int64(), "charge": pl.Int64(), "divided": pl.Boolean(),
}  # fmt: skip
"""Columns that the rules read beside those of DECODED; null where a row is no event."""
_WORDS = {
    "charged_item_invalid": "a piece of charge information has no charged item of one letter",
    "charge_total_missing": "a piece of charge information has no charge of type 00",
    "charge_negative": "a charge in it is less than nothing",
    "charge_sum_differs": "its charges do not add up to the total of type 00",
    "rate_code_unknown": "the file has no exchange rate of a code in it",
    "tax_code_unknown": "the file does not explain a tax code in it",
    "discount_code_unknown": "the file does not explain a discount code in it",
}


def charged_columns(found: Events) -> list[pl.Series]:
    """Give what the rules need to know of the charges of each row's event."""
    charged = found.charged
    metered = np.maximum(charged.units("X"), charged.units("V", "W"))
    pieces = np.bincount(charged.rows["event"].to_numpy(), minlength=charged.count)
    columns = {
        "faults": charged.faults(), "pieces": pieces, "timed": charged.units("D"),
        "metered": metered,
    }  # fmt: skip
    return [pl.Series(name, value[found.owner]) for name, value in columns.items()]


def _broken(head: Head, options: TapOptions) -> Iterator[tuple[str, pl.Expr, pl.Expr | str]]:
    """Tell by rule which rows break it, and in which words."""
    tag, late_us = pl.col("tag"), options.oldest_days * _DAY_US
    yield ("accounting_missing", pl.lit(not head.accounted) & (pl.col("pieces") > 0),
           "the file has no accounting information")  # fmt: skip
    yield ("currency_missing", pl.lit(not head.currency) & (pl.col("pieces") > 0),
           "the file names no currency")  # fmt: skip
    yield ("subscriber_missing", tag.is_in(_SUBSCRIBED) & (pl.col("imsi") == ""),
           "it has neither IMSI nor MIN")  # fmt: skip
    if options.home_networks:
        ours = pl.any_horizontal(
            pl.col("imsi").str.starts_with(one) for one in options.home_networks
        )
        yield ("subscriber_foreign", (pl.col("imsi") != "") & ~ours,
               pl.format("IMSI {} is of none of the networks {}", "imsi",
                         pl.lit(", ".join(options.home_networks))))  # fmt: skip
    yield ("charge_missing", tag.is_in(_USED) & (pl.col("pieces") == 0),
           "it has no charge information")  # fmt: skip
    for place, rule in enumerate(CHARGE_RULES):
        yield (rule, pl.col("faults") & (1 << place) != 0,
               pl.format("{} (it charges {})", pl.lit(_WORDS[rule]), "charge"))  # fmt: skip
    yield ("units_exceed_duration", tag.is_in(_CALLS) & (pl.col("timed") > pl.col("length_s")),
           pl.format("{} seconds are charged for, the call took {}", "timed", "length_s"),
           )  # fmt: skip
    volume = pl.col("down_octets") + pl.col("up_octets")
    whole = (tag == tags.GPRS) & ~pl.col("divided").fill_null(value=False)
    yield ("units_exceed_volume", whole & (pl.col("metered") > volume),
           pl.format("{} octets are charged for, {} went through", "metered", volume))  # fmt: skip
    if head.available_us is not None:
        age_us = pl.lit(head.available_us) - pl.col("start_us")
        yield ("sent_too_late", age_us > late_us,
               pl.format("it began {} days before its file was made available, more than {}",
                         age_us // _DAY_US, pl.lit(options.oldest_days)))  # fmt: skip


def held_against_rules(
    decoded: pl.DataFrame, beside: pl.DataFrame, head: Head, options: TapOptions
) -> pl.DataFrame:
    """Refuse events that break a rule, unless they were refused already; flag warnings.

    Args:
        decoded: Rows of DECODED.
        beside: What the rules read beside them, the same rows.
    """
    more = beside.select(
        pl.col(name) if name in beside.columns else pl.lit(None, dtype=kind).alias(name)
        for name, kind in _BESIDE.items()
    )
    frame = decoded.hstack(more)
    for rule, wrong, words in _broken(head, options):
        reason = RULES[rule].reason
        if reason is not None and rule not in options.not_checked:
            frame = refuse(frame, wrong, reason, naming(rule, words))
    if head.available_us is not None:
        after = pl.col("reason").is_null() & (pl.col("start_us") > head.available_us)
        flag = pl.when(after).then(pl.lit("event_after_file")).otherwise("quality_flags")
        frame = frame.with_columns(flag.alias("quality_flags"))
    return frame.select(decoded.columns)
