"""Which legs each row of a batch has, and where this rater may charge them."""

from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
import polars as pl

from schemas.services import QUANTITY_LIMIT
from tallywire.catalog.fitness import offer_reasons, overridden, tariff_reasons
from tallywire.catalog.snapshot import Snapshot
from tallywire.rating.columnar.clocks import Ints
from tallywire.rating.columnar.included import AllowanceTable
from tallywire.rating.columnar.legs import Search, refusal_words, search
from tallywire.rating.columnar.partners import AMBIGUOUS, Claim, Run, runs
from tallywire.rating.columnar.periods import Periods
from tallywire.rating.columnar.tables import Tables

Flags = npt.NDArray[np.bool_]
RETAIL = "retail"

_LONGEST_DRAW = 10**12
"""A larger quantity could let the sums of one batch overflow: such rows are not taken."""


@dataclass(frozen=True)
class LegFound:
    """The priced rows of one leg.

    Attributes:
        rows: Places of its rows in the usage that has a price.
        offer: Number of the offer; empty for a partner.
        party: Number of each row's partner.
        parties: Names of partners by number.
        sides: Their sides.
    """

    run: str
    rows: Ints
    offer: Ints
    tariff: Ints
    entry: Ints
    price: Ints
    party: Ints
    parties: tuple[str, ...] = ("",)
    sides: tuple[str, ...] = ("revenue",)

    @property
    def retail(self) -> bool:
        """Whether the customer's terms apply."""
        return self.run == RETAIL

    def only(self, wanted: Flags) -> "LegFound":
        """Leave rows out."""
        if wanted.all():
            return self
        return replace(
            self, rows=self.rows[wanted], offer=self.offer[wanted] if self.retail else self.offer,
            tariff=self.tariff[wanted], entry=self.entry[wanted], price=self.price[wanted],
            party=self.party[wanted],
        )  # fmt: skip


@dataclass(frozen=True)
class Asked:
    """What a partner's run asked for.

    Attributes:
        rows: Places, among the usage that has a price, of rows with a leg.
        claims: What the run's partners claim; `claim` tells which of them each row has.
        ambiguous: Places of rows that several partners claim.
    """

    run: Run
    rows: Ints
    found: Search
    claims: list[Claim]
    claim: Ints
    ambiguous: Ints

    def only(self, wanted: Flags) -> "Asked":
        """Leave rows of the usage that has a price out."""
        part = np.flatnonzero(wanted[self.rows])
        return replace(
            self, rows=self.rows[part], found=_part(self.found, part),
            ambiguous=self.ambiguous[wanted[self.ambiguous]],
        )  # fmt: skip


@dataclass(frozen=True)
class Found:
    """The legs of a batch.

    Attributes:
        batch: All rows.
        retail: Their search.
        kept: Places of rows that have a price.
        usage: Those rows.
        legs: Their legs, retail first.
        asked: What each run of partners was asked.
        takeable: Rows of the batch that this rater may charge or refuse: nothing about them is
            sequential, and everything provably fits.
        asked_for: Places of the rows that are to be charged or refused.
    """

    batch: pl.DataFrame
    retail: Search
    kept: Ints
    usage: pl.DataFrame
    legs: tuple[LegFound, ...]
    asked: tuple[Asked, ...]
    takeable: Flags
    asked_for: Ints

    def only(self, wanted: Flags) -> "Found":
        """Leave the other rows of the batch out: they are neither charged nor refused."""
        priced = wanted[self.kept]
        return replace(
            self,
            legs=tuple(leg.only(priced[leg.rows]) for leg in self.legs),
            asked=tuple(one.only(priced) for one in self.asked),
            asked_for=np.flatnonzero(wanted),
        )


