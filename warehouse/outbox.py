"""Findings that somebody has not been told yet: behind a place in each lane's ledger, in its order.

Lanes store their findings at different times: one that was down stores them hours after the moment
that its ledger gave them. So a place is kept for each lane. Within a lane rows come in the order of
its ledger, always.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field

from schemas.alerts import Alert
from schemas.columns import frame_to_rows, from_arrow
from warehouse.client import Client, told
from warehouse.decisions import alerts_of

_LANE = "match(batch_token, '^[^:]+:[0-9]+:-?[0-9]+--?[0-9]+$')"
"""Whether a token is of a range of a lane's ledger: `lane:position:first-last`."""
_WRITER = (
    "if(of_lane, splitByChar(':', batch_token)[1], concat('~', arrayStringConcat("
    "arrayFilter(part -> NOT match(part, '^[0-9]+$'), splitByChar(':', batch_token)), ':')))"
)
"""The lane; of other tokens their words without numbers: `controls:7:1795` is `~controls`."""
_PLACE = (
    "if(of_lane, toInt64OrZero(splitByChar(':', batch_token)[2]), "
    "toUnixTimestamp64Micro(ledgered_at))"
)
_BEHIND = (
    f"WITH {_LANE} AS of_lane, {_WRITER} AS writer, {_PLACE} AS place, "  # noqa: S608  our own columns
    "indexOf({writers:Array(String)}, writer) AS known "
    "SELECT writer, place, alert_id, batch_token FROM alerts "
    "WHERE if(known = 0, toUnixTimestamp64Micro(ledgered_at) >= {floor:Int64}, "
    "(place, alert_id) > ({places:Array(Int64)}[known], {ids:Array(String)}[known])) "
    "ORDER BY writer, place, alert_id LIMIT {each:UInt32} BY writer LIMIT {most:UInt32}"
)
_UNANSWERED = (
    "SELECT * FROM alerts FINAL WHERE state = 'open' AND severity IN {severities:Array(String)} "
    "AND toUnixTimestamp64Micro(ledgered_at) >= {floor:Int64} "
    "AND alert_id NOT IN (SELECT alert_id FROM alert_feedback) "
    "AND alert_id NOT IN (SELECT arrayJoin(JSONExtract(alert_ids, 'Array(String)')) "
    "FROM case_events WHERE case_id IN (SELECT case_id FROM case_events "
    "WHERE action = 'assigned' OR to_state NOT IN ('', 'new'))) "
    "ORDER BY opened_at, alert_id LIMIT {most:UInt32}"
)


@dataclass(frozen=True)
class Place:
    """The finding that was told last, of one writer.

    Attributes:
        position: Of its range in the lane's ledger; of rows without a lane, their ledger time.
    """

    position: int
    alert_id: str


@dataclass(frozen=True)
class Behind:
    """Where somebody stands.

    Attributes:
        floor: Of writers that are not known yet, rows ledgered before this are not told,
            microseconds UTC.
        places: By writer: the lane, or `~` and a name for those that have no ledger.
    """

    floor: int
    places: dict[str, Place] = field(default_factory=dict)

    def past(self, entry: "Entry") -> "Behind":
        """Give the place behind an entry."""
        return Behind(self.floor, {**self.places, entry.writer: entry.place})


@dataclass(frozen=True)
class Entry:
    """What comes next for somebody.

    Attributes:
        alert: The finding as it is stored there; none where a newer state of it lies elsewhere,
            of which there is an entry of its own.
    """

    writer: str
    place: Place
    alert: Alert | None


def next_entries(client: Client, behind: Behind, *, each: int, most: int) -> list[Entry]:
    """Read what comes next, in the order of each lane's ledger.

    Args:
        each: Most of one writer: a storm in one lane does not keep the others waiting.
        most: Most of all.
    """
    writers = sorted(behind.places)
    parameters = {
        "writers": writers,
        "places": [behind.places[name].position for name in writers],
        "ids": [behind.places[name].alert_id for name in writers],
        "floor": behind.floor,
        "each": each,
        "most": most,
    }
    with told(client.uri):
        found = client.query(_BEHIND, parameters=parameters).result_rows
    newest = alerts_of(client, [str(row[2]) for row in found])
    return [
        Entry(
            str(writer), Place(int(place), str(alert_id)),
            newest[alert_id] if newest[alert_id].batch_token == token else None,
        )
        for writer, place, alert_id, token in found
        if alert_id in newest
    ]  # fmt: skip


def unanswered(client: Client, severities: Sequence[str], floor: int, most: int) -> list[Alert]:
    """Read open findings that nobody has acknowledged, judged or taken up, the oldest first."""
    parameters = {"severities": list(severities), "floor": floor, "most": most}
    with told(client.uri):
        found = client.query_arrow(_UNANSWERED, parameters=parameters)
    return frame_to_rows(from_arrow(found, Alert), Alert)
