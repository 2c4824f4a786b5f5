"""Requests to an account lane: files beside the usage log, worked once, in the lane's order.

A request says what shall be corrected, and holds the charges concerned as they stood at a place in
the lane's ledger. Its file is named by its content and made durable before the lane may see it; the
lane puts it into its ledger like any range of the log, so it is worked at one place, once.
"""

import hashlib
import time
import uuid
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import takewhile
from pathlib import Path

import polars as pl
from pydantic import BaseModel, ConfigDict, ValidationError

from dataflows.files import write_atomic
from dataflows.ledger import Held, read_ledger
from dataflows.settings import Home
from dataflows.usage_log.blocks import BlockDamaged, decode, encode, header_at
from schemas.columns import conform, lean, polars_schema
from schemas.feeds import LedgerEntry
from schemas.outcomes import SuspenseEvent
from schemas.rated import RatedEvent
from schemas.requests import CorrectionReason, RequestKind
from schemas.usage import UsageEvent
from tallywire.rating.partner_true_up import Counted

SOURCE = "request:"
"""How the source of a ledger entry begins that is a request and no range of the log."""

_SUFFIX = ".request"
_SELECTED = "selected"
_SETTLED_NS = 2_000_000_000
"""A folder changed more recently may change again within the same tick of its clock."""


class Request(BaseModel):
    """What is asked of a lane.

    Attributes:
        request_id: `cause_id` of the rows it leads to.
        lane: The account lane.
        position: Ledger position up to which the file's charges are complete; -1 before the first.
        target: Catalogue hash that selected events are rated under; empty: each its own.
        first_period: Earliest billing period that is rated again.
        period: Period whose state shall change; of a true-up the month that it closes, or none.
        routing_ids: Accounts whose period shall change its state, none for all; or partners.
        counted: What partners' legs have counted in all lanes.
        covered: Units of it that are trued up already, by event id in hex.
        suspended: The restatement that shall hold.
        asked: What the person asked for.
        rater: `rulebook` where the rulebook rates all of it; empty where each rater takes its own.
    """

    model_config = ConfigDict(extra="forbid", ser_json_bytes="base64", val_json_bytes="base64")

    kind: RequestKind
    request_id: uuid.UUID
    reason: CorrectionReason | None = None
    lane: str
    position: int = -1
    target: str = ""
    first_period: str = ""
    period: str = ""
    routing_ids: list[str] = []
    counted: list[Counted] = []
    covered: dict[str, int] = {}
    suspended: SuspenseEvent | None = None
    asked: dict[str, str] = {}
    rater: str = ""


def _no_charges() -> pl.DataFrame:
    return pl.DataFrame(schema={**polars_schema(RatedEvent), _SELECTED: pl.Boolean()})


@dataclass(frozen=True)
class Asked:
    """A request with its rows.

    Attributes:
        standing: RatedEvent and `selected`: charges up to `request.position`, in lane order.
        replaced: UsageEvent: corrected content.
        later: UsageEvent and `catalog_hash`: usage of these accounts rated behind that position.
        stale: Routing ids that another request has touched behind that position.
    """

    request: Request
    standing: pl.DataFrame = field(default_factory=_no_charges)
    replaced: pl.DataFrame = field(
        default_factory=lambda: pl.DataFrame(schema=polars_schema(UsageEvent))
    )
    later: pl.DataFrame = field(
        default_factory=lambda: pl.DataFrame(
            schema={**polars_schema(UsageEvent), "catalog_hash": pl.String()}
        )
    )
    stale: frozenset[str] = frozenset()

    @property
    def routing_ids(self) -> frozenset[str]:
        """Accounts or partners whose charges it may change; none where a period changes for all."""
        if self.request.kind is RequestKind.TRUE_UP:
            return frozenset(self.request.routing_ids)
        return frozenset(self.standing["routing_id"].unique())


def request_folder(home: Home, lane: str) -> Path:
    """Where the requests of a lane lie."""
    return home.lane("rating", lane) / "requests"


def content_of(asked: Asked) -> bytes:
    """Write a request and its rows."""
    charges = lean(asked.standing.drop(_SELECTED), RatedEvent)
    return encode(
        "request",
        0,
        {
            "request": pl.DataFrame({"text": [asked.request.model_dump_json()]}),
            "standing": charges.with_columns(asked.standing[_SELECTED]),
            "replaced": lean(asked.replaced, UsageEvent),
        },
    )


def name_of(content: bytes) -> str:
    """Name a request by its content."""
    return hashlib.sha256(content).hexdigest()[:32]


