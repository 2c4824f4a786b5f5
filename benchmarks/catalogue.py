"""An operator's catalogue as files: carriers' decks, retail plans with their own terms, accounts.

The same shape and seed give the same bytes everywhere.
"""

import random
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import polars as pl

from benchmarks.included import ALLOWANCES

Ints = npt.NDArray[np.int64]

SEED = 20_261_024
FIRST_MSISDN = 4_790_000_000
ZONES = (
    ("on_net", "47900 47901 47902"),
    ("domestic_mobile", "474 479 4758 4759"),
    ("domestic_fixed", "47"),
    ("nordics", "45 46 358 354 298"),
    ("baltics", "370 371 372"),
    ("union", "30 31 32 33 34 36 39 40 43 44 48 49 351 352 353 356 357 359 385 386 420 421"),
    ("europe", "355 373 374 375 376 377 380 381 382 383 387 389 41 423"),
    ("north_america", "1"),
    ("asia", "60 61 62 63 64 65 66 81 82 84 86 90 91 92 95 98 852 853 886 966 971 972"),
    ("south_america", "51 52 53 54 55 56 57 58 502 503 504 505 506 507 591 593 595 598"),
    ("africa", "20 212 213 216 218 221 225 233 234 237 243 251 254 255 256 260 263 27"),
    ("satellite", "870 881 882 883"),
    ("elsewhere", "2 3 4 5 6 7 8 9"),
)
"""Retail zones and the prefixes that begin them; longer ones are cut below."""

NETWORKS = (
    ("roam_nordics", "238 240 244 274"),
    ("roam_union", "202 204 206 208 214 216 222 226 230 231 232 234 260 262 268 270 272"),
    ("roam_world", "302 310 311 334 404 405 440 450 454 460 502 505 510 515 520 525 602 655 724"),
)
_BASES = (
    "1", "33", "44", "46", "47", "49", "7", "86", "91", "234", "351", "380", "966", "55", "254",
)  # fmt: skip
_BLOCK = 250
_FILES = {
    "operator.yaml": """tenant: bench
legal_entity: Bench
currency: EUR
time_zone: Europe/Oslo
home_country: "47"
""",
    "calendars/peak.yaml": """id: peak
time_zone: Europe/Oslo
bands: [off_peak, peak]
rules:
  - {band: peak, days: mon-fri, from: "08:00", to: "18:00"}
""",
    "feeds/events.yaml": """id: events
format: cloudevents
path: events-*.jsonl
service: voice
served: [{identifier: msisdn, field: a_number}]
options: {events: [{type: call, service: voice, quantity: data.seconds, unit: seconds}]}
""",
}


@dataclass(frozen=True)
class Shape:
    """How large an operator is.

    Attributes:
        carriers: Partners who are paid for usage, each by a rate deck.
        prefixes: Prefixes of each deck.
        plans: Retail offers, each with five tariffs and five allowances of its own.
        retail_prefixes: Prefixes of the zone plan that all retail tariffs price.
        sequential_accounts: Accounts of each thousand whose offer is rated one by one: it has a
            discount by what was spent, and a spend limit.
    """

    carriers: int = 3
    prefixes: int = 36_000
    plans: int = 40
    retail_prefixes: int = 1_000
    accounts: int = 300_000
    subscribers: int = 1_000_000
    sequential_accounts: int = 10

    @property
    def retail_offers(self) -> int:
        """Plans, and one more where some accounts are rated one by one."""
        return self.plans + bool(self.sequential_accounts)


def retail_offer(plan: int) -> str:
    return f"offer_{plan:05d}"


def trunk(carrier: int) -> str:
    return f"trunk-{carrier:02d}"


def deck_prefixes(prefixes: int) -> list[str]:
    """Nested prefixes of 1 to 9 digits, the same for every carrier, sorted."""
    chance = random.Random(SEED)
    found = {str(number) for number in range(1, 10)}
    while len(found) < prefixes:
        base = chance.choice(_BASES)
        found.add(base + "".join(chance.choices("0123456789", k=chance.randrange(1, 7))))
    return sorted(found)


def _deck(carrier: int, prefixes: list[str]) -> str:
    """Prices of one carrier: some three thousand different ones."""
    chance = random.Random(f"{SEED} deck {carrier}")
    rows = [
        f"{prefix},zone {prefix[:2]},0.{chance.randrange(1, 2_000):04d},0,{first},{then}"
        for prefix, (first, then) in zip(
            prefixes, chance.choices(((60, 60), (60, 6), (1, 1)), k=len(prefixes)), strict=True
        )
    ]
    return "prefix,destination,rate,fee,first,next\n" + "\n".join(rows) + "\n"


