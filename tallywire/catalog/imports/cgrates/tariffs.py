"""From a history of rating plans to one tariff, its zone plans and its calendar."""

import datetime as dt
import zoneinfo
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from schemas.services import UNIT_OF_SERVICE, Service
from tallywire.catalog.imports.cgrates.bands import Bands, bands_of
from tallywire.catalog.imports.cgrates.plans import Candidate, Destination, PlanBook, chained
from tallywire.catalog.imports.cgrates.prices import written_price
from tallywire.catalog.imports.cgrates.terms import maximum_of, rounding_of
from tallywire.catalog.imports.report import Kind, Note
from tallywire.catalog.imports.yaml_out import Ids, plain_name
from tallywire.catalog.yaml_text import Tree


@dataclass(frozen=True)
class Activation:
    """From this instant on a plan holds, and after it its fallbacks.

    Attributes:
        start: With its offset.
        plans: Rating plans, in the order in which they are asked.
        ends: It is the last, and another began that cannot be carried over.
    """

    start: dt.datetime
    plans: tuple[str, ...]
    end: dt.datetime | None = None


History = tuple[Activation, ...]


@dataclass
class Trees:
    """Entries of the catalogue by id."""

    zones: dict[str, Tree] = field(default_factory=dict)
    calendars: dict[str, Tree] = field(default_factory=dict)
    tariffs: dict[str, Tree] = field(default_factory=dict)


class TariffMaker:
    """Makes a tariff of each history, once.

    Args:
        book: The rating plans.
        time_zone: IANA zone in which timings are meant.
    """

    def __init__(self, book: PlanBook, time_zone: str) -> None:
        self.book = book
        self.time_zone = time_zone
        self.notes = book.notes
        self.trees = Trees()
        self._ids = Ids()
        self._zone_ids = Ids()
        self._made: dict[tuple[Service, History], str] = {}

    def tariff(self, service: Service, history: History) -> str:
        """Give the id of the tariff of a history; "" where nothing of it has a price."""
        key = service, history
        if key not in self._made:
            self._made[key] = self._make(service, history)
        return self._made[key]

    def _make(self, service: Service, history: History) -> str:
        unit = UNIT_OF_SERVICE[service]
        found = [chained(self.book, one.plans, unit) for one in history]
        every = [one for destinations in found for one in destinations]
        if not every:
            return ""
        first = history[0].start.astimezone(zoneinfo.ZoneInfo(self.time_zone)).date()
        bands = bands_of([one.candidates for one in every], first, self.notes)
        plans = "+".join(dict.fromkeys(one.plans[0] for one in history))
        one = _One(self, service, bands, named=any(_by_number(ones) for ones in found))
        revisions = one.revisions(history, found)
        if not revisions:
            return ""
        name = self._ids.of(f"{service} {history}", plans)
        if len(bands.keys) > 1:
            self.trees.calendars[name] = self._calendar(name, bands)
        tree: dict[str, Tree] = {"id": name, "service": service.value}
        tree["zone_by"] = "b_number" if one.named else "none"
        if len(bands.keys) > 1:
            tree["calendar"] = name
        tree["rounding"] = rounding_of(_candidates(every), self.notes)
        tree["revisions"] = [*revisions]
        self.trees.tariffs[name] = tree
        return name

    def _calendar(self, name: str, bands: Bands) -> Tree:
        tree: dict[str, Tree] = {"id": name, "time_zone": self.time_zone, "bands": [*bands.keys]}
        tree["rules"] = [*bands.rules]
        if bands.holidays:
            tree["holidays"] = [f"{date}" for date in bands.holidays]
        return tree

    def zone_plan(self, plans: Sequence[str], destinations: Iterable[Destination]) -> str:
        """Give the id of the zone plan of some rating plans, one zone for each destination."""
        name = self._zone_ids.of("+".join(plans))
        if name not in self.trees.zones:
            ids = Ids()
            zones: list[Tree] = [
                {
                    "id": ids.of(f"{number}", one.name),
                    "name": plain_name(one.name),
                    "prefixes": [prefix or "any" for prefix in one.prefixes],
                }
                for number, one in enumerate(destinations)
            ]
            self.trees.zones[name] = {"id": name, "zones": zones}
        return name

    def when(self, moment: dt.datetime) -> str:
        """Write an instant: as a date where it is midnight in the catalogue's zone."""
        local = moment.astimezone(zoneinfo.ZoneInfo(self.time_zone))
        return f"{local.date()}" if local.time() == dt.time() else moment.isoformat()


