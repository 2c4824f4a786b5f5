"""What the demo reads of the store when all is done."""

from collections.abc import Mapping
from typing import Any

from cli.demo.coast import BERIT, LATE, LATER, SKEWED
from cli.demo.days import Days
from cli.reading import reader
from cli.status import summary
from dashboards.queries import rows
from dataflows.settings import Settings
from schemas.instants import MICROSECOND, micros_from_text
from warehouse.client import Client

_DAY_US = 86_400_000_000
_HOUR_US = 3_600_000_000
_NIGHT = {
    "feed": "pbx",
    "first": micros_from_text("2026-10-25T00:00:00Z"),
    "last": micros_from_text("2026-10-25T02:00:00Z"),
}


def picture(settings: Settings, days: Days) -> dict[str, Any]:
    """Read what the demo shows."""
    content = summary(settings)
    with reader(settings) as client:
        content["dst_night"] = rows(client, "offsets", _NIGHT)
        content["sample"] = [row["event_id"] for row in rows(client, "sample_event")]
        content["charges"] = _charges(client, days)
    return content


def _charges(client: Client, days: Days) -> Mapping[str, list[dict[str, Any]]]:
    """Give charges of faults whose findings carry no money."""
    copies = rows(client, "demo_copies")
    reasons = ("duplicate_file", "duplicate_record")
    found = {name: [row for row in copies if row["reason"] == name] for name in reasons}
    since = days.micros(SKEWED) - _HOUR_US
    skewed = {"caller": BERIT, "since": since, "from": since, "until": since + _DAY_US}
    came = days.micros(LATE) + LATER // MICROSECOND
    late = {"caller": "", "since": 0, "from": came, "until": came + 1}
    for name, asked in (("late", late), ("skewed", skewed)):
        found[name] = rows(client, "demo_charges", {"feed": "coast", **asked})
    return found