def retail_zones(prefixes: int) -> dict[str, list[str]]:
    """Zones to prefixes: those that begin them, and longer ones until there are enough."""
    chance = random.Random(f"{SEED} zones")
    zones = {name: begun.split() for name, begun in ZONES}
    every = {prefix: name for name, begun in zones.items() for prefix in begun}
    begun = sorted(every)
    while len(every) < prefixes:
        base = chance.choice(begun)
        longer = base + "".join(chance.choices("0123456789", k=chance.randrange(1, 5)))
        if longer not in every:
            every[longer] = every[base]
            zones[every[base]].append(longer)
    return zones


def _zone_plan(name: str, zones: dict[str, list[str]]) -> str:
    rows = [
        f"  - {{id: {zone}, prefixes: [{', '.join(prefixes)}]}}" for zone, prefixes in zones.items()
    ]
    return "\n".join([f"id: {name}", "zones:", *rows, ""])


def _carrier(carrier: int) -> str:
    name = f"carrier_{carrier:02d}"
    deck = f"""- id: {name}
  service: voice
  zone_by: b_number
  rounding: {{mode: half_up, scale: 6}}
  revisions:
  - revision: 1
    valid_from: 2025-01-01
    deck:
      file: decks/{name}.csv
      per: 1 min
      columns: {{prefix: prefix, destination: destination, rate: rate, connect_fee: fee, initial: first, subsequent: next}}"""
    others = (
        ("sms", "1", "1/1"), ("data", "1 MB", "1 kB/1 kB"), ("roaming_voice", "60s", "60/1"),
        ("roaming_data", "1 MB", "10 kB/10 kB"),
    )  # fmt: skip
    return "\n".join([deck, *(_flat(f"{name}_{one[0]}", *one) for one in others), ""])


def _price(chance: random.Random, most: int) -> str:
    return f"0.{chance.randrange(1, most):04d}"


def _voice(name: str, zone_plan: str, zones: tuple[tuple[str, str], ...], field: str) -> str:
    chance = random.Random(f"{SEED} {name}")
    peak = field == "b_number"
    tiers = _tiers("voice_counted", "60s", "500 min") if peak else ""
    rows = []
    for zone, _ in zones:
        rate = _price(chance, 9_000)
        rates = f"{{off_peak: {_price(chance, 5_000)}, peak: {rate}}}" if peak else rate
        fee = "connect_fee: 0.05, " if chance.random() < 0.3 else ""
        steps = chance.choice(("1/1", "60/1", "60/60"))
        rows.append(
            f"      - {{zone: {zone}, {fee}rate: {rates}, per: 60s, increment: {steps}{tiers}}}"
        )
    return "\n".join(
        [
            f"- id: {name}",
            f"  service: {'voice' if peak else 'roaming_voice'}",
            f"  zone_by: {field}",
            *(["  calendar: peak"] if peak else []),
            "  rounding: {mode: half_up, scale: 4}",
            "  revisions:",
            "  - revision: 1",
            "    valid_from: 2025-01-01",
            f"    zones: {zone_plan}",
            "    prices:",
            *rows,
        ]
    )


def _tiers(counter: str, per: str, edge: str) -> str:
    """What is counted of an account in a month adds something, less from an edge on."""
    steps = f'{{rate: "0.0200", per: {per}}}, {{from: {edge}, rate: "0.0100", per: {per}}}'
    return f", tiers: {{scope: account, counter: {counter}, steps: [{steps}]}}"


def _flat(name: str, service: str, per: str, increment: str, tiers: str = "") -> str:
    rate = _price(random.Random(f"{SEED} {name}"), 900)
    return f"""- id: {name}
  service: {service}
  zone_by: none
  rounding: {{mode: half_up, scale: 4}}
  revisions:
  - revision: 1
    valid_from: 2025-01-01
    prices: [{{rate: {rate}, per: {per}, increment: {increment}{tiers}}}]"""


def _retail(plan: int) -> list[str]:
    number = f"{plan:05d}"
    return [
        _voice(f"voice_{number}", "dialled", ZONES, "b_number"),
        _flat(f"sms_{number}", "sms", "1", "1/1", _tiers("messages_counted", "1", "100")),
        _flat(
            f"data_{number}", "data", "1 MB", "1 kB/1 kB", _tiers("data_counted", "1 MB", "10 GB")
        ),
        _voice(f"roaming_voice_{number}", "networks", NETWORKS, "serving_plmn"),
        _flat(f"roaming_data_{number}", "roaming_data", "1 MB", "10 kB/10 kB"),
    ]


def _plan(plan: int) -> str:
    number = f"{plan:05d}"
    lines = ", ".join(
        f"{{service: {service}, tariff: {service}_{number}}}"
        for service in ("voice", "sms", "data", "roaming_voice", "roaming_data")
    )
    return f"- {{id: plan_{number}, tariffs: [{lines}]}}"


def _offer(plan: int, *, sequential: bool) -> str:
    text = "\n".join(
        [
            f"- id: {retail_offer(plan)}",
            f"  plans: [plan_{plan:05d}]",
            "  allowances:",
            *(f"    - {one.text(plan)}" for one in ALLOWANCES),
        ]
    )
    return text + _SEQUENTIAL if sequential else text


