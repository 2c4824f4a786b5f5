"""The workload: half nested CloudEvents, half delimited records, a wholesale-sized rate deck."""

import random
from pathlib import Path

DECK_ROWS = 36_000
_START = "2026-10-24T"

OPERATOR = """tenant: bench
legal_entity: Bench
currency: EUR
time_zone: Europe/Oslo
home_country: "47"
"""
TARIFFS = """- id: voice
  service: voice
  zone_by: b_number
  calendar: peak
  rounding: {mode: half_up, scale: 6}
  revisions:
    - revision: 1
      valid_from: 2025-01-01
      deck:
        file: decks/deck.csv
        per: 1 min
        columns: {prefix: prefix, destination: destination, rate: rate, connect_fee: fee, initial: first, subsequent: next}
"""
CALENDAR = """id: peak
time_zone: Europe/Oslo
bands: [off_peak, peak]
rules:
  - {band: peak, days: mon-fri, from: "08:00", to: "18:00"}
"""
PLANS = "- {id: all, tariffs: [{service: voice, tariff: voice}]}\n"
OFFERS = """- id: all
  plans: [all]
  allowances: [{id: minutes, services: [voice], quantity: 100 min}]
"""
FEEDS = """- id: events
  format: cloudevents
  path: events-*.jsonl
  service: voice
  served: [{identifier: msisdn, field: a_number}]
  options:
    events:
      - {type: call.completed, service: voice, quantity: data.usage.seconds, unit: seconds, fields: {a_raw: data.parties.from, b_raw: data.parties.to, session_key: data.session.id, cell_id: data.place.cell}}
- id: lines
  format: declared
  path: lines-*.csv
  service: voice
  served: [{identifier: msisdn, field: a_number}]
  options:
    layout: delimited
    separator: ";"
    columns: 7
    key: [{column: 1}]
    start: {column: 4, pattern: rfc3339}
    duration: {column: 5, unit: seconds}
    texts: {a_raw: {column: 2}, b_raw: {column: 3}, trunk_out: {column: 6}}
"""


def _deck(chance: random.Random) -> tuple[str, list[str]]:
    """Make nested prefixes of 1 to 9 digits with prices like a carrier's."""
    prefixes = {str(number) for number in range(1, 10)}
    while len(prefixes) < DECK_ROWS:
        base = chance.choice(("1", "33", "44", "46", "49", "7", "86", "91", "234", "351"))
        prefixes.add(base + "".join(chance.choices("0123456789", k=chance.randrange(1, 6))))
    rows = [
        f"{prefix},zone {prefix[:3]},0.{chance.randrange(1, 20_000):05d},0,60,6"
        for prefix in sorted(prefixes)
    ]
    return "prefix,destination,rate,fee,first,next\n" + "\n".join(rows) + "\n", sorted(prefixes)


def write_catalog(folder: Path, subscribers: int, chance: random.Random) -> list[str]:
    """Write the catalogue; give the deck's prefixes."""
    deck, prefixes = _deck(chance)
    accounts = [
        "account_id,parent_id,subscription_id,offer_id,identifier_type,identifier,valid_from,valid_to"
    ]
    accounts += [
        f"a{number // 3},,s{number},all,msisdn,{4_790_000_000 + number},2025-01-01,"
        for number in range(subscribers)
    ]
    for name, text in (
        ("operator.yaml", OPERATOR), ("tariffs/voice.yaml", TARIFFS),
        ("tariffs/decks/deck.csv", deck), ("calendars/peak.yaml", CALENDAR),
        ("plans/plans.yaml", PLANS), ("offers/offers.yaml", OFFERS), ("feeds/feeds.yaml", FEEDS),
        ("accounts/people.csv", "\n".join(accounts) + "\n"),
    ):  # fmt: skip
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return prefixes


def _call(
    number: int, subscribers: int, prefixes: list[str], chance: random.Random
) -> tuple[str, str, str, int]:
    second = number * 80_000 // 2_000_000 % 80_000
    moment = f"{_START}{second // 3600:02d}:{second // 60 % 60:02d}:{second % 60:02d}.125Z"
    called = (chance.choice(prefixes) + str(chance.randrange(10**9, 10**10)))[:12]
    return (
        str(4_790_000_000 + chance.randrange(subscribers)),
        called,
        moment,
        chance.randrange(1, 600),
    )


def write_usage(
    folder: Path, events: int, subscribers: int, prefixes: list[str], chance: random.Random
) -> None:
    """Write half the events as nested CloudEvents of about 370 bytes, half as lines; 1 % twice."""
    folder.mkdir(parents=True)
    with (folder / "events-1.jsonl").open("w") as file:
        for number in range(events // 2):
            caller, called, moment, seconds = _call(number, subscribers, prefixes, chance)
            line = (
                f'{{"specversion":"1.0","type":"call.completed","source":"switch/osl-1",'
                f'"id":"c-{number:012d}","time":"{moment}","subject":"{caller}",'
                f'"datacontenttype":"application/json","data":{{"session":{{"id":"s{number:010d}",'
                f'"leg":"a"}},"parties":{{"from":"+{caller}","to":"+{called}"}},"usage":'
                f'{{"seconds":{seconds},"answered":true}},"place":{{"cell":"24299-{number % 997}",'
                f'"rat":"NR"}},"cause":{{"q850":16,"text":"normal clearing"}}}}}}\n'
            )
            file.write(line if number % 100 else line + line)
    with (folder / "lines-1.csv").open("w") as file:
        for number in range(events // 2):
            caller, called, moment, seconds = _call(number, subscribers, prefixes, chance)
            line = f"L{number:012d};+{caller};+{called};{moment};{seconds};trunk-{number % 20};ok\n"
            file.write(line if number % 100 else line + line)
