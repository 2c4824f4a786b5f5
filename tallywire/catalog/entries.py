"""What was read, before it is compiled: entries with their places, tables with their lines."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from fractions import Fraction
from functools import cached_property
from typing import Generic, TypeVar

import polars as pl

from schemas.services import UNIT_OF_SERVICE, Service, Unit
from tallywire.catalog.assertion_models import AssertionEntry
from tallywire.catalog.models import (
    AccountEntry,
    CalendarEntry,
    FeedEntry,
    OfferEntry,
    Operator,
    PlanEntry,
    TariffEntry,
    ZonePlan,
)
from tallywire.catalog.models_canaries import CanaryEntry
from tallywire.catalog.models_terms import Entry, PartnerEntry
from tallywire.catalog.problems import Problem
from tallywire.catalog.terms import Grant
from tallywire.catalog.yaml_text import Document, Path
from tallywire.reference import Reference

E = TypeVar("E", bound=Entry)

LINE = "_line"
"""Column of a table: the line of the row in its CSV file."""

HOLDING_SCHEMA = pl.Schema(
    {
        "account_id": pl.String(),
        "subscription_id": pl.String(),
        "offer_id": pl.String(),
        "identifier_type": pl.String(),
        "identifier": pl.String(),
        "valid_from_us": pl.Int64(),
        "valid_to_us": pl.Int64(),
        "file": pl.String(),
        "line": pl.Int64(),
    }
)
"""One row for each time an identifier used a subscription under an offer."""


@dataclass(frozen=True)
class Placed(Generic[E]):
    """An entry and where it was written."""

    value: E
    file: str
    document: Document
    base: Path = ()

    def problem(self, path: Path, message: str) -> Problem:
        """Make a problem at a path within the entry."""
        return Problem(self.file, self.document.line((*self.base, *path)), dotted(path), message)


@dataclass(frozen=True)
class Parent:
    """The account above an account, and where that was said."""

    parent_id: str
    file: str
    line: int


@dataclass(frozen=True)
class Entries:
    """A catalogue as read.

    Attributes:
        broken: (kind, id) of entries that were refused: references to them are no second problem.
        tables: CSV files by name: text columns and LINE.
        top_ups: CSV files of top-ups by name, and `rates_of_exchange` those of exchange rates.
        decks: Checked rows of rate decks, by (tariff id, revision).
        parents: Account to the account above it, or to an empty parent id.
        holdings: Rows of HOLDING_SCHEMA.
        reference_files: CSV files of reference data, and `reference` the tables made of them,
            which have LINE.
    """

    operator: Placed[Operator] | None = None
    feeds: tuple[Placed[FeedEntry], ...] = ()
    zone_plans: tuple[Placed[ZonePlan], ...] = ()
    calendars: tuple[Placed[CalendarEntry], ...] = ()
    tariffs: tuple[Placed[TariffEntry], ...] = ()
    plans: tuple[Placed[PlanEntry], ...] = ()
    offers: tuple[Placed[OfferEntry], ...] = ()
    partners: tuple[Placed[PartnerEntry], ...] = ()
    accounts: tuple[Placed[AccountEntry], ...] = ()
    assertions: tuple[Placed[AssertionEntry], ...] = ()
    canaries: tuple[Placed[CanaryEntry], ...] = ()
    broken: frozenset[tuple[str, str]] = frozenset()
    tables: Mapping[str, pl.DataFrame] = field(default_factory=dict)
    top_ups: Mapping[str, pl.DataFrame] = field(default_factory=dict)
    rates_of_exchange: Mapping[str, pl.DataFrame] = field(default_factory=dict)
    decks: Mapping[tuple[str, int], pl.DataFrame] = field(default_factory=dict)
    grants: Mapping[tuple[str, str, str], tuple[Grant, ...]] = field(default_factory=dict)
    fx: Mapping[tuple[str, str], tuple[tuple[int, Fraction], ...]] = field(default_factory=dict)
    parents: Mapping[str, Parent] = field(default_factory=dict)
    holdings: pl.DataFrame = field(default_factory=HOLDING_SCHEMA.to_frame)
    reference_files: Mapping[str, pl.DataFrame] = field(default_factory=dict)
    reference: Reference = field(default_factory=dict)

    @property
    def time_zone(self) -> str:
        """The operator's zone; UTC while the operator cannot be read."""
        return self.operator.value.time_zone if self.operator else "UTC"

    def known(self, kind: str, placed: Iterable[Placed[E]]) -> frozenset[str]:
        """Give the ids of a kind, broken entries included."""
        sound = {str(getattr(one.value, "id", "")) for one in placed}
        return frozenset(sound | {name for of, name in self.broken if of == kind})

    def zone_of(self, tariff: TariffEntry) -> str:
        """Give the time zone of a tariff: that of its calendar, or the operator's."""
        calendar = self.calendar(tariff.calendar)
        return calendar.time_zone if calendar else self.time_zone

    def calendar(self, name: str | None) -> CalendarEntry | None:
        """Give a sound calendar by its id."""
        return self._calendars.get(name or "")

    @cached_property
    def _calendars(self) -> Mapping[str, CalendarEntry]:
        return {one.value.id: one.value for one in self.calendars}


Result = tuple[Entries, list[Problem]]
Pass = Callable[[Entries], Result]
"""A lint pass: entries in, entries and problems out."""


def unit_of(service: Service) -> Unit:
    """Give the base unit of a service."""
    return UNIT_OF_SERVICE[service]


def dotted(path: Path) -> str:
    """Write a path as `revisions[0].prices[2].rate`."""
    text = ""
    for step in path:
        text += f"[{step}]" if isinstance(step, int) else f"{'.' if text else ''}{step}"
    return text
