"""What came of each feed, what is missing since when, and what that is worth: from the store."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from itertools import groupby
from typing import Any

import orjson

from assurance.file_numbers import FILE_GAP, FILE_LATE, FILE_NUMBER_TWICE, RESENT
from assurance.files import MOMENTS, TRAILER, TRAILER_MISSING
from assurance.node_numbers import RECORD_GAP
from assurance.schedule import SCHEDULE_GAP, overdue_since
from dashboards.queries import rows
from dataflows.wall_clock import now_us
from schemas.instants import text_from_micros
from tallywire.catalog.snapshot import Snapshot
from warehouse.client import Client

GAPS = tuple(one.pattern for one in (FILE_GAP, SCHEDULE_GAP, RECORD_GAP, TRAILER, TRAILER_MISSING))
"""Patterns of findings that something is missing."""


@dataclass(frozen=True)
class Asked:
    """What is asked for: one feed or all, and since when."""

    feed: str = ""
    since_us: int = 0


def picture(client: Client, snapshot: Snapshot | None, asked: Asked) -> list[dict[str, Any]]:
    """Read what there is of feeds: those of the catalogue, and those that files came of."""
    given = {"since": asked.since_us}
    files = {row["feed_id"]: row for row in rows(client, "feeds", given)}
    records = {row["feed_id"]: row for row in rows(client, "feed_records", given)}
    findings: dict[str, dict[str, dict[str, int]]] = {}
    for row in rows(client, "feed_findings", given):
        findings.setdefault(row["feed_id"], {})[row["pattern"]] = row
    missing = gaps(client, asked)
    known = {*files, *records, *(snapshot.feeds if snapshot else ())} - {""}
    return [
        {
            "feed": feed,
            **_came(files.get(feed, {}), records.get(feed, {})),
            **_oddities(files.get(feed, {}), findings.get(feed, {})),
            **_missing([gap for gap in missing if gap["feed"] == feed]),
            "overdue_since": _overdue(snapshot, feed, files.get(feed, {})),
        }
        for feed in sorted(known)
        if asked.feed in {"", feed}
    ]


def gaps(client: Client, asked: Asked) -> list[dict[str, Any]]:
    """Read what is missing; numbers of files that follow each other are one gap."""
    given = {"feed": asked.feed, "since": asked.since_us, "patterns": list(GAPS)}
    found = [_gap(row) for row in rows(client, "feed_gaps", given)]
    found.sort(key=lambda gap: (gap["feed"], gap["pattern"], gap["of"], gap["first"]))
    return list(_joined(found))


def _gap(row: Mapping[str, Any]) -> dict[str, Any]:
    more = {one["name"]: one["value"] for one in orjson.loads(row["features"])}
    number = more.get("number", more.get("first", -1))
    return {
        "feed": row["feed_id"],
        "pattern": row["pattern"],
        "of": more.get("series", more.get("node", "")),
        "first": number,
        "last": more.get("last", number),
        "missing": 0 if row["unit"] in MOMENTS else row["expected"] - row["observed"],
        "unit": row["unit"],
        "records": more.get("records", 0),
        "since": row["window_start"] or row["window_end"] or row["opened_at"],
        "worth": row["money_at_risk"],
        "currency": row["currency"],
        "method": row["money_method"],
        "explanation": row["explanation"],
    }


def _joined(found: Iterable[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    last: dict[str, Any] | None = None
    for gap in found:
        alike = ("feed", "pattern", "of", "currency", "method")
        if (
            last is not None
            and gap["pattern"] == FILE_GAP.pattern
            and all(gap[name] == last[name] for name in alike)
            and gap["first"] == last["last"] + 1
        ):
            last["last"] = gap["last"]
            last["missing"] += gap["missing"]
            last["records"] += gap["records"]
            last["since"] = min(last["since"], gap["since"])
            if gap["worth"] is not None:
                last["worth"] = (last["worth"] or Decimal(0)) + gap["worth"]
            series = f"{last['of']}: " if last["of"] else ""
            last["explanation"] = (
                f"Files {series}{last['first']} to {last['last']} of {last['feed']} are missing."
            )
            continue
        if last is not None:
            yield last
        last = gap
    if last is not None:
        yield last


def _came(files: Mapping[str, Any], records: Mapping[str, Any]) -> dict[str, Any]:
    counted = ("collected", "suspended", "duplicate")
    return {
        "last_file": files.get("last_file"),
        "last_file_at": files.get("last_file_at"),
        "last_event_at": files.get("last_event_at"),
        "files": files.get("files", 0),
        **{name: int(records.get(name, 0)) for name in counted},
    }


def _oddities(
    files: Mapping[str, Any], findings: Mapping[str, Mapping[str, int]]
) -> dict[str, int]:
    def count(*patterns: str) -> int:
        return sum(findings[name]["findings"] for name in patterns if name in findings)

    return {
        "copies": files.get("copies", 0),
        "resent": count(RESENT.pattern, FILE_NUMBER_TWICE.pattern),
        "out_of_order": count(FILE_LATE.pattern),
    }


def _missing(found: list[dict[str, Any]]) -> dict[str, Any]:
    worth: dict[str, Decimal] = {}
    for gap in found:
        if gap["worth"] is not None:
            worth[gap["currency"]] = worth.get(gap["currency"], Decimal(0)) + gap["worth"]
    by_node = groupby(
        (gap for gap in found if gap["pattern"] == RECORD_GAP.pattern), lambda gap: str(gap["of"])
    )
    return {
        "missing_files": sum(gap["missing"] for gap in found if gap["unit"] == "files"),
        "missing_records": sum(
            gap["missing"] for gap in found if gap["pattern"] == RECORD_GAP.pattern
        ),
        "missing_by_node": {node: sum(gap["missing"] for gap in some) for node, some in by_node},
        "missing_since": min((gap["since"] for gap in found), default=None),
        "worth": [
            {"currency": currency, "amount": amount} for currency, amount in sorted(worth.items())
        ],
        "gaps": found,
    }


def _overdue(snapshot: Snapshot | None, feed_id: str, files: Mapping[str, Any]) -> str | None:
    """Tell since when a file of a feed is overdue: here is the one clock of completeness."""
    feed = snapshot.feeds.get(feed_id) if snapshot else None
    if snapshot is None or feed is None or not files:
        return None
    calendar = snapshot.calendars.get(feed.expect.calendar)
    since = overdue_since(files["last_file_us"], now_us(), feed.expect, calendar)
    return None if since is None else text_from_micros(since)


def incomplete(feed: Mapping[str, Any]) -> bool:
    """Tell whether something of a feed is missing, or overdue."""
    return bool(feed["gaps"] or feed["overdue_since"])
