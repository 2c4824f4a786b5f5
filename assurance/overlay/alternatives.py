"""Other prices that a charge may have been made with: the catalogue changed in one way at a time.

Each alternative is a catalogue of its own, rated by the product's raters. Usage is asked for by
itself there: allowances, balances and spend limits are left out, tiers begin at nothing.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

import polars as pl

from assurance.overlay.frames import MONEY, as_events
from tallywire.catalog.snapshot import FOREVER_US, Group, Price, Snapshot, Tariff
from tallywire.rating.counters import Counters
from tallywire.rating.dispatch import Rater

_STEPS = {
    "microsecond": ((1, 1), (60, 60), (60, 1), (30, 6), (30, 1), (30, 30), (6, 6), (10, 10)),
    "octet": ((1, 1), (10**3, 10**3), (2**10, 2**10), (10**4, 10**4), (10**5, 10**5),
              (10**6, 10**6), (2**20, 2**20)),
}  # fmt: skip
_UNIT = {"microsecond": 1_000_000, "octet": 1}
_WORDS = {"microsecond": "s", "octet": "octets"}
_MOST_DATES = 24
_MOST_ZONES = 64
_PIECE = 200_000
ANSWER = pl.Schema(
    {
        "row": pl.Int64(),
        "amount": MONEY,
        "currency": pl.String(),
        "tariff_id": pl.String(),
        "tariff_revision": pl.Int32(),
        "zone_id": pl.String(),
        "matched_prefix": pl.String(),
    }
)


@dataclass(frozen=True)
class Alternative:
    """A catalogue with one thing changed.

    Attributes:
        label: What is other in it, as a reader is told.
        moment: Its prices are those of this instant, whenever usage was.
        unit: It has prices for usage that is counted in this unit; empty for all.
    """

    label: str
    snapshot: Snapshot
    moment: int | None = None
    unit: str = ""


def plain(snapshot: Snapshot) -> Snapshot:
    """Leave out what depends on other usage, and all legs but retail."""
    offers = {
        name: replace(offer, allowances=(), balances=(), spends=())
        for name, offer in snapshot.offers.items()
    }
    return replace(snapshot, offers=offers, partners=())


def _dates(tariff: Tariff) -> list[int]:
    return sorted(tariff.prefixes["valid_from_us"].unique().to_list())


def _as_of(tariff: Tariff, moment: int) -> Tariff:
    """Give a tariff as if the prices of one moment had always held."""
    held = tariff.prefixes.filter(
        (pl.col("valid_from_us") <= moment) & (pl.col("valid_to_us") > moment)
    )
    always = held.with_columns(
        pl.lit(0, dtype=pl.Int64).alias("valid_from_us"),
        pl.lit(FOREVER_US, dtype=pl.Int64).alias("valid_to_us"),
    )
    return replace(tariff, prefixes=always)


def revisions(snapshot: Snapshot) -> Iterator[Alternative]:
    """Give the catalogue as of each date on which a price began, the latest first.

    Tariffs that never changed have no prices in it: it is not their revision that differs.
    """
    changing = {name: one for name, one in snapshot.tariffs.items() if len(_dates(one)) > 1}
    moments = sorted({date for one in changing.values() for date in _dates(one)}, reverse=True)
    for moment in moments[:_MOST_DATES]:
        tariffs = {
            name: _as_of(one, moment)
            if name in changing
            else replace(one, prefixes=one.prefixes.clear())
            for name, one in snapshot.tariffs.items()
        }
        yield Alternative("", replace(snapshot, tariffs=tariffs), moment)


def _stepped(price: Price, first: int, following: int) -> Price:
    """Give a price of one rate other increments; one with several keeps its own."""
    if not price.groups:
        return price
    (group, *others) = price.groups
    if any(one.rates != group.rates or one.bands != group.bands for one in others):
        return price
    groups: tuple[Group, ...] = (Group(0, first, group.rates, group.bands),)
    if first != following:
        groups += (Group(first, following, group.rates, group.bands),)
    return replace(price, groups=groups)


def increments(snapshot: Snapshot) -> Iterator[Alternative]:
    """Give the catalogue with other increments, those of one unit at a time."""
    for unit, steps in _STEPS.items():
        for first, following in steps:
            tariffs = {
                name: _counted(tariff, unit, first, following)
                for name, tariff in snapshot.tariffs.items()
            }
            label = f"{first}/{following} {_WORDS[unit]}"
            yield Alternative(label, replace(snapshot, tariffs=tariffs), unit=unit)


def _counted(tariff: Tariff, unit: str, first: int, following: int) -> Tariff:
    """Give a tariff other increments; one that counts another unit has no prices then."""
    if tariff.unit != unit:
        return replace(tariff, prefixes=tariff.prefixes.clear())
    size = _UNIT[unit]
    prices = tuple(_stepped(price, first * size, following * size) for price in tariff.prices)
    return replace(tariff, prices=prices)


def zones(snapshot: Snapshot) -> pl.DataFrame:
    """List a prefix for each zone of each tariff: `tariff_id`, `zone_id`, `prefix`.

    Tariffs of very many zones, which are rate decks, have none here.
    """
    found = [pl.DataFrame(schema=dict.fromkeys(("tariff_id", "zone_id", "prefix"), pl.String()))]
    for name, tariff in sorted(snapshot.tariffs.items()):
        one = tariff.prefixes.group_by("zone_id").agg(pl.col("prefix").min()).sort("zone_id")
        if tariff.zone_by != "none" and one.height <= _MOST_ZONES:
            found.append(one.select(pl.lit(name).alias("tariff_id"), "zone_id", "prefix"))
    return pl.concat(found)


class Kept:
    """Alternatives that are made when they are first asked for, and kept.

    Args:
        made: Makes them.
    """

    def __init__(self, made: Iterator[Alternative]) -> None:
        self._made = made
        self._kept: list[Alternative] = []

    def __iter__(self) -> Iterator[Alternative]:
        """Give them in their order."""
        place = 0
        while True:
            if place == len(self._kept):
                following = next(self._made, None)
                if following is None:
                    return
                self._kept.append(following)
            yield self._kept[place]
            place += 1


class Prices:
    """Asks raters what usage costs by itself; a rater is built when it is first asked."""

    def __init__(self) -> None:
        self._raters: dict[int, Rater] = {}
        self._held: list[Snapshot] = []

    def ask(self, snapshot: Snapshot, usage: pl.DataFrame) -> pl.DataFrame:
        """Price usage.

        Args:
            snapshot: The catalogue, the same object each time.
            usage: Columns of EVENT, and `row`.

        Returns:
            Columns of ANSWER, of usage that has a price there.
        """
        if usage.is_empty():
            return pl.DataFrame(schema=ANSWER)
        if id(snapshot) not in self._raters:
            self._raters[id(snapshot)] = Rater(snapshot)
            self._held.append(snapshot)
        rater, made = self._raters[id(snapshot)], []
        for start in range(0, usage.height, _PIECE):
            piece = usage[start : start + _PIECE]
            events = as_events(piece.with_columns(pl.col("row").alias("record_no")))
            rated = rater.rate(events, Counters()).rated.filter(pl.col("run") == "retail")
            answers = rated.select(pl.col("record_no").alias("row"), *list(ANSWER)[1:])
            made.append(answers.cast(ANSWER))
        return pl.concat(made)


def zone_questions(
    rows: pl.DataFrame, listed: pl.DataFrame, tariffs: Mapping[str, Tariff]
) -> pl.DataFrame:
    """Write usage as if it had gone elsewhere: to each shorter prefix, then to each other zone.

    Args:
        rows: Usage with `row`, `tariff_id`, `zone_id`, `matched_prefix`.
        listed: What `zones` gave.
        tariffs: Those of the catalogue.

    Returns:
        The usage, several times, its number replaced; `asked_zone` and `asked_prefix`, `order`.
    """
    made = []
    for (tariff_id,), some in rows.group_by("tariff_id", maintain_order=True):
        tariff = tariffs.get(str(tariff_id))
        if tariff is None or tariff.zone_by == "none":
            continue
        asked = pl.concat([_shorter(some, tariff), _elsewhere(some, listed)])
        number = pl.when(pl.col("asked_prefix") == "").then(pl.lit("0")).otherwise("asked_prefix")
        made.append(some.join(asked, on="row").with_columns(number.alias(tariff.zone_by)))
    return pl.concat(made) if made else rows.clear()


def _shorter(some: pl.DataFrame, tariff: Tariff) -> pl.DataFrame:
    """List the shorter prefixes that the tariff knows, the longest first."""
    known = tariff.prefixes.select(
        pl.col("prefix").alias("asked_prefix"), pl.col("zone_id").alias("asked_zone")
    ).unique(["asked_prefix"], maintain_order=True)
    longest = some["matched_prefix"].str.len_bytes().max()
    pieces = [
        some.filter(pl.col("matched_prefix").str.len_bytes() > size).select(
            "row", pl.col("matched_prefix").str.head(size).alias("asked_prefix"),
            pl.lit(-size, dtype=pl.Int64).alias("order"),
        )
        for size in range(longest if isinstance(longest, int) else 0)
    ]  # fmt: skip
    if not pieces:
        return some.head(0).select("row", _text("asked_prefix"), _text("asked_zone"), _order(0))
    found = pl.concat(pieces).join(known, on="asked_prefix", maintain_order="left")
    return found.select("row", "asked_prefix", "asked_zone", "order")


def _elsewhere(some: pl.DataFrame, listed: pl.DataFrame) -> pl.DataFrame:
    """List the other zones of the tariff."""
    found = some.select("row", "tariff_id", pl.col("zone_id").alias("own")).join(
        listed, on="tariff_id", maintain_order="left_right"
    )
    return found.filter(pl.col("zone_id") != pl.col("own")).select(
        "row", pl.col("prefix").alias("asked_prefix"), pl.col("zone_id").alias("asked_zone"),
        _order(1),
    )  # fmt: skip


def _text(name: str) -> pl.Expr:
    return pl.lit("").alias(name)


def _order(value: int) -> pl.Expr:
    return pl.lit(value, dtype=pl.Int64).alias("order")