_SEQUENTIAL = """
  discounts: [{id: loyal, by: spend, scope: account, steps: [{percent: "0"}, {from: "20", percent: "5"}]}]
  spend: [{id: bill, scope: account, maximum: "80.00"}]"""


def _partner(carrier: int) -> str:
    """A carrier is paid for all usage that leaves by its trunk."""
    name = f"carrier_{carrier:02d}"
    services = ("sms", "data", "roaming_voice", "roaming_data")
    lines = [f"{{service: {service}, tariff: {name}_{service}}}" for service in services]
    return f"""id: {name}
legs:
  - run: wholesale
    side: cost
    field: trunk_out
    values: [{trunk(carrier)}]
    tariffs: [{{service: voice, tariff: {name}}}, {", ".join(lines)}]
"""


def account_of(shape: Shape, subscriber: Ints) -> Ints:
    """Number the account of subscribers: equal shares of them, in order."""
    return subscriber * shape.accounts // shape.subscribers


def top_of(account: Ints) -> Ints:
    """Number the top of accounts: ten of them form a hierarchy, under the first."""
    return account // 10 * 10


def offer_names(shape: Shape) -> list[str]:
    """Names of all offers."""
    return [retail_offer(plan) for plan in range(shape.retail_offers)]


def offer_numbers(shape: Shape, subscriber: Ints) -> Ints:
    """Number the offers of subscribers: a whole hierarchy has one."""
    top = top_of(account_of(shape, subscriber)) // 10
    slow = top % 1_000 < shape.sequential_accounts
    return np.where(slow, shape.plans, top % shape.plans)


def account_names(account: Ints) -> pl.Series:
    return "a" + pl.Series(account).cast(pl.String).str.zfill(7)


def subscription_names(subscriber: Ints) -> pl.Series:
    return "s" + pl.Series(subscriber).cast(pl.String).str.zfill(7)


def _people(shape: Shape) -> str:
    subscriber = np.arange(shape.subscribers)
    names = pl.Series(offer_names(shape))
    account = account_of(shape, subscriber)
    parent = account_names(top_of(account))
    table = pl.DataFrame(
        {
            "account_id": account_names(account),
            "parent_id": pl.select(
                pl.when(pl.Series(top_of(account) == account)).then(pl.lit("")).otherwise(parent)
            ).to_series(),
            "subscription_id": subscription_names(subscriber),
            "offer_id": names.gather(offer_numbers(shape, subscriber)),
            "identifier_type": pl.repeat("msisdn", len(subscriber), eager=True),
            "identifier": pl.Series(FIRST_MSISDN + subscriber).cast(pl.String),
            "valid_from": pl.repeat("2025-01-01", len(subscriber), eager=True),
            "valid_to": pl.repeat("", len(subscriber), eager=True),
        }
    )
    return table.write_csv(quote_style="never")


def catalogue_files(shape: Shape) -> Iterator[tuple[str, str]]:
    """Give every file of the catalogue: name and text."""
    yield from _FILES.items()
    yield "zones/dialled.yaml", _zone_plan("dialled", retail_zones(shape.retail_prefixes))
    yield "zones/networks.yaml", _zone_plan("networks", {n: p.split() for n, p in NETWORKS})
    prefixes = deck_prefixes(shape.prefixes) if shape.carriers else []
    for carrier in range(shape.carriers):
        yield f"tariffs/carrier_{carrier:02d}.yaml", _carrier(carrier)
        yield f"tariffs/decks/carrier_{carrier:02d}.csv", _deck(carrier, prefixes)
        yield f"partners/carrier_{carrier:02d}.yaml", _partner(carrier)
    for first in range(0, shape.retail_offers, _BLOCK):
        block = range(first, min(first + _BLOCK, shape.retail_offers))
        tariffs = [one for plan in block for one in _retail(plan)]
        offers = [_offer(plan, sequential=plan >= shape.plans) for plan in block]
        yield f"tariffs/retail_{first:05d}.yaml", "\n".join(tariffs) + "\n"
        yield f"plans/retail_{first:05d}.yaml", "\n".join(map(_plan, block)) + "\n"
        yield f"offers/retail_{first:05d}.yaml", "\n".join(offers) + "\n"
    if shape.subscribers:
        yield "accounts/people.csv", _people(shape)


def write_catalogue(folder: Path, shape: Shape) -> None:
    """Write the catalogue into a folder."""
    for name, text in catalogue_files(shape):
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)


def read_catalogue(folder: Path) -> dict[str, bytes]:
    """Give the files as the product reads them: name to bytes."""
    paths = sorted(path for path in folder.rglob("*") if path.is_file())
    return {str(path.relative_to(folder)): path.read_bytes() for path in paths}