def _by_number(destinations: Sequence[Destination]) -> bool:
    return any(one.prefixes != ("",) for one in destinations)


def _candidates(destinations: Iterable[Destination]) -> Iterable[Candidate]:
    return [candidate for one in destinations for candidate in one.candidates]


class _One:
    """One tariff while it is made."""

    def __init__(self, maker: TariffMaker, service: Service, bands: Bands, *, named: bool) -> None:
        self.maker = maker
        self.unit = UNIT_OF_SERVICE[service]
        self.bands = bands
        self.named = named
        self._folded: set[str] = set()

    def revisions(
        self, history: History, found: Sequence[Sequence[Destination]]
    ) -> list[dict[str, Tree]]:
        """Make the revisions; those with nothing priced end the history or are left out."""
        made: list[dict[str, Tree]] = []
        place = 0
        for activation, destinations in zip(history, found, strict=True):
            places = range(place, place + len(destinations))
            place += len(destinations)
            tree = self._revision(activation, destinations, places)
            start = self.maker.when(activation.start)
            if tree is None:
                if made:
                    made[-1].setdefault("valid_to", start)
                continue
            if made and "valid_to" in made[-1]:
                break  # a hole cannot be written: what comes after it is not carried over
            made.append({"revision": str(len(made) + 1), "valid_from": start, **tree})
            if activation.end is not None:
                made[-1]["valid_to"] = self.maker.when(activation.end)
        return made

    def _revision(
        self, activation: Activation, destinations: Sequence[Destination], places: range
    ) -> dict[str, Tree] | None:
        tree: dict[str, Tree] = {}
        zones: list[str] = [""] * len(destinations)
        if self.named and destinations:
            tree["zones"] = self.maker.zone_plan(activation.plans, destinations)
            zones = self._zone_names(str(tree["zones"]))
        prices: list[Tree] = []
        unpriced: list[Tree] = []
        for zone, one, place in zip(zones, destinations, places, strict=True):
            if self.bands.without_price(place):
                self.maker.notes.append(self._uncovered(one, place))
                unpriced.append(zone)
            else:
                prices.append(self._price(zone, one, place))
        if not prices:
            return None
        if unpriced:
            tree["unpriced"] = unpriced
        return {**tree, "prices": prices}

    def _zone_names(self, plan: str) -> list[str]:
        tree = self.maker.trees.zones[plan]
        assert isinstance(tree, dict)  # noqa: S101  zone_plan made it
        return [str(zone["id"]) for zone in tree["zones"] if isinstance(zone, dict)]

    def _price(self, zone: str, one: Destination, place: int) -> Tree:
        held = self.bands.of(place)
        holding = list(held.values())
        written = written_price({name: one.rate for name, one in held.items()}, self.unit)
        if written.folded and one.name not in self._folded:
            self._folded.add(one.name)
            self.maker.notes.append(_in_first_step(one, holding[0]))
        tree: dict[str, Tree] = {"zone": zone} if zone else {}
        tree |= written.tree
        most = maximum_of(one.name, holding, self.maker.notes)
        if most:
            tree["maximum_charge"] = most
        return tree

    def _uncovered(self, one: Destination, place: int) -> Note:
        names = self.bands.without_price(place)
        row = one.candidates[0].plan_row
        text = (
            f"{row['id']}: {one.name} has no price at some time (in the bands {', '.join(names)}); "
            "a zone is priced at all times or never: write the missing timing"
        )
        money = f"all usage to {one.name} is set aside without price; the source refuses some of it"
        return row.note(Kind.LOST, text, money)


def _in_first_step(one: Destination, holding: Candidate) -> Note:
    row = holding.plan_row
    text = (
        f"{row['id']}: the connection fees of {one.name} differ by band, so each is part of the "
        "price of the first step"
    )
    money = "the same charge; an allowance that pays for the first step pays for the fee, too"
    return row.note(Kind.DIFFERENT, text, money)
