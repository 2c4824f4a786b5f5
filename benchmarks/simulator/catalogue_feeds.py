"""The feeds of the catalogue: where each format's files lie, and what is expected of them."""

from benchmarks.simulator.parameters import Parameters

SWITCH = """id: switch
format: declared
path: "switch/SW*.csv"
service: voice
time_zone: UTC
served: [{identifier: msisdn, field: a_number}]
typical_quantity: 2 min
options:
  layout: delimited
  separator: ";"
  header: {starts_with: "H;", sequence: {column: 3}}
  record_starts_with: "R;"
  trailer: {starts_with: "T;", sequence: {column: 3}, records: {column: 4}, total: {column: 5}, total_of: duration, total_unit: seconds}
  key: [{column: 2}, {column: 3}]
  start: {column: 7, pattern: "%Y%m%d%H%M%S"}
  duration: {column: 8, unit: seconds}
  texts: {node: {column: 2}, session_key: {column: 4}, a_raw: {column: 5}, b_raw: {column: 6}, trunk_out: {column: 9}}
  numbers: {node_sequence: {column: 3}, partial_no: {column: 10}}
  partials:
    part: {field: {column: 11}, equals: [F, M, L]}
    first: {field: {column: 11}, equals: [F]}
    last: {field: {column: 11}, equals: [L]}
  idle_minutes: 60
  max_open_minutes: 480
"""
PBX = """id: pbx
format: asterisk_csv
path: "pbx/pbx*.csv"
service: voice
time_zone: Europe/Oslo
served: [{identifier: account_code, field: account_code}]
typical_quantity: 2 min
"""
MOBILE = """id: mobile
format: freeswitch_json
path: "mobile/fs*.jsonl"
service: voice
served: [{identifier: msisdn, field: a_number}]
typical_quantity: 2 min
options: {per_file: lines}
"""
ACCESS = """id: access
format: radius_detail
path: "access/detail-*"
service: data
time_zone: UTC
served: [{identifier: user_name, field: user_name}]
typical_quantity: 5 MB
options: {zone_abbreviations: {UTC: UTC}}
"""
PLATFORM = """id: platform
format: cloudevents
path: "platform/events*.jsonl"
service: sms
served:
  - {identifier: msisdn, field: a_number}
  - {identifier: customer, field: customer}
options:
  events:
    - {type: sms.sent, service: sms, fields: {a_raw: data.from, b_raw: data.to}}
    - {type: iot.reading, service: iot, quantity: data.octets, unit: octets}
    - {type: api.call, service: api, fields: {usage_type: data.path}}
    - {type: resource.hours, service: cloud, quantity: data.hours, unit: count, fields: {usage_type: data.sku}}
"""
NAMES = {
    "switch": r"(?P<node>SW[0-9]+)_(?P<number>[0-9]{6})",
    "pbx": r"(?P<node>pbx[0-9]+)\\.(?P<number>[0-9]{5})",
    "mobile": r"(?P<node>fs[0-9]+)-(?P<number>[0-9]{6})",
    "access": r"(?P<node>nas[0-9]+)-(?P<number>[0-9]{6})",
    "platform": r"(?P<node>events[0-9]+)-(?P<number>[0-9]{6})",
}
FEEDS = {"switch": SWITCH, "pbx": PBX, "mobile": MOBILE, "access": ACCESS, "platform": PLATFORM}


def files(parameters: Parameters) -> dict[str, str]:
    """Give the feeds' files of a catalogue."""
    made = {}
    for feed, text in FEEDS.items():
        shape = parameters.feeds[feed]
        every = f"  every: {shape.period_hours}h\n" if shape.nodes == 1 else ""
        expect = (
            f'expect:\n  sequence: {{name: "{NAMES[feed]}"}}\n{every}  grace: {shape.grace_s}s\n'
        )
        made[f"feeds/{feed}.yaml"] = text + expect
    return made
