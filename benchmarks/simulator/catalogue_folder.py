"""The catalogue folder: who is charged what, as the engine under test is told."""

import csv
import io
from pathlib import Path

from benchmarks.simulator import catalogue_feeds
from benchmarks.simulator.book import COST_ROUNDING, Book, carrier_ids, plan_ids
from benchmarks.simulator.flat import CALLS, MESSAGES, READINGS, RESOURCES, SKUS, Flat
from benchmarks.simulator.money import Rounding, written
from benchmarks.simulator.world import World

OPERATOR = """tenant: solvik
legal_entity: Solvik Tele AS
currency: EUR
time_zone: Europe/Oslo
home_country: "47"
international_prefixes: ["00"]
home_plmn: "24298"
"""
DECK_COLUMNS = ("prefix", "destination", "rate", "fee", "first_s", "next_s", "from", "to")
ACCOUNT_COLUMNS = (
    "account_id", "subscription_id", "offer_id", "identifier_type", "identifier", "valid_from", "valid_to",
)  # fmt: skip
OLDEST = "2025-01-01"


def write(world: World, folder: Path) -> None:
    """Write the catalogue of a run into a folder."""
    plans, carriers = plan_ids(world.parameters.plans), carrier_ids(world.parameters.carriers)
    files = {
        "operator.yaml": OPERATOR,
        **catalogue_feeds.files(world.parameters),
        "plans/plans.yaml": "".join(_plan(plan) for plan in plans),
        "offers/offers.yaml": "".join(f"- {{id: {plan}, plans: [{plan}]}}\n" for plan in plans),
        "partners/carriers.yaml": "".join(_partner(carrier) for carrier in carriers),
        "accounts/accounts.csv": accounts(world),
    }
    for plan in plans:
        files[f"tariffs/{plan}.yaml"] = _retail(
            plan, world.catalogue.roundings[plan], world.flat[plan]
        )
        files[f"tariffs/decks/{plan}.csv"] = deck(world.catalogue, plan)
    for carrier in carriers:
        files[f"tariffs/{carrier}.yaml"] = _voice(f"cost_{carrier}", carrier, COST_ROUNDING)
        files[f"tariffs/decks/{carrier}.csv"] = deck(world.costs, carrier)
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)


def _plan(plan: str) -> str:
    services = {
        "voice": "voice",
        "sms": "sms",
        "data": "data",
        "iot": "iot",
        "api": "api",
        "cloud": "cloud",
    }
    lines = "".join(
        f"  - {{service: {one}, tariff: {plan}_{name}}}\n" for one, name in services.items()
    )
    return f"- id: {plan}\n  tariffs:\n" + "".join(f"  {line}\n" for line in lines.splitlines())


def _partner(carrier: str) -> str:
    return (
        f"- id: {carrier}\n  legs:\n    - run: wholesale\n      side: cost\n      field: trunk_out\n"
        f'      values: ["{carrier}", "PJSIP/{carrier}"]\n'
        f"      tariffs: [{{service: voice, tariff: cost_{carrier}}}]\n"
    )


def _voice(tariff: str, owner: str, rounding: Rounding) -> str:
    return f"""- id: {tariff}
  service: voice
  zone_by: b_number
  rounding: {{mode: {rounding.mode}, scale: {rounding.scale}}}
  revisions:
    - revision: 1
      valid_from: {OLDEST}
      deck:
        file: decks/{owner}.csv
        per: 60s
        columns: {{prefix: prefix, destination: destination, rate: rate, connect_fee: fee, initial: first_s, subsequent: next_s, valid_from: from, valid_to: to}}
"""


def _retail(plan: str, rounding: Rounding, flat: Flat) -> str:
    resources = "".join(
        f'        - {{when: {{usage_type: {sku}}}, rate: "{written(flat.resources[sku])}", per: 1}}\n'
        for sku in SKUS
    )
    parts = [
        _voice(f"{plan}_voice", plan, rounding),
        _simple(plan, "sms", MESSAGES, f'        - {{rate: "{written(flat.message)}", per: 1}}\n'),
        _simple(
            plan, "data", Rounding("half_up", 9),
            f'        - {{rate: "0.{flat.data_mb:03d}", per: 1 MB, increment: 1 B/1 B}}\n',
        ),
        _simple(
            plan, "iot", READINGS,
            f'        - {{rate: "{written(flat.reading_mb)}", per: 1 MB, increment: 1 kB/1 kB}}\n',
        ),
        _simple(plan, "api", CALLS, f'        - {{rate: "{written(flat.calls_1000)}", per: 1000}}\n'),
        _simple(plan, "cloud", RESOURCES, resources),
    ]  # fmt: skip
    return "\n".join(parts)


def _simple(plan: str, service: str, rounding: Rounding, prices: str) -> str:
    return f"""- id: {plan}_{service}
  service: {service}
  zone_by: none
  rounding: {{mode: {rounding.mode}, scale: {rounding.scale}}}
  revisions:
    - revision: 1
      valid_from: {OLDEST}
      prices:
{prices}"""


def table(columns: tuple[str, ...], rows: list[list[str]]) -> str:
    """Write rows as CSV under their columns' names."""
    into = io.StringIO()
    writer = csv.writer(into, lineterminator="\n")
    writer.writerow(columns)
    writer.writerows(rows)
    return into.getvalue()


def deck(book: Book, owner: str) -> str:
    """Write a price list as a rate deck."""
    rows = [
        [
            row.prefix, row.name, written(row.terms.rate), written(row.terms.fee),
            str(row.terms.first_s), str(row.terms.next_s),
            row.valid_from.isoformat() if row.valid_from else "",
            row.valid_to.isoformat() if row.valid_to else "",
        ]
        for row in book.rows
        if row.owner == owner
    ]  # fmt: skip
    return table(DECK_COLUMNS, rows)


def accounts(world: World) -> str:
    """Write who pays, by every identifier that usage may carry."""
    rows = []
    for one in world.people.everyone:
        over = world.left.get(one.account, one.active_to)
        dates = [day.isoformat() if day else "" for day in (one.active_from, over)]
        known = [(one.identifier_type, one.identifier)]
        if one.kind == "consumer":
            known.append(("user_name", one.user_name))
        rows += [[one.account, one.subscription, one.plan, *kind, *dates] for kind in known]
    return table(ACCOUNT_COLUMNS, sorted(rows))
