"""Tariffs, compiled: exact prices per base unit, and a table of prefixes that point at them."""

from collections.abc import Mapping, Sequence
from fractions import Fraction

import polars as pl

from tallywire.catalog.compile_calendars import ALWAYS
from tallywire.catalog.compile_prices import ZonePrices, priced_unit
from tallywire.catalog.deck import MONEY, RATE, column_map
from tallywire.catalog.entries import Entries, unit_of
from tallywire.catalog.models import (
    DeckEntry,
    PriceEntry,
    RevisionEntry,
    TariffEntry,
    ZonePlan,
)
from tallywire.catalog.models_terms import EVERY_BAND
from tallywire.catalog.pricing import (
    after_free,
    in_units,
    increment_groups,
    rates_by_band,
)
from tallywire.catalog.rules_revisions import revision_spans
from tallywire.catalog.snapshot import PREFIX_SCHEMA, Calendar, Group, Price, Rounding, Tariff
from tallywire.catalog.terms import Conversion

_SIZES = ("increment", "initial", "subsequent", "included")


class _Tariff:
    """One tariff while it is compiled: prices found so far and prefix rows."""

    def __init__(self, entry: TariffEntry, calendar: Calendar, entries: Entries) -> None:
        self.entry = entry
        self.calendar = calendar
        self.unit = priced_unit(entry, unit_of(entry.service))
        self.plans: Mapping[str, ZonePlan] = {one.value.id: one.value for one in entries.zone_plans}
        self.prices: list[Price] = []
        self.frames: list[pl.DataFrame] = []
        spans = revision_spans(entry, calendar.time_zone)
        for revision, span in zip(entry.revisions, spans, strict=True):
            rows = entries.decks.get((entry.id, revision.revision))
            if revision.deck is not None and rows is not None:
                self._deck(revision.deck, revision.revision, rows)
            else:
                self._prices(revision, span)

    def _prices(self, revision: RevisionEntry, span: tuple[int, int]) -> None:
        plan = self.plans.get(revision.zones or "")
        prefixes = {zone.id: zone.prefixes for zone in plan.zones} if plan else {}
        by_zone: dict[str | None, list[PriceEntry]] = {}
        for price in revision.prices:
            by_zone.setdefault(price.zone, []).append(price)
        compiler = ZonePrices(self.entry, self.unit, self.calendar.bands)
        rows = []
        for zone, entries in by_zone.items():
            number = len(self.prices)
            self.prices += compiler.of_zone(entries, number)
            rows += [
                (prefix, zone or "", number, revision.revision, *span)
                for prefix in (prefixes[zone] if zone else ("",))
            ]
        if revision.unpriced:
            number = len(self.prices)
            self.prices.append(compiler.without_price())
            rows += [
                (prefix, zone, number, revision.revision, *span)
                for zone in revision.unpriced
                for prefix in prefixes[zone]
            ]
        self.frames.append(pl.DataFrame(rows, schema=PREFIX_SCHEMA, orient="row"))

    def _deck(self, deck: DeckEntry, revision: int, rows: pl.DataFrame) -> None:
        priced = [
            name
            for name in column_map(deck.columns)
            if name.startswith(RATE) or name in {*MONEY, *_SIZES}
        ]
        distinct = rows.select(priced).unique(maintain_order=True)
        first = len(self.prices)
        self.prices += [self._price(deck, row) for row in distinct.iter_rows(named=True)]
        numbers = pl.Series("price_no", range(first, len(self.prices)), dtype=pl.Int32)
        numbered = rows.join(
            distinct.with_columns(numbers), on=priced, how="left", maintain_order="left"
        )
        self.frames.append(
            numbered.with_columns(pl.lit(revision, dtype=pl.Int32).alias("revision"))
            .select(PREFIX_SCHEMA.names())
            .cast(PREFIX_SCHEMA)
        )

    def _price(self, deck: DeckEntry, row: Mapping[str, str]) -> Price:
        per = in_units(deck.per, self.unit) or 1
        every = RATE + EVERY_BAND
        rates = {
            band: Fraction(row[every if every in row else RATE + band])
            for band in self.calendar.bands
        }
        exact = rates_by_band(rates, per, self.calendar.bands)
        fee = Fraction(row.get("connect_fee", deck.connect_fee))
        least = Fraction(row.get("minimum_charge", deck.minimum_charge))
        most = Fraction(row["maximum_charge"]) if "maximum_charge" in row else deck.maximum_charge
        return Price(fee, least, self._groups(deck, row, exact), most)

    def _size(self, text: str) -> int:
        return int(text) * (1_000_000 if self.unit == "microsecond" else 1)

    def _groups(
        self, deck: DeckEntry, row: Mapping[str, str], rates: tuple[Fraction, ...]
    ) -> tuple[Group, ...]:
        if "increment" in row or "initial" in row:
            initial = self._size(row.get("increment") or row["initial"])
            following = self._size(row.get("increment") or row["subsequent"])
            steps = [(0, initial), *([(initial, following)] if initial != following else [])]
        else:
            steps = [(s or 0, i or 1) for s, i in increment_groups(deck.increment, self.unit)]
        groups = tuple(Group(start, step, rates) for start, step in steps)
        return after_free(groups, self._size(row.get("included", "0")))


def _origins(entry: TariffEntry, plans: Mapping[str, ZonePlan]) -> Mapping[str, str]:
    plan = plans.get(entry.origins or "")
    zones = plan.zones if plan else ()
    return {prefix: zone.id for zone in zones for prefix in zone.prefixes}


def _conversion(entry: TariffEntry) -> Conversion | None:
    written = entry.convert
    if written is None:
        return None
    return Conversion(written.multiply, written.divide, written.rounding)


def _order(entry: TariffEntry, prices: Sequence[Price]) -> str:
    """Give the order of rating: steps that differ by band are walked one after another."""
    groups = [group for price in prices for group in (*price.groups, *(price.uplink or ()))]
    banded = any(group.bands for group in groups)
    return "sequential" if banded else entry.order


def compile_tariffs(entries: Entries, calendars: Mapping[str, Calendar]) -> Mapping[str, Tariff]:
    """Compile every tariff.

    Args:
        entries: Entries that lint has passed.
        calendars: Compiled calendars.
    """
    assert entries.operator is not None  # noqa: S101  lint has passed
    operator = entries.operator.value
    found = {}
    for placed in entries.tariffs:
        entry = placed.value
        calendar = calendars[entry.calendar or ALWAYS]
        tariff = _Tariff(entry, calendar, entries)
        found[entry.id] = Tariff(
            tariff_id=entry.id,
            service=entry.service.value,
            unit=unit_of(entry.service).value,
            currency=entry.currency or operator.currency,
            zone_by=entry.zone_by,
            calendar=calendar,
            rounding=Rounding(entry.rounding.mode, entry.rounding.scale),
            prices=tuple(tariff.prices),
            prefixes=pl.concat(tariff.frames).sort("prefix", "valid_from_us"),
            order=_order(entry, tariff.prices),
            straddle=entry.straddle,
            origins=_origins(entry, tariff.plans),
            conversion=_conversion(entry),
            tax_category=entry.tax_category,
            legal_entity=entry.legal_entity or "",
            gl_code=entry.gl_code,
        )
    return found