def put(home: Home, asked: Asked) -> str:
    """Put a request before its lane, durably; the same request again is the same file.

    Returns:
        Its name.

    Raises:
        OSError: If the home cannot be written.
    """
    content = content_of(asked)
    name = name_of(content)
    folder = request_folder(home, asked.request.lane)
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{name}{_SUFFIX}"
    if not path.exists():
        write_atomic(path, content, durable=True)
    return name


def load(home: Home, lane: str, name: str) -> Asked:
    """Read a request.

    Raises:
        BlockDamaged: If the file is missing or is not what its name says.
    """
    path = request_folder(home, lane) / f"{name}{_SUFFIX}"
    try:
        content = path.read_bytes()
    except OSError as error:
        msg = f"{path} cannot be read ({error.strerror}): restore it from a backup"
        raise BlockDamaged(msg) from error
    data = memoryview(content)
    header = header_at(data, 0) if name_of(content) == name else None
    if header is None:
        msg = f"{path} is not the request that its name says: restore it from a backup"
        raise BlockDamaged(msg)
    tables = decode(data, 0, header)
    try:
        request = Request.model_validate_json(tables["request"]["text"][0])
    except ValidationError as error:
        msg = f"{path} is no request of this version: {error.errors()[0]['msg']}"
        raise BlockDamaged(msg) from error
    charges = tables["standing"]
    selected = charges[_SELECTED]
    standing = conform(charges.drop(_SELECTED), RatedEvent).with_columns(selected)
    return Asked(request, standing, conform(tables["replaced"], UsageEvent))


class Inbox:
    """The requests of a lane that wait, the oldest first."""

    def __init__(self, home: Home, lane: str) -> None:
        self._home, self._lane = home, lane
        self._folder = request_folder(home, lane)
        self._worked: set[str] = set()
        self._looked = -1

    def worked(self, source: str) -> None:
        """Note that a request is in the ledger."""
        self._worked.add(source.removeprefix(SOURCE))

    def next(self, problem: Callable[[str], None]) -> str | None:
        """Name the next request; what cannot be read is told and left alone."""
        try:
            changed = self._folder.stat().st_mtime_ns
        except OSError:
            return None
        if changed == self._looked:
            return None
        for _, name in sorted(self._waiting()):
            try:
                load(self._home, self._lane, name)
            except BlockDamaged as error:
                problem(str(error))
                self._worked.add(name)
                continue
            return name
        if time.time_ns() - changed > _SETTLED_NS:
            self._looked = changed
        return None

    def _waiting(self) -> Iterator[tuple[int, str]]:
        for path in self._folder.glob(f"*{_SUFFIX}"):
            if path.stem not in self._worked and not path.name.startswith("."):
                yield path.stat().st_mtime_ns, path.stem


def _ledgers(home: Home) -> tuple[dict[str, Held], set[str]]:
    """Read the ledgers of all lanes by lane, and what the store has: any lane's may tell it."""
    ledgers: dict[str, Held] = {}
    acknowledged: set[str] = set()
    for path in sorted(home.lane("rating", "").glob("*/ledger")):
        held = ledgers[path.parent.name] = read_ledger(path)
        acknowledged |= held.acknowledged
    return ledgers, acknowledged


def settled(home: Home, lanes: Sequence[str]) -> dict[str, list[LedgerEntry]]:
    """Give the entries of lanes' ledgers up to the first of which the store has not all rows.

    Entries that are folded are not among them; the store has their rows.
    """
    ledgers, acknowledged = _ledgers(home)
    return {
        lane: list(
            takewhile(
                lambda entry: f"{entry.token}:lane_ledger" in acknowledged,
                ledgers[lane].entries if lane in ledgers else [],
            )
        )
        for lane in lanes
    }


def settled_positions(home: Home, lanes: Sequence[str]) -> dict[str, int]:
    """Tell up to which position of its ledger the store has all rows of a lane; -1 for none."""
    return {
        lane: found[-1].position if found else -1 for lane, found in settled(home, lanes).items()
    }


def settled_position(home: Home, lane: str) -> int:
    """Tell up to which position of its ledger the store has all rows of one lane; -1 for none."""
    return settled_positions(home, [lane])[lane]


def answered(home: Home, lane: str, name: str) -> bool:
    """Tell whether the store has all rows that a request led to."""
    ledgers, acknowledged = _ledgers(home)
    held = ledgers.get(lane, Held())
    return name in held.folded.get("worked", ()) or any(
        entry.source == f"{SOURCE}{name}" and f"{entry.token}:lane_ledger" in acknowledged
        for entry in held.entries
    )
