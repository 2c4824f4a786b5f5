"""A small catalogue with one delimited feed of many fields, for stories of reference data."""

from collections.abc import Mapping

import polars as pl

from tallywire.catalog import Reading, Snapshot, read
from tallywire.mediation.decoded import Frames
from tallywire.mediation.decoders import DECODERS
from tallywire.mediation.framing import frame
from tallywire.mediation.lane import BatchContext, LaneState, Mediated, mediate
from tallywire.mediation.resolve import IdentifierIndex
from tests.unit.catalog_files import files as small_files

COLUMNS = (
    "id", "start", "seconds", "a_raw", "b_raw", "node", "trunk_in", "imei", "cell_id",
    "account_code", "user_name", "cause", "service",
)  # fmt: skip
COLLECTED = 1_793_000_000_000_000  # 2026-10-26
FEED = """
id: hub
format: declared
path: hub/*.csv
service: voice
served:
  - {identifier: account_code, field: account_code}
  - {identifier: msisdn, field: a_number}
options:
  layout: delimited
  separator: "|"
  columns: 13
  key: [{column: 1}]
  start: {column: 2}
  duration: {column: 3, unit: seconds}
  texts:
    a_raw: {column: 4}
    b_raw: {column: 5}
    node: {column: 6}
    trunk_in: {column: 7}
    imei: {column: 8}
    cell_id: {column: 9}
    account_code: {column: 10}
    user_name: {column: 11}
    cause: {column: 12}
    service: {column: 13}
"""
ACCOUNTS = """
- id: hansen-anna
  subscriptions:
    - {id: s1, offer: basic, identifiers: [{type: msisdn, value: "4790010001"}, {type: msisdn, value: "4790010002"}]}
- id: nordlys-oslo
  subscriptions:
    - {id: s2, offer: basic, identifiers: [{type: account_code, value: NL-OSLO}]}
- id: nordvik-carrier
  subscriptions:
    - {id: s3, offer: basic, identifiers: [{type: partner, value: NORDVIK}]}
"""
PARTNERS = """
id: nordvik
legs:
  - {run: carrier, side: cost, field: trunk_out, values: [NV-1], tariffs: [{service: voice, tariff: voice}]}
"""
_USUAL = {
    "start": "2026-10-20 10:00:00", "seconds": "60", "a_raw": "+4790010001",
    "b_raw": "+4741234567", "service": "voice",
}  # fmt: skip


def reading(
    rules: str = "", tables: Mapping[str, str] | None = None, *, operator: str = ""
) -> Reading:
    """Read it with more lines of the feed, files in `reference/`, more lines of operator.yaml."""
    files = small_files(
        {"feeds/exchange.yaml": None, "accounts/all.yaml": ACCOUNTS, "partners/all.yaml": PARTNERS}
    )
    files["operator.yaml"] += operator.encode()
    files["feeds/hub.yaml"] = (FEED + rules).encode()
    for name, text in (tables or {}).items():
        files[f"reference/{name}.csv"] = text.encode()
    return read(files, DECODERS)


def catalogue(
    rules: str = "", tables: Mapping[str, str] | None = None, *, operator: str = ""
) -> Snapshot:
    """Read it, without problems."""
    found = reading(rules, tables, operator=operator)
    assert found.problems == []
    assert found.snapshot is not None
    return found.snapshot


def said(
    rules: str = "", tables: Mapping[str, str] | None = None, *, operator: str = ""
) -> list[str]:
    """Give its problems as `file:line: key: message`."""
    return [str(one) for one in reading(rules, tables, operator=operator).problems]


def lines(*records: Mapping[str, str]) -> bytes:
    """Write records; what one does not say is usual."""
    rows = [
        "|".join({"id": str(number), **_USUAL, **record}.get(name, "") for name in COLUMNS)
        for number, record in enumerate(records)
    ]
    return "\n".join([*rows, ""]).encode()


def context(snapshot: Snapshot, data: bytes, frames: Frames | None = None) -> BatchContext:
    """Place bytes, or frames of them, in a file of the feed."""
    feed = snapshot.feeds["hub"]
    if frames is None:
        frames, _ = frame(data, DECODERS[feed.format].framing(feed), at_end=True)
    return BatchContext(
        feed=feed, snapshot=snapshot, index=IdentifierIndex(snapshot.identifiers), lane="hub",
        file_id="f", file_name="file", collected_at=COLLECTED, frames=frames,
    )  # fmt: skip


def worked(
    snapshot: Snapshot, *records: Mapping[str, str], state: LaneState | None = None
) -> Mediated:
    """Mediate records."""
    place = context(snapshot, lines(*records))
    assert place.frames is not None
    decoded = DECODERS[place.feed.format].decode(place.frames, place.feed)
    return mediate(state or LaneState(), decoded.frame, place)


def outcomes(made: Mediated) -> list[tuple[int, str, str]]:
    """Give (record, reason, detail) of what is not usage."""
    parts = [one.select("record_no", "reason", "detail") for one in (made.set_aside, made.suspense)]
    return sorted(pl.concat(parts).rows())
