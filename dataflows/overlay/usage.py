"""Usage of files, decoded and mediated by the product's own lanes, priced account by account."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import polars as pl

from assurance.overlay.frames import EVENT, MONEY, USAGE, USAGE_ORDER, ZERO, as_events
from dataflows.sources.folder import InputMissing, discover, set_apart
from dataflows.trial import pieces
from schemas.outcomes import SuspenseEvent
from tallywire.catalog.snapshot import Feed, Snapshot
from tallywire.mediation.decoders import DECODERS
from tallywire.mediation.lane import BatchContext, LaneState, mediate
from tallywire.mediation.resolve import IdentifierIndex
from tallywire.rating.counters import Counters
from tallywire.rating.dispatch import Rater
from tallywire.worth import estimate

_NEVER_FUTURE = 4_000_000_000_000_000
"""Collected in 2096: usage that there was is never ahead of its collection."""

HELD = pl.Schema({**EVENT, "reason": pl.String(), "detail": pl.String(), "estimate": MONEY,
                  "currency": pl.String()})  # fmt: skip
"""Usage before it is priced; with a reason where mediation refuses it."""

_ATTRIBUTE = "attributes."


def files_of(
    usage: Sequence[str], feeds: Mapping[str, Feed]
) -> tuple[dict[str, list[Path]], list[str]]:
    """Find the files of each feed.

    Args:
        usage: `FEED=PATH`, or a folder or file whose names lead to feeds, as `run` takes them.
        feeds: Those of the catalogue.

    Returns:
        Files by feed, sorted; and what is to be said of files that are not read.

    Raises:
        InputMissing: If a feed or a path does not exist.
    """
    found: dict[str, set[Path]] = {}
    unclaimed: list[str] = []
    for text in usage:
        name, separator, place = text.partition("=")
        if separator and not Path(text).exists():
            if name not in feeds:
                known = ", ".join(sorted(feeds)) or "none"
                msg = f"--usage {text}: no feed {name}; feeds of the catalogue: {known}"
                raise InputMissing(msg)
            found.setdefault(name, set()).update(_all(Path(place)))
            continue
        taken, others = discover([Path(text)], feeds)
        packed, _ = set_apart([Path(text)])
        unclaimed += [f"{one.name} is packed: unpack it first" for one in packed]
        unclaimed += [
            f"no feed takes {one.name}; name one with --usage FEED={one.name}"
            for one in others
            if one not in packed
        ]
        for feed_id, candidates in taken.items():
            found.setdefault(feed_id, set()).update(one.path for one in candidates)
    return {name: sorted(paths) for name, paths in sorted(found.items()) if paths}, unclaimed


def _all(path: Path) -> list[Path]:
    if not path.exists():
        msg = f"{path} does not exist: name a file or a folder of usage files"
        raise InputMissing(msg)
    if path.is_dir():
        return [one for one in path.rglob("*") if one.is_file() and not one.name.startswith(".")]
    return [path]


@dataclass
class Collected:
    """What became of records that are no usage to be priced.

    Attributes:
        records: Records read.
        waiting: Parts of sessions that wait for the rest.
        set_aside: Records that mediation set aside, by reason: copies, filtered, merged.
        refused: Records that mediation suspended, by reason.
    """

    records: int = 0
    waiting: int = 0
    set_aside: Counter[str] = field(default_factory=Counter)
    refused: Counter[str] = field(default_factory=Counter)


def collected(
    files: Mapping[str, Sequence[Path]], snapshot: Snapshot, told: Collected
) -> Iterator[pl.DataFrame]:
    """Decode and mediate files of feeds, in the order of their names: rows of HELD.

    Old usage is taken, whenever it comes; nothing is kept.

    Args:
        files: By feed.
        snapshot: The catalogue.
        told: Counts what is no usage.

    Raises:
        OSError: If a file cannot be read.
    """
    index = IdentifierIndex(snapshot.identifiers)
    for feed_id, paths in files.items():
        feed, state = replace(snapshot.feeds[feed_id], backfill=True), LaneState()
        for path in paths:
            for frames in pieces(path, feed):
                context = BatchContext(
                    feed, snapshot, index, feed_id, "overlay", path.name, _NEVER_FUTURE, frames
                )
                decoded = DECODERS[feed.format].decode(frames, feed)
                made = mediate(state, decoded.frame, context)
                told.records += decoded.frame.height
                _count(told.set_aside, made.set_aside)
                _count(told.refused, made.suspense)
                opened = made.counts.filter(pl.col("term") == "open")["records"].sum()
                told.waiting += int(opened)
                yield _held(made.usage)
                if not made.suspense.is_empty():
                    yield _refused(made.suspense)


def _count(reasons: Counter[str], rows: pl.DataFrame) -> None:
    for reason, records in rows.group_by("reason").agg(pl.col("records").sum()).sort(
        "reason"
    ).iter_rows():  # fmt: skip
        reasons[reason] += records


def _held(usage: pl.DataFrame) -> pl.DataFrame:
    return usage.select(
        *EVENT, pl.lit("").alias("reason"), pl.lit("").alias("detail"),
        pl.lit(None, dtype=MONEY).alias("estimate"), pl.lit("").alias("currency"),
    )  # fmt: skip


def _refused(suspense: pl.DataFrame) -> pl.DataFrame:
    """Give suspended records what is known of their usage."""
    rows = suspense.filter(pl.col("change") > 0)
    texts = ("a_number", "b_number", "session_id", "served_identifier", "account_id")
    usage = pl.col("usage")
    rows = rows.select(
        *(name for name in SuspenseEvent.model_fields if name in EVENT),
        *(
            pl.when(usage != "").then(usage.str.json_path_match(f"$.{name}")).fill_null("")
            .alias(name)
            for name in texts
        ),
        pl.col("event_time").fill_null(0).alias("start_time"),
        "reason", "detail", pl.col("estimated_amount").alias("estimate"),
        pl.col("estimated_currency").alias("currency"),
    )  # fmt: skip
    every = as_events(rows)
    return every.select(EVENT.names()).with_columns(
        rows.select("reason", "detail", "estimate", "currency")
    )


def token(rows: pl.DataFrame) -> pl.Series:
    """Give the text by which usage is priced together: everything that may share a counter."""
    return rows.select(
        pl.when(pl.col("routing_id") != "").then("routing_id").otherwise("served_identifier")
    ).to_series()


class Pricer:
    """Prices usage as this product would have: retail, allowances drawn in the order of time.

    Args:
        snapshot: The catalogue.
        party: `account` or `calling`: what of usage finds its billed line.
        key: Field of usage that equals the bill's key; empty where it has none.
    """

    def __init__(self, snapshot: Snapshot, party: str, key: str) -> None:
        self._snapshot = snapshot
        self._rater = Rater(replace(snapshot, partners=()))
        self._party = "a_number" if party == "calling" else "account_id"
        self._key = key

    def price(self, held: pl.DataFrame) -> pl.DataFrame:
        """Price usage of whole accounts.

        Args:
            held: Rows of HELD; all usage of each account, in any order.

        Returns:
            Rows of USAGE.
        """
        named = held.with_columns(
            pl.col(self._party).alias("party"), pl.col("b_number").alias("called"),
            self._key_of().alias("key"),
        ).sort(USAGE_ORDER)  # fmt: skip
        numbered = named.with_columns(pl.int_range(pl.len()).alias("row"))
        usage = numbered.filter(pl.col("reason") == "")
        events = as_events(usage.with_columns(pl.col("row").alias("record_no")))
        outcome = self._rater.rate(events, Counters())
        rated = outcome.rated.filter(pl.col("run") == "retail").select(
            pl.col("record_no").alias("row"), pl.col("amount").cast(MONEY).alias("ours"),
            (pl.col("amount") - pl.col("rounding_difference")).cast(MONEY).alias("exact"),
            pl.col("currency").alias("price_currency"), "tariff_id", "tariff_revision", "zone_id",
            "matched_prefix", "rated_quantity", "included_quantity",
        )  # fmt: skip
        lost = estimate(outcome.refused, self._snapshot).select(
            pl.col("record_no").alias("row"), pl.col("reason").alias("why"),
            pl.col("detail").alias("what"), pl.col("estimated_amount").alias("worth"),
            pl.col("estimated_currency").alias("worth_currency"),
        ).unique("row", maintain_order=True)  # fmt: skip
        return _together(numbered, rated, lost)

    def _key_of(self) -> pl.Expr:
        if not self._key:
            return pl.lit("")
        if self._key.startswith(_ATTRIBUTE):
            path = f"$.{self._key.removeprefix(_ATTRIBUTE)}"
            given = pl.when(pl.col("attributes") != "").then("attributes")
            return given.str.json_path_match(path).fill_null("")
        return pl.col(self._key)


def _together(numbered: pl.DataFrame, rated: pl.DataFrame, lost: pl.DataFrame) -> pl.DataFrame:
    """Put prices and refusals beside their usage."""
    whole = numbered.join(rated, on="row", how="left", maintain_order="left").join(
        lost, on="row", how="left", maintain_order="left"
    )
    unpriced = pl.col("ours").is_null() & pl.col("why").is_null() & (pl.col("reason") == "")
    return whole.with_columns(
        pl.when(unpriced).then(pl.lit("tariff_missing"))
        .otherwise(pl.coalesce("why", "reason")).alias("reason"),
        pl.coalesce("what", "detail").alias("detail"),
        pl.coalesce("price_currency", "worth_currency", "currency").alias("currency"),
        pl.coalesce("worth", "estimate").cast(MONEY).alias("estimate"),
        pl.col("ours").fill_null(ZERO),
    ).select(pl.col(name).cast(kind) for name, kind in USAGE.items())  # fmt: skip
