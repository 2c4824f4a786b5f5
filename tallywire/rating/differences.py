"""Charges as they stand beside charges as they should be, and the rows between."""

import polars as pl

from schemas.columns import columns
from schemas.rated import RatedEvent
from tallywire.catalog.snapshot import Snapshot
from tallywire.rating.corrections import LEG, REVERSAL, replacements, reversals
from tallywire.rating.dispatch import Outcome
from tallywire.rating.events import CATALOG, ENTRY, PLACE, RUNS
from tallywire.rating.in_order import Catalogs
from tallywire.rating.kept import legs_kept

_UNCOMPARED = frozenset(
    {"rated_id", "op", "version", "supersedes", "reason", "cause_id", "price_no", "bill_period",
     "is_billed", "fate_change", "rater", "catalog_hash", "engine_version", "ledgered_at",
     "batch_token", "batch_row", "runs"}
)  # fmt: skip
COMPARED = tuple(name for name in columns(RatedEvent) if name not in _UNCOMPARED)
"""Columns in which a charge that was rated again must be the same to be left alone."""


def paired(old: pl.DataFrame, new: pl.DataFrame) -> pl.DataFrame:
    """Pair charges with what they are now: row numbers `old`, `new`, null where one is missing.

    `changed` is true where one is missing or a value that matters differs.
    """
    keys = [*LEG, "_number"]

    def numbered(frame: pl.DataFrame, name: str) -> pl.DataFrame:
        number = pl.int_range(pl.len()).over(LEG)
        return frame.select(*LEG, number.alias("_number")).with_row_index(name)

    pairs = numbered(old, "old").join(
        numbered(new, "new"), on=keys, how="full", coalesce=True, maintain_order="left_right"
    )
    both = pairs.filter(pl.col("old").is_not_null() & pl.col("new").is_not_null())
    left, right = old[both["old"]], new[both["new"]]
    changed = left["bill_period"] != _booked(left, right)
    for name in COMPARED:
        changed |= left[name].ne_missing(right[name])
    told = both.select("old", "new").with_columns(changed.alias("changed"))
    return pairs.join(told, on=["old", "new"], how="left", maintain_order="left").with_columns(
        pl.col("changed").fill_null(value=True)
    )


def _booked(old: pl.DataFrame, new: pl.DataFrame) -> pl.Series:
    """Name the period of each charge: its own, or a later one where it was booked there before."""
    own = old["_own"] if "_own" in old.columns else new["bill_period"]
    later = old["bill_period"] > own
    return pl.select(
        pl.when(later.fill_null(value=False))
        .then(pl.max_horizontal(new["bill_period"], old["bill_period"]))
        .otherwise(new["bill_period"])
    ).to_series()


def difference(
    pairs: pl.DataFrame,
    charges: tuple[pl.DataFrame, Outcome],
    wanted: pl.DataFrame,
    cause: tuple[str, bytes],
) -> pl.DataFrame:
    """Reverse charges that are not what they should be, and put the right ones in their place.

    Args:
        pairs: Rows of `paired`.
        charges: As they stand, and what rating them again gave; what was refused stays.
        wanted: The events in the order of rating.
        cause: Reason and request.

    Returns:
        Rows of RatedEvent in that order.
    """
    old, new = charges[0], charges[1].rated
    pairs = pairs.filter("changed").join(
        gone_refused(pairs, old, charges[1].refused), on="old", how="anti", maintain_order="left"
    )
    gone = old[pairs["old"].drop_nulls()]
    made = pairs.filter(pl.col("new").is_not_null())
    before, now = old[made["old"]], new[made["new"]]
    told = now.select(ENTRY).join(
        wanted.select(*ENTRY, RUNS), on=ENTRY, how="left", maintain_order="left"
    )
    now = now.with_columns(
        told[RUNS].alias("runs"),
        before["rated_id"].alias("supersedes"),
        before["version"].fill_null(0).alias("version"),
        _booked(before, now).alias("bill_period"),
    )
    both = pl.concat([reversals(gone.drop("_own"), *cause), replacements(now, *cause)])
    order = wanted.select("event_id").with_row_index(PLACE).unique("event_id", keep="first")
    return (
        both.join(order, on="event_id", how="left")
        .sort(PLACE, "run", "side", "party_id", pl.col("op") != REVERSAL, maintain_order=True)
        .select(list(columns(RatedEvent)))
    )


def gone_refused(pairs: pl.DataFrame, old: pl.DataFrame, refused: pl.DataFrame) -> pl.DataFrame:
    """Give the numbers of charges that are not there any more as they were refused."""
    gone = pairs.filter(pl.col("new").is_null() & pl.col("old").is_not_null()).select("old")
    legs = gone.with_columns(old[gone["old"]].select(*ENTRY, "run"))
    whole = refused.filter(pl.col("run") == "")
    return pl.concat(
        [
            legs.join(whole, on=ENTRY, how="semi"),
            legs.join(refused, on=[*ENTRY, "run"], how="semi"),
        ]
    ).select("old")


def unsteady(
    pairs: pl.DataFrame, old: pl.DataFrame, wanted: pl.DataFrame, catalogs: Catalogs
) -> pl.DataFrame:
    """Call those charges changed that must say their new catalogue, though no value changes.

    A charge that read a counter, whose limits are others in the new catalogue, would come out
    differently under its own as soon as the counter holds what it does now.

    Args:
        pairs: Rows of `paired`.
        old: Charges as they stand.
        wanted: Usage with the catalogue that it is rated under now.
        catalogs: Catalogues by hash.

    Returns:
        The pairs.
    """
    reading = old.with_row_index("old").filter(
        (pl.col("allowance_id") != "")
        | (pl.col("cumulative_before") != -1)
        | (pl.col("counters") != "")
    )
    was = pl.col("catalog_hash").alias("_was")
    moved = (
        reading.select("old", *ENTRY, "run", was, "offer_id", "tariff_id")
        .join(legs_kept(wanted), on=[*ENTRY, "run"], how="anti")
        .join(wanted.select(*ENTRY, CATALOG), on=ENTRY)
        .filter(pl.col(CATALOG) != pl.col("_was"))
    )
    kinds = ["_was", CATALOG, "offer_id", "tariff_id"]
    others = [
        kind
        for kind in moved.select(kinds).unique(maintain_order=True).iter_rows()
        if _limits(catalogs(kind[0])[1], *kind[2:]) != _limits(catalogs(kind[1])[1], *kind[2:])
    ]
    schema = dict.fromkeys(kinds, pl.String())
    differing = pl.DataFrame(others, schema=schema, orient="row")
    found = moved.join(differing, on=kinds, how="semi")["old"]
    return pairs.with_columns(pl.col("changed") | pl.col("old").is_in(found.implode()))


def _limits(snapshot: Snapshot, offer_id: str, tariff_id: str) -> tuple[object, ...]:
    """Give what the catalogue says of counters."""
    offer, tariff = snapshot.offers.get(offer_id), snapshot.tariffs.get(tariff_id)
    terms = (offer.allowances, offer.discounts, offer.spends, offer.balances) if offer else ()
    tiers = tuple(price.tiers for price in tariff.prices) if tariff else ()
    return terms, tiers, snapshot.grants
