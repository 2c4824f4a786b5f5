"""What partners carried, read from the store; and true-ups put before the lanes that own them."""

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any

import orjson
import xxhash

from cli.reading import reader
from cli.rerate.materialise import lanes_of
from cli.rerate.work import worked
from dashboards.queries import rows
from dataflows.catalogs import CatalogStore
from dataflows.requests import Asked, Request, settled_position
from dataflows.settings import Home, Settings
from dataflows.sources.log import part_name
from dataflows.usage_log.spool import USAGE
from schemas.requests import RequestKind
from tallywire.rating.partner_true_up import (
    Catalogs,
    Counted,
    PartnerCount,
    for_partner,
    partner_counts,
    routing_id,
)


@dataclass(frozen=True)
class PartnerSelection:
    """Which counters are looked at.

    Attributes:
        period: One month; all without.
        partner: One partner; all without.
        closing: The month is being closed: its true-ups are booked in it.
    """

    period: str = ""
    partner: str = ""
    closing: bool = False

    def asked(self) -> dict[str, str]:
        """Write it down."""
        return {"period": self.period, "partner": self.partner}


@dataclass(frozen=True)
class Read:
    """What the store says.

    Attributes:
        counted: Parts whose price is tiers of a partner.
        counts: The same, summed, with what is trued up already.
        positions: Where the lanes stood before it was read.
    """

    counted: Sequence[Counted]
    counts: Sequence[PartnerCount]
    positions: Mapping[str, int]


def catalogs_of(settings: Settings) -> Catalogs:
    """Give snapshots by hash."""
    return lru_cache(maxsize=8)(CatalogStore(Home(settings.home).catalogs).load)


def read_counts(settings: Settings, selection: PartnerSelection, catalogs: Catalogs) -> Read:
    """Read what partners carried and what is trued up.

    Raises:
        StoreUnavailable: If the store does not answer.
    """
    home = Home(settings.home)
    lanes = [part_name(USAGE, number) for number in range(settings.partitions)]
    positions = {lane: settled_position(home, lane) for lane in lanes}
    zone = catalogs(CatalogStore(home.catalogs).current()).time_zone
    with reader(settings) as client:
        parts = rows(client, "partner_counts", {**selection.asked(), "zone": zone})
        done = rows(client, "partner_true_ups", {"partner": selection.partner})
    found = [Counted.model_validate({**row, "units": int(row["units"])}) for row in parts]
    counted = [one for one in found if for_partner(one, catalogs(one.catalog_hash))]
    covered = {row["event_id"].bytes: int(row["units"]) for row in done}
    counts = partner_counts(counted, catalogs, covered)
    return Read(counted, counts, positions)


def requests(
    settings: Settings, selection: PartnerSelection, read: Read, request_id: uuid.UUID
) -> list[Asked]:
    """Write requests to the lanes that own the partners of whom something is due."""
    due = sorted({routing_id(one.party_id) for one in read.counts if one.due})
    made = []
    for lane, owned in sorted(lanes_of(due, settings.partitions).items()):
        mine = [one for one in read.counts if routing_id(one.party_id) in owned]
        request = Request(
            kind=RequestKind.TRUE_UP, request_id=request_id, lane=lane,
            position=read.positions[lane], period=selection.period if selection.closing else "",
            routing_ids=owned,
            counted=[one for one in read.counted if routing_id(one.party_id) in owned],
            covered={one.event_id.hex(): one.before for one in mine},
            asked=selection.asked(),
        )  # fmt: skip
        made.append(Asked(request))
    return made


def identity(selection: PartnerSelection, read: Read) -> uuid.UUID:
    """Name a request by what it asks for, by what was counted and by how far lanes were."""
    content = {
        "asked": [RequestKind.TRUE_UP.value, selection.asked(), selection.closing],
        "counted": [one.model_dump_json() for one in read.counted],
        "positions": dict(read.positions),
    }
    text = orjson.dumps(content, option=orjson.OPT_SORT_KEYS)
    return uuid.UUID(bytes=xxhash.xxh3_128_digest(text))


def true_up(settings: Settings, selection: PartnerSelection) -> list[Mapping[str, Any]]:
    """True partners up for everything they carried.

    Returns:
        What became of it, by routing id of the partner; nothing where nothing was due.

    Raises:
        StoreUnavailable: If the store does not answer.
    """
    catalogs = catalogs_of(settings)
    first = read_counts(settings, selection, catalogs)
    request_id = identity(selection, first)
    if not any(one.due for one in first.counts):
        return []

    def read_again(only: Sequence[str] | None) -> list[Asked]:
        if only is None:
            return requests(settings, selection, first, request_id)
        again = read_counts(settings, selection, catalogs)
        kept = [one for one in again.counts if routing_id(one.party_id) in only]
        return requests(settings, selection, replace(again, counts=kept), request_id)

    return worked(settings, request_id, read_again)
