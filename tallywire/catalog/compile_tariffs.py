"""Tariffs, compiled: exact prices per base unit, and a table of prefixes that point at them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import polars as pl

from tallywire.catalog.compile_calendars import ALWAYS
from tallywire.catalog.compile_decks import SIZES, DeckPrices
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
from tallywire.catalog.rules_revisions import revision_spans
from tallywire.catalog.snapshot import PREFIX_SCHEMA, Calendar, Price, Rounding, Tariff
from tallywire.catalog.terms import Conversion


@dataclass(frozen=True)
class _Zoned:
    """What decides the prefix rows of a revision that is priced by zone.

    Attributes:
        zones: Zone and the number of its price.
    """

    plan: str | None
    zones: tuple[tuple[str | None, int], ...]
    revision: int
    span: tuple[int, int]


class _Shared:
    """What the tariffs of a catalogue have in common: zone plans, and equal tables of prefixes."""

    def __init__(self, entries: Entries) -> None:
        self.entries = entries
        self.plans: Mapping[str, ZonePlan] = {one.value.id: one.value for one in entries.zone_plans}
        self._tables: dict[tuple[_Zoned, ...], pl.DataFrame] = {}

    def table(self, parts: tuple[_Zoned | pl.DataFrame, ...]) -> pl.DataFrame:
        """Put the parts of a tariff together; equal zoned ones become one DataFrame."""
        zoned = tuple(part for part in parts if isinstance(part, _Zoned))
        if len(zoned) == len(parts) and zoned in self._tables:
            return self._tables[zoned]
        frames = [self._rows(part) if isinstance(part, _Zoned) else part for part in parts]
        table = pl.concat(frames).sort("prefix", "valid_from_us")
        if len(zoned) == len(parts):
            self._tables[zoned] = table
        return table

    def _rows(self, part: _Zoned) -> pl.DataFrame:
        plan = self.plans.get(part.plan or "")
        prefixes = {zone.id: zone.prefixes for zone in plan.zones} if plan else {}
        rows = [
            (prefix, zone or "", number, part.revision, *part.span)
            for zone, number in part.zones
            for prefix in (prefixes[zone] if zone else ("",))
        ]
        return pl.DataFrame(rows, schema=PREFIX_SCHEMA, orient="row")


class _Tariff:
    """One tariff while it is compiled: prices found so far and prefix rows."""

    def __init__(self, entry: TariffEntry, calendar: Calendar, shared: _Shared) -> None:
        self.entry = entry
        self.calendar = calendar
        self.unit = priced_unit(entry, unit_of(entry.service))
        self.prices: list[Price] = []
        parts: list[_Zoned | pl.DataFrame] = []
        spans = revision_spans(entry, calendar.time_zone)
        for revision, span in zip(entry.revisions, spans, strict=True):
            rows = shared.entries.decks.get((entry.id, revision.revision))
            if revision.deck is not None and rows is not None:
                parts.append(self._deck(revision.deck, revision.revision, rows))
            else:
                parts.append(self._prices(revision, span))
        self.prefixes = shared.table(tuple(parts))

    def _prices(self, revision: RevisionEntry, span: tuple[int, int]) -> _Zoned:
        by_zone: dict[str | None, list[PriceEntry]] = {}
        for price in revision.prices:
            by_zone.setdefault(price.zone, []).append(price)
        compiler = ZonePrices(self.entry, self.unit, self.calendar.bands)
        zones = []
        for zone, entries in by_zone.items():
            number = len(self.prices)
            self.prices += compiler.of_zone(entries, number)
            zones.append((zone, number))
        if revision.unpriced:
            number = len(self.prices)
            self.prices.append(compiler.without_price())
            zones += [(zone, number) for zone in revision.unpriced]
        return _Zoned(revision.zones, tuple(zones), revision.revision, span)

    def _deck(self, deck: DeckEntry, revision: int, rows: pl.DataFrame) -> pl.DataFrame:
        priced = [
            name
            for name in column_map(deck.columns)
            if name.startswith(RATE) or name in {*MONEY, *SIZES}
        ]
        distinct = rows.select(priced).unique(maintain_order=True)
        first = len(self.prices)
        prices = DeckPrices(deck, self.unit, self.calendar.bands)
        self.prices += [prices.price(row) for row in distinct.iter_rows(named=True)]
        numbers = pl.Series("price_no", range(first, len(self.prices)), dtype=pl.Int32)
        numbered = rows.join(
            distinct.with_columns(numbers), on=priced, how="left", maintain_order="left"
        )
        return (
            numbered.with_columns(pl.lit(revision, dtype=pl.Int32).alias("revision"))
            .select(PREFIX_SCHEMA.names())
            .cast(PREFIX_SCHEMA)
        )


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
    shared = _Shared(entries)
    found = {}
    for placed in entries.tariffs:
        entry = placed.value
        calendar = calendars[entry.calendar or ALWAYS]
        tariff = _Tariff(entry, calendar, shared)
        found[entry.id] = Tariff(
            tariff_id=entry.id,
            service=entry.service.value,
            unit=unit_of(entry.service).value,
            currency=entry.currency or operator.currency,
            zone_by=entry.zone_by,
            calendar=calendar,
            rounding=Rounding(entry.rounding.mode, entry.rounding.scale),
            prices=tuple(tariff.prices),
            prefixes=tariff.prefixes,
            order=_order(entry, tariff.prices),
            straddle=entry.straddle,
            origins=_origins(entry, shared.plans),
            conversion=_conversion(entry),
            tax_category=entry.tax_category,
            legal_entity=entry.legal_entity or "",
            gl_code=entry.gl_code,
        )
    return found
