"""The whole tariff plan: six files in, a catalogue and notes out."""

from collections.abc import Iterator, Mapping

from schemas.services import UNIT_OF_SERVICE, Service, Unit
from tallywire.catalog.imports.cgrates.plans import PlanBook
from tallywire.catalog.imports.cgrates.profiles import (
    SERVICES,
    Histories,
    Profile,
    read_profiles,
)
from tallywire.catalog.imports.cgrates.tables import PROFILES, Tables, read_tables
from tallywire.catalog.imports.cgrates.tariffs import TariffMaker
from tallywire.catalog.imports.operator_file import OperatorWords, assumed, operator_yaml
from tallywire.catalog.imports.report import Imported, Kind, Note, in_order
from tallywire.catalog.imports.yaml_out import Ids, plain_id, plain_name, yaml_text
from tallywire.catalog.yaml_text import Tree

_ROUNDING = Note(
    "",
    0,
    Kind.DIFFERENT,
    "the source rounds each span and each increment to 5 decimals and then their sum; here the sum "
    "is exact and rounded once",
    "a charge may differ in its last decimals; here it is the exact one",
)
_LEVELS = Note(
    "",
    0,
    Kind.DIFFERENT,
    "a subject without a profile of its own has that of *any in the source; here a subscription "
    "names its offer",
    "none, once each subscription names the offer it has",
)


class _Plan:
    """A tariff plan while it is imported."""

    def __init__(
        self, tables: Tables, said: OperatorWords, services: Mapping[str, Service]
    ) -> None:
        self.said = said
        self.services = {**SERVICES, **services}
        self.zone = said.value("time_zone")
        self.notes = tables.notes
        self.book = PlanBook(tables)
        self.profiles = read_profiles(tables.rows[PROFILES], self.zone, self.notes)
        self.tenants = list(dict.fromkeys(one.key[0] for one in self.profiles))
        self.maker = TariffMaker(self.book, self.zone)
        self.plans: list[Tree] = []
        self.offers: list[Tree] = []

    def work(self) -> None:
        ids = Ids()
        histories = Histories(self.profiles, self.book)
        for profile in self.profiles:
            service = self.services.get(profile.key[1].lower())
            if service is None:
                self.notes.append(_no_service(profile))
                continue
            tariff = self.maker.tariff(service, histories.of(profile))
            name = ids.of(" ".join(profile.key), ":".join(plain_id(part) for part in profile.key))
            if not tariff:
                text = f"nothing of {' '.join(profile.key)} has a price"
                note = profile.first.note(Kind.LOST, text, "no offer was written for it")
                self.notes.append(note)
                continue
            line: dict[str, Tree] = {"service": service.value, "tariff": tariff}
            known = plain_name(" ".join(profile.key))
            self.plans.append({"id": name, "name": known, "tariffs": [line]})
            self.offers.append({"id": name, "name": known, "plans": [name]})
            self.notes += _units(profile, service)
        self.notes += self.book.unused()
        if len(self.tenants) > 1:
            self.notes.append(_tenants(self.tenants))

    def files(self) -> dict[str, str]:
        if not self.offers:
            return {}
        tenant = plain_id(self.tenants[0]) if len(self.tenants) == 1 else "default"
        trees = self.maker.trees
        files = {
            "operator.yaml": operator_yaml(self.said, tenant),
            "plans/plans.yaml": yaml_text(self.plans),
            "offers/offers.yaml": yaml_text(self.offers),
        }
        for folder in ("zones", "calendars", "tariffs"):
            found: dict[str, Tree] = getattr(trees, folder)
            names = Ids()
            files |= {
                f"{folder}/{names.of(name, name.replace(':', '_'))}.yaml": yaml_text(one)
                for name, one in found.items()
            }
        return files


def _no_service(profile: Profile) -> Note:
    category = profile.key[1]
    text = (
        f"the category {category} does not say which service it is; say --service "
        f"{category}=SERVICE"
    )
    return profile.first.note(Kind.LOST, text, f"no offer was written for {' '.join(profile.key)}")


def _units(profile: Profile, service: Service) -> Iterator[Note]:
    if UNIT_OF_SERVICE[service] == Unit.OCTET:
        text = f"{' '.join(profile.key)}: a unit of the source is taken for one octet"
        money = "wrong by a constant factor, where the source counts kilobytes or others"
        yield profile.first.note(Kind.ASSUMED, text, money)


def _tenants(tenants: list[str]) -> Note:
    text = (
        f"a catalogue has one tenant, the source has {', '.join(tenants)}: offers carry the "
        "tenant in their id; import each tenant on its own to keep them apart"
    )
    return Note(PROFILES, 0, Kind.LOST, text, "none; rated rows all carry one tenant")


def import_cgrates(
    texts: Mapping[str, str], said: OperatorWords, services: Mapping[str, Service] | None = None
) -> Imported:
    """Make a catalogue of a CGRateS tariff plan.

    Args:
        texts: File name to content, of the *.csv files in its folder.
        said: What is known about the operator.
        services: Category to service, beside the usual ones.
    """
    tables = read_tables(texts)
    for file in tables.missing:
        text = "the file is missing; a tariff plan has six files"
        tables.notes.append(Note(file, 0, Kind.LOST, text, "what it says has no effect here"))
    plan = _Plan(tables, said, {name.lower(): one for name, one in (services or {}).items()})
    plan.work()
    notes = [*plan.notes, *assumed(said)]
    if plan.offers:
        notes += [_ROUNDING, *([_LEVELS] if len(plan.offers) > 1 else [])]
    return Imported(plan.files(), in_order(notes))
