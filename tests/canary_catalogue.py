"""A catalogue with one canary, in files."""

from pathlib import Path

from tests.unit.catalog_files import OPERATOR, PLAN, ZONES

_FEED = """
id: canaries
format: cloudevents
path: canaries/*.jsonl
service: voice
served: [{identifier: msisdn, field: a_number}]
options:
  events:
    - type: call
      service: voice
      quantity: data.seconds
      unit: seconds
      fields: {session_key: id, a_raw: data.from, b_raw: data.to}
"""
TARIFF = """
id: voice
service: voice
zone_by: b_number
rounding: {mode: half_up, scale: 4}
revisions:
  - revision: 1
    valid_from: 2026-01-01
    zones: dialled
    prices:
      - {zone: home, rate: "0.10", per: 60s, increment: 60/60}
      - {zone: abroad, rate: "0.30", per: 60s, increment: 60/60}
"""
_ACCOUNTS = """
- id: canary
  subscriptions:
    - {id: c1, offer: basic, identifiers: [{type: msisdn, value: "4790099999"}]}
- id: customer
  subscriptions:
    - {id: s1, offer: basic, identifiers: [{type: msisdn, value: "4790000001"}]}
"""
_CANARY = """
id: home-call
feed: canaries
account: canary
record: '{"specversion":"1.0","type":"call","source":"canary","id":"$id","time":"$start","data":{"from":"4790099999","to":"4722000100","seconds":60}}'
b_number: "4722000100"
quantity: 60s
expect: {amount: "0.10"}
every: EVERY
within: WITHIN
"""


def texts(*, every: str = "1h", within: str = "15s") -> dict[str, str]:
    """Give its files by name."""
    return {
        "operator.yaml": OPERATOR, "feeds/canaries.yaml": _FEED, "zones/dialled.yaml": ZONES,
        "tariffs/voice.yaml": TARIFF, "plans/mobile.yaml": PLAN,
        "offers/basic.yaml": "id: basic\nplans: [mobile]\n", "accounts/all.yaml": _ACCOUNTS,
        "canaries/home.yaml": _CANARY.replace("EVERY", every).replace("WITHIN", within),
    }  # fmt: skip


def declared(folder: Path, *, every: str = "1h", within: str = "15s") -> Path:
    """Write them into a folder."""
    for name, text in texts(every=every, within=within).items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)
    return folder
