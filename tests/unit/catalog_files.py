"""A catalogue of one of everything, for tests to change."""

from collections.abc import Mapping

from pydantic import BaseModel, ConfigDict

from tallywire.catalog import Problem, Reading, Snapshot, read


class PlainOptions(BaseModel):
    model_config = ConfigDict(extra="forbid")

    delimiter: str = ","
    skip: int = 0


class PlainFormat:
    options_model: type[BaseModel] = PlainOptions


FORMATS = {"plain": PlainFormat()}

OPERATOR = """
tenant: small
legal_entity: Small AS
currency: EUR
time_zone: Europe/Oslo
home_country: "47"
"""
FEED = """
id: exchange
format: plain
path: "exchange/*.csv"
service: voice
served: [{identifier: msisdn, field: a_number}]
"""
ZONES = """
id: dialled
zones:
  - {id: home, prefixes: ["47"]}
  - {id: abroad, prefixes: [any]}
"""
CALENDAR = """
id: peak
time_zone: Europe/Oslo
bands: [low, high]
rules:
  - {band: high, days: mon-fri, from: "08:00", to: "18:00"}
holidays: [2026-12-25]
"""
TARIFF = """
id: voice
service: voice
zone_by: b_number
calendar: peak
rounding: {mode: half_up, scale: 4}
revisions:
  - revision: 1
    valid_from: 2026-01-01
    zones: dialled
    prices:
      - {zone: home, rate: {low: 0.04, high: 0.10}, per: 60s, increment: 60/60}
      - {zone: abroad, connect_fee: 0.05, rate: 0.30, per: 60s, increment: 60/6}
"""
PLAN = """
id: mobile
tariffs:
  - {service: voice, tariff: voice}
"""
OFFER = """
id: basic
plans: [mobile]
allowances:
  - {id: minutes, services: [voice], zones: [home], quantity: 100 min}
"""
ACCOUNTS = """
- id: top
- id: "001"
  parent: top
  subscriptions:
    - id: s1
      offer: basic
      identifiers:
        - {type: msisdn, value: "4790000001", valid_from: 2026-01-01, valid_to: 2026-06-01}
"""
SMALL = {
    "operator.yaml": OPERATOR,
    "feeds/exchange.yaml": FEED,
    "zones/dialled.yaml": ZONES,
    "calendars/peak.yaml": CALENDAR,
    "tariffs/voice.yaml": TARIFF,
    "plans/mobile.yaml": PLAN,
    "offers/basic.yaml": OFFER,
    "accounts/all.yaml": ACCOUNTS,
}


def files(changes: Mapping[str, str | bytes | None] | None = None) -> dict[str, bytes]:
    """Give the small catalogue with some files replaced, or removed where none is given."""
    together = {**SMALL, **(changes or {})}
    return {
        name: text if isinstance(text, bytes) else text.encode()
        for name, text in together.items()
        if text is not None
    }


def reading(changes: Mapping[str, str | bytes | None] | None = None) -> Reading:
    return read(files(changes), FORMATS)


def snapshot(changes: Mapping[str, str | bytes | None] | None = None) -> Snapshot:
    found = reading(changes)
    assert found.problems == []
    assert found.snapshot is not None
    return found.snapshot


def changed(name: str, old: str, new: str) -> dict[str, str]:
    """Replace a text in one file of the small catalogue."""
    assert old in SMALL[name]
    return {name: SMALL[name].replace(old, new)}


def problems(name: str, old: str, new: str) -> list[Problem]:
    found = reading(changed(name, old, new))
    assert found.snapshot is None or not found.problems
    return found.problems


def said(name: str, old: str, new: str) -> list[str]:
    """Change one text and give the problems as `key: message`."""
    return [f"{one.key}: {one.message}" for one in problems(name, old, new)]