class Finder:
    """Finds legs and prices by the tables of one snapshot."""

    def __init__(self, snapshot: Snapshot) -> None:
        self.tables = Tables(snapshot)
        tables = self.tables
        self._snapshot = snapshot
        self._runs = runs(snapshot.partners, tables.number)
        self.allowances = AllowanceTable(tables.offers, tables.tariffs, tables.zone_codes.names)
        tariffs = snapshot.tariffs
        slow = [bool(offer_reasons(offer, tariffs)) for offer in tables.offers]
        self._slow_offer = np.array([*slow, False], bool)
        self._slow_offer[: len(slow)] |= self.allowances.contrary
        self._slow_tariff = np.array([bool(tariff_reasons(one)) for one in tables.tariffs], bool)
        subscriptions, accounts = overridden(snapshot)
        self._own = [
            (name, pl.Series(sorted(ids), dtype=pl.String))
            for name, ids in (("subscription_id", subscriptions), ("account_id", accounts))
            if ids
        ]
        zones = [offer.time_zone for offer in tables.offers]
        self._zones = sorted(set(zones))
        self._zone_of_offer = np.array([self._zones.index(zone) for zone in zones], np.int64)

    def periods(self, leg: LegFound, start: Ints) -> Periods:
        """Give the periods of a leg: by its offers' zones, for a partner by the operator's."""
        if leg.retail:
            return Periods(self._zone_of_offer[leg.offer], self._zones, start)
        return Periods(np.zeros(len(start), np.int64), [self._snapshot.time_zone], start)

    def find(self, batch: pl.DataFrame) -> Found:
        """Find every leg of every row."""
        tables = self.tables
        offer = tables.offer_codes.of(batch["offer_id"])
        uses = batch.select(pl.concat_str("service", "direction", separator="\x1f"))
        use = tables.leg_codes.of(uses.to_series())
        takeable = self._plain(batch, offer)
        retail = search(tables, batch, [chain[offer, use] for chain in tables.chains])
        good = retail.price >= 0
        kept = np.flatnonzero(good)
        usage = batch if good.all() else batch.filter(pl.Series(good))
        legs = [
            LegFound(
                RETAIL, np.arange(len(kept)), offer[kept], retail.tariff[kept],
                retail.entry[kept], retail.price[kept], party=np.zeros(len(kept), np.int64),
            )
        ]  # fmt: skip
        asked = [self._ask(run, usage) for run in self._runs] if len(kept) else []
        legs += [_leg(one) for one in asked]
        for leg in legs:
            takeable[kept[leg.rows]] &= self._fits(usage, leg)
        every = np.arange(batch.height)
        return Found(batch, retail, kept, usage, tuple(legs), tuple(asked), takeable, every)

    def _plain(self, batch: pl.DataFrame, offer: Ints) -> Flags:
        """Tell which rows have nothing about them that needs the rulebook."""
        plain: Flags = ~self._slow_offer[offer]
        plain &= (batch["runs"] == "").to_numpy()
        for name, ids in self._own:
            plain &= ~batch[name].is_in(ids.implode()).to_numpy()
        return plain

    def _fits(self, usage: pl.DataFrame, leg: LegFound) -> Flags:
        tables = self.tables
        quantity = usage["quantity"].to_numpy()[leg.rows]
        fits = ~self._slow_tariff[leg.tariff]
        if tables.converts:
            room = np.iinfo(np.int64).max // tables.multiply[leg.tariff] // 2
            fits &= quantity <= room
            quantity = tables.converted(leg.tariff, np.minimum(quantity, room))
            fits &= quantity <= QUANTITY_LIMIT
        limit = np.minimum(tables.prices.limit[leg.price], _LONGEST_DRAW)
        result: Flags = fits & (quantity <= limit)
        return result

    def _ask(self, run: Run, usage: pl.DataFrame) -> Asked:
        claims, claim = run.claims(usage)
        depth = max((len(one.tariffs) for one in claims), default=0)
        chains = np.full((len(claims), max(1, depth)), -1, np.int64)
        for number, one in enumerate(claims):
            chains[number, : len(one.tariffs)] = one.tariffs
        rows = np.flatnonzero(chains[claim, 0] >= 0)
        levels = [chains[claim[rows], level] for level in range(chains.shape[1])]
        found = search(self.tables, usage if len(rows) == usage.height else usage[rows], levels)
        several = np.array([bool(one.refusal[0]) for one in claims], bool)
        return Asked(run, rows, found, claims, claim, np.flatnonzero(several[claim]))

    def refusals(self, found: Found) -> tuple[pl.DataFrame, Ints]:
        """Give refused rows and legs with reason, detail, missing_ref, run and records; places.

        Rows come in input order, the legs of a row in theirs. A refused leg counts no record: its
        usage is rated, and asks for that run alone when it is tried again.
        """
        legs = len(found.asked) + 1
        bad = found.asked_for[found.retail.price[found.asked_for] < 0]
        rows = found.batch[bad]
        words = refusal_words(self.tables, _part(found.retail, bad), rows)
        frames, places = [_refused(rows, words, "")], [bad * legs]
        for number, one in enumerate(found.asked, start=1):
            lost = np.flatnonzero(one.found.price < 0)
            rows = found.usage[one.rows[lost]]
            words = refusal_words(self.tables, _part(one.found, lost), rows)
            frames.append(_refused(rows, words, one.run.name))
            frames.append(_refused(found.usage[one.ambiguous], _ambiguous(one), one.run.name))
            places += [found.kept[at] * legs + number for at in (one.rows[lost], one.ambiguous)]
        order = np.concatenate(places)
        return pl.concat(frames)[np.argsort(order, kind="stable")], np.sort(order) // legs


def _leg(one: Asked) -> LegFound:
    good = np.flatnonzero(one.found.price >= 0)
    rows, found = one.rows[good], one.found
    parties = tuple(claim.party_id for claim in one.claims)
    sides = tuple(claim.side for claim in one.claims)
    return LegFound(
        one.run.name, rows, np.empty(0, np.int64), found.tariff[good],
        found.entry[good], found.price[good], one.claim[rows], parties, sides,
    )  # fmt: skip


def _part(found: Search, rows: Ints) -> Search:
    return Search(
        found.tariff[rows], found.entry[rows], found.price[rows], found.reason[rows],
        found.digits.gather(rows), found.zone[rows],
    )  # fmt: skip


def _ambiguous(one: Asked) -> pl.DataFrame:
    told = [
        (AMBIGUOUS, *one.claims[number].refusal) for number in one.claim[one.ambiguous].tolist()
    ]
    schema = dict.fromkeys(("reason", "detail", "missing_ref"), pl.String)
    return pl.DataFrame(told, schema=schema, orient="row")


def _refused(rows: pl.DataFrame, words: pl.DataFrame, run: str) -> pl.DataFrame:
    asked = rows.with_columns(pl.lit(run).alias("runs")) if run else rows
    return pl.concat([asked, words], how="horizontal").with_columns(
        pl.lit(run).alias("run"), pl.lit(int(not run), dtype=pl.Int64).alias("records")
    )
