"""The charges that a correction touches, read from the store as they stand."""

import datetime
import uuid
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

import orjson
import polars as pl
import xxhash

from cli.rerate.selection import Selection
from dashboards.queries import rows, table
from dataflows.requests import Asked, Request, settled_position, settled_positions
from dataflows.settings import Home, Settings
from dataflows.sources.log import part_name
from dataflows.usage_log.spool import USAGE
from schemas.columns import columns, from_arrow, polars_schema
from schemas.instants import EPOCH, MICROSECOND
from schemas.outcomes import SuspenseEvent
from schemas.rated import RatedEvent
from schemas.requests import CorrectionReason, RequestKind
from schemas.usage import UsageEvent
from tallywire.calendar import billing_month
from tallywire.catalog.snapshot import Snapshot
from tallywire.hashes import hash64
from tallywire.rating.corrections import standing
from tallywire.rating.in_order import Catalogs
from tallywire.rating.opening import measured_longer
from tallywire.rating.periods import usage_months
from warehouse.client import Client

_TOGETHER = 500
"""Routing ids of one request: a lane works nothing else meanwhile."""

_DAY_US = 86_400_000_000
EVER = "1970-01"
"""Month from which everything is read again."""


@dataclass(frozen=True)
class Correction:
    """What a person asks for.

    Attributes:
        target: Catalogue hash for the selected events; empty: each its own.
        replaced: UsageEvent rows with corrected content.
        suspended: The restatement that they come from.
        rater: `rulebook` where the rulebook rates all of it.
    """

    selection: Selection
    reason: CorrectionReason
    target: str
    kind: RequestKind = RequestKind.RERATE
    replaced: pl.DataFrame = field(
        default_factory=lambda: pl.DataFrame(schema=polars_schema(UsageEvent))
    )
    suspended: SuspenseEvent | None = None
    rater: str = ""

    def asked(self) -> dict[str, str]:
        """Write it down."""
        held = {"suspense": self.suspended.suspense_id} if self.suspended else {}
        target = {"catalog": self.target} if self.target else {}
        rater = {"rater": self.rater} if self.rater else {}
        told = {**self.selection.told(), **held, **target, **rater}
        return {**told, "reason": self.reason.value}


def lanes_of(routing_ids: Sequence[str], partitions: int) -> dict[str, list[str]]:
    """Sort routing ids by the account lane that works them."""
    found: dict[str, list[str]] = {}
    if routing_ids:
        hashes = hash64(pl.Series(list(routing_ids), dtype=pl.String)).tolist()
        for routing_id, number in zip(routing_ids, hashes, strict=True):
            found.setdefault(part_name(USAGE, number % partitions), []).append(routing_id)
    return found


def lane_names(settings: Settings) -> list[str]:
    """Name the account lanes."""
    return [part_name(USAGE, number) for number in range(settings.partitions)]


def identity(correction: Correction, settings: Settings) -> uuid.UUID:
    """Name a request by what it asks for and by how far its lanes were."""
    positions = settled_positions(Home(settings.home), lane_names(settings))
    content = {"asked": correction.asked(), "positions": positions}
    text = orjson.dumps(content, option=orjson.OPT_SORT_KEYS)
    return uuid.UUID(bytes=xxhash.xxh3_128_digest(text))


def affected(client: Client, correction: Correction) -> dict[str, int]:
    """Find the routing ids that a correction touches, each with the earliest usage of all."""
    found = rows(client, "affected", correction.selection.parameters())
    first = [row["first_us"] for row in found]
    first += correction.replaced["start_time"].to_list() if found else []
    return dict.fromkeys((row["routing_id"] for row in found), min(first, default=0))


def first_month(moment_us: int, snapshot: Snapshot) -> str:
    """Name the month of an instant in whichever zone of the offers is furthest behind."""
    zones = {snapshot.time_zone, *(offer.time_zone for offer in snapshot.offers.values())}
    return min(billing_month(moment_us, zone) for zone in sorted(zones))


def materialised(
    client: Client,
    settings: Settings,
    correction: Correction,
    request_id: uuid.UUID,
    catalogs: Catalogs,
    current: Snapshot,
    touched: Mapping[str, int],
) -> Iterator[Asked]:
    """Read the charges concerned, as requests to their lanes.

    Args:
        client: Reads the store.
        settings: Where the lanes are.
        correction: What is asked for.
        request_id: Name of the request.
        catalogs: Catalogues by hash.
        current: The catalogue in use.
        touched: Routing ids, each with the start of the earliest usage concerned, microseconds UTC.
    """
    ever = measured_longer(current)
    months: dict[str, list[str]] = {}
    for routing_id, moment_us in touched.items():
        month = EVER if ever else first_month(moment_us, current)
        months.setdefault(month, []).append(routing_id)
    for month, routing_ids in sorted(months.items()):
        for lane, part in _parts(routing_ids, settings.partitions):
            request = Request(
                kind=correction.kind, request_id=request_id, reason=correction.reason, lane=lane,
                position=settled_position(Home(settings.home), lane), target=correction.target,
                first_period=month, suspended=correction.suspended, asked=correction.asked(),
                rater=correction.rater,
            )  # fmt: skip
            yield _asked(client, request, part, correction, catalogs)


def _parts(routing_ids: Sequence[str], partitions: int) -> Iterator[tuple[str, list[str]]]:
    """Give lanes with routing ids of theirs, not too many together."""
    for lane, owned in sorted(lanes_of(routing_ids, partitions).items()):
        for start in range(0, len(owned), _TOGETHER):
            yield lane, owned[start : start + _TOGETHER]


def _asked(
    client: Client, request: Request, routing_ids: list[str], correction: Correction,
    catalogs: Catalogs,
) -> Asked:  # fmt: skip
    begin = datetime.datetime.fromisoformat(f"{request.first_period}-01T00:00:00+00:00")
    found = table(
        client, "history",
        {
            "routings": routing_ids, "lane": f"{request.lane}:", "position": request.position,
            "first": max(0, (begin - EPOCH) // MICROSECOND - _DAY_US),
        },
    )  # fmt: skip
    there = standing(from_arrow(found, RatedEvent))
    there = there.filter(_months(there, catalogs) >= request.first_period)
    chosen = there.select(*columns(RatedEvent), correction.selection.expression().alias("selected"))
    return replace(Asked(request), standing=chosen, replaced=correction.replaced)


def _months(there: pl.DataFrame, catalogs: Catalogs) -> pl.Series:
    """Name the months of usage, each by the catalogue it was charged under."""
    numbered = there.select("offer_id", "start_time", "catalog_hash").with_row_index("row")
    parts = [
        part.select("row").with_columns(usage_months(part, catalogs(name)[1]).alias("month"))
        for (name,), part in numbered.group_by("catalog_hash", maintain_order=True)
    ]
    if not parts:
        return pl.Series([], dtype=pl.String)
    return pl.concat(parts).sort("row")["month"]
