"""Our calls as the store holds them: those that were charged, and those in suspense."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import orjson
import polars as pl

from assurance.outside.calls import CALLS
from dashboards.queries import rows
from schemas.instants import micros_from_text
from schemas.services import Service
from tallywire.catalog.snapshot import Snapshot
from warehouse.client import Client

_NANO = Decimal("0.000000001")


def of_partner(
    client: Client, partner: str, snapshot: Snapshot, near: tuple[int, int]
) -> pl.DataFrame:
    """Read the calls of a partner's legs, as rows of CALLS.

    Args:
        near: First instant, and the one behind the last, microseconds UTC.
    """
    asked = {"partner": partner, "first": near[0], "last": near[1]}
    parts = _parts(client, near)
    charged = [_charged(row, parts) for row in rows(client, "calls_of_partner", asked)]
    legs = [one for one in snapshot.partners if one.partner_id == partner]
    waiting = [
        _suspended(one)
        for one in suspended(client, near)
        if one.event.get("unit") == "microsecond"
        and any(one.event.get(leg.field, "") in leg.values for leg in legs)
    ]
    unread = [_unread(row) for row in rows(client, "unread_in_suspense", _of_voice(near))]
    return pl.DataFrame([*charged, *waiting, *unread], schema=CALLS, orient="row")


def of_feed(client: Client, feed: str, near: tuple[int, int]) -> pl.DataFrame:
    """Read the usage of a feed, as rows of CALLS: rated, and in suspense."""
    asked = {"feed": feed, "first": near[0], "last": near[1]}
    parts = _parts(client, near)
    charged = [_charged(row, parts) for row in rows(client, "calls_of_feed", asked)]
    waiting = [
        {**_suspended(one), "caller": one.event.get("imsi") or one.event.get("a_number", "")}
        for one in suspended(client, near)
        if one.feed == feed
    ]
    # usage of a feed that waits is usage that came: it lacks nothing that the other must not have
    found = pl.DataFrame([*charged, *waiting], schema=CALLS, orient="row")
    return found.with_columns(suspended=pl.lit(value=False))


@dataclass(frozen=True)
class Suspended:
    """Usage in suspense, as far as mediation had made it.

    Attributes:
        worth: As it was estimated; nothing where nothing was known.
    """

    place: str
    feed: str
    event: Mapping[str, Any]
    worth: Decimal | None

    @property
    def at_us(self) -> int:
        """When it began, microseconds UTC."""
        return int(str(micros_from_text(self.event["start_time"])))


def suspended(client: Client, near: tuple[int, int]) -> Iterator[Suspended]:
    """Give what is in suspense, of a time."""
    for row in rows(client, "suspended_usage", {"first": near[0], "last": near[1]}):
        yield Suspended(row["place"], row["feed"], orjson.loads(row["event"]), row["worth"])


def _parts(client: Client, near: tuple[int, int]) -> dict[str, int]:
    """Give what waits of each session, in the unit of its usage."""
    asked = {"first": near[0], "last": near[1]}
    return {row["session"]: row["size"] for row in rows(client, "waiting_parts", asked)}


def _of_voice(near: tuple[int, int]) -> dict[str, object]:
    return {"service": Service.VOICE.value, "first": near[0], "last": near[1]}


def _unread(row: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "place": row["place"], "time": row["at_us"], "caller": "", "called": "",
        "size": row["size"], "amount": None, "tariff": "", "destination": "", "suspended": True,
        "waiting": 0,
    }  # fmt: skip


def _charged(row: Mapping[str, Any], parts: Mapping[str, int]) -> dict[str, Any]:
    return {
        "place": row["place"], "time": row["at_us"], "caller": row["caller"],
        "called": row["called"], "size": row["size"], "amount": row["charged"].quantize(_NANO),
        "tariff": row["tariff"], "destination": row["destination"], "suspended": False,
        "waiting": parts.get(row["session"], 0),
    }  # fmt: skip


def _suspended(one: Suspended) -> dict[str, Any]:
    event = one.event
    return {
        "place": one.place, "time": one.at_us, "caller": event.get("a_number", ""),
        "called": event.get("b_number", ""), "size": int(event.get("quantity", 0)),
        "amount": None, "tariff": "", "destination": "", "suspended": True, "waiting": 0,
    }  # fmt: skip
