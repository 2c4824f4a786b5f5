"""Findings and what people decided about them, read as records and written in one block."""

import uuid
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from schemas.alerts import Alert
from schemas.columns import AnyRecord, frame_to_rows, from_arrow, rows_to_frame, to_arrow
from schemas.decisions import AuditEvent, CaseEvent, FeedbackEvent, SuppressionEvent
from warehouse.client import Client, one_row, told
from warehouse.insert import insert
from warehouse.tables import TABLES

_PAGE = 10_000
_LETTERS = 60_000
"""Of the ids of one question: a server refuses parameters of 128 KiB."""
_AROUND = 4
"""Letters that an id takes beside its own."""


def chunks(ids: Sequence[str]) -> Iterator[list[str]]:
    """Part ids into as many as fit into one question.

    >>> [len(part) for part in chunks(["x" * 32] * 2_000)]
    [1666, 334]
    """
    part, size = list[str](), 0
    for one in ids:
        size += len(one) + _AROUND
        if part and size > _LETTERS:
            yield part
            part, size = [], len(one) + _AROUND
        part.append(one)
    if part:
        yield part


def _rows(
    client: Client, record: type[AnyRecord], query: str, parameters: Mapping[str, Any] | None = None
) -> list[AnyRecord]:
    with told(client.uri):
        found = client.query_arrow(query, parameters=dict(parameters or {}))
    return frame_to_rows(from_arrow(found, record), record)


def alerts_of(client: Client, alert_ids: Sequence[str]) -> dict[str, Alert]:
    """Read findings in their newest state, by id; those that the store has forgotten are absent."""
    query = (  # FINAL would put the whole table in order, for a few rows of it
        "SELECT * FROM alerts WHERE alert_id IN {ids:Array(String)} "
        "ORDER BY ledgered_at DESC LIMIT 1 BY alert_id"
    )
    return {
        one.alert_id: one
        for ids in chunks(alert_ids)
        for one in _rows(client, Alert, query, {"ids": ids})
    }


def ids_beginning(client: Client, start: str) -> list[str]:
    """Name findings whose id begins so, two at most: one that is meant must be the only one."""
    query = (
        "SELECT DISTINCT alert_id FROM alerts WHERE startsWith(alert_id, {start:String}) "
        "ORDER BY alert_id LIMIT 2"
    )
    with told(client.uri):
        return [row[0] for row in client.query(query, parameters={"start": start}).result_rows]


def versions_of(client: Client, alert_id: str) -> list[Alert]:
    """Read what the store still has of the earlier states of a finding, the oldest first."""
    query = "SELECT * FROM alerts WHERE alert_id = {id:String} ORDER BY ledgered_at"
    return _rows(client, Alert, query, {"id": alert_id})


def open_alerts(client: Client, most: int) -> list[Alert]:
    """Read findings that are open, not judged false, and in no case, the oldest first."""
    query = (
        "SELECT * FROM alerts FINAL WHERE state != 'auto_closed' AND alert_id NOT IN "
        "(SELECT arrayJoin(JSONExtract(alert_ids, 'Array(String)')) FROM case_events) "
        "AND alert_id NOT IN (SELECT alert_id FROM alert_feedback GROUP BY alert_id "
        "HAVING argMax(verdict, at) = 'false_positive') "
        "ORDER BY opened_at, alert_id LIMIT {most:UInt32}"
    )
    return _rows(client, Alert, query, {"most": most})


def standing_alerts(client: Client, patterns: Sequence[str]) -> list[Alert]:
    """Read the findings of some patterns that are open, the oldest first."""
    query = (
        "SELECT * FROM alerts FINAL WHERE state = 'open' AND pattern IN {patterns:Array(String)} "
        "ORDER BY opened_at, alert_id"
    )
    return _rows(client, Alert, query, {"patterns": list(patterns)})


def open_of_control(client: Client, control_id: str, most: int) -> list[Alert]:
    """Read findings of a control that are open and not judged false, the oldest first."""
    query = (
        "SELECT * FROM alerts FINAL WHERE control_id = {control:String} AND state = 'open' "
        "AND alert_id NOT IN (SELECT alert_id FROM alert_feedback "
        "WHERE verdict != 'acknowledged' GROUP BY alert_id "
        "HAVING argMax(verdict, at) = 'false_positive') "
        "ORDER BY opened_at, alert_id LIMIT {most:UInt32}"
    )
    return _rows(client, Alert, query, {"control": control_id, "most": most})


def suppression_events(client: Client) -> list[SuppressionEvent]:
    """Read every beginning and end of suppressions."""
    return _rows(client, SuppressionEvent, "SELECT * FROM alert_suppressions ORDER BY at")


def feedback_of(client: Client, alert_ids: Sequence[str]) -> list[FeedbackEvent]:
    """Read verdicts on findings, the oldest first."""
    query = "SELECT * FROM alert_feedback WHERE alert_id IN {ids:Array(String)} ORDER BY at"
    return _rows(client, FeedbackEvent, query, {"ids": list(alert_ids)})


def judged_of(client: Client, control_id: str, pattern: str) -> list[tuple[str, str, int]]:
    """Give id, newest verdict and score of judged findings of a control."""
    query = (
        "SELECT f.alert_id, f.newest, a.score FROM "
        "(SELECT alert_id, argMax(verdict, at) AS newest FROM alert_feedback "
        "WHERE verdict != 'acknowledged' GROUP BY alert_id) AS f "
        "INNER JOIN (SELECT alert_id, score FROM alerts FINAL "
        "WHERE control_id = {control:String} AND pattern = {pattern:String}) AS a "
        "ON a.alert_id = f.alert_id ORDER BY f.alert_id"
    )
    with told(client.uri):
        found = client.query(query, parameters={"control": control_id, "pattern": pattern})
    return [(str(row[0]), str(row[1]), int(row[2])) for row in found.result_rows]


def case_events(client: Client, case_ids: Sequence[str] = ()) -> list[CaseEvent]:
    """Read the steps of cases; of all, without ids."""
    query = (
        "SELECT * FROM case_events WHERE empty({ids:Array(String)}) "
        "OR case_id IN {ids:Array(String)} ORDER BY case_id, step"
    )
    return _rows(client, CaseEvent, query, {"ids": list(case_ids)})


def case_ids_beginning(client: Client, start: str) -> list[str]:
    """Name cases whose id begins so, two at most; one that is named in full is the one meant."""
    query = (
        "SELECT DISTINCT case_id FROM case_events WHERE startsWith(case_id, {start:String}) "
        "ORDER BY case_id != {start:String}, case_id LIMIT 2"
    )
    with told(client.uri):
        found = [row[0] for row in client.query(query, parameters={"start": start}).result_rows]
    return found[:1] if start in found else found


def case_of_alert(client: Client, alert_ids: Sequence[str]) -> dict[str, str]:
    """Name the case that each finding came to last."""
    query = (
        "SELECT arrayJoin(JSONExtract(alert_ids, 'Array(String)')) AS alert_id, "
        "argMax(case_id, at) FROM case_events "
        "WHERE hasAny(JSONExtract(alert_ids, 'Array(String)'), {ids:Array(String)}) "
        "GROUP BY alert_id"
    )
    found: dict[str, str] = {}
    for ids in chunks(alert_ids):
        with told(client.uri):
            rows = client.query(query, parameters={"ids": ids}).result_rows
        found |= {str(row[0]): str(row[1]) for row in rows}
    return {name: found[name] for name in alert_ids if name in found}


def was_applied(client: Client, request_id: uuid.UUID) -> bool:
    """Tell whether a re-rating, or another request to lanes, changed charges."""
    query = (
        "SELECT count() FROM lane_requests "
        "WHERE request_id = {id:UUID} AND status = 'applied' AND rows > 0"
    )
    return bool(one_row(client, query, {"id": str(request_id)})[0])


def newest_audit(client: Client) -> tuple[int, str]:
    """Give sequence and hash of the newest event of the trail; -1 and nothing before the first."""
    query = "SELECT max(sequence), argMax(hash, sequence), count() FROM audit_events"
    sequence, found, count = one_row(client, query, {})
    return (int(sequence), str(found)) if count else (-1, "")


def audit_events(client: Client) -> Iterator[AuditEvent]:
    """Read the trail in order, a page at a time; two of one sequence both come."""
    query = (
        "SELECT * FROM audit_events WHERE sequence > {after:Int64} AND sequence <= "
        "(SELECT max(s) FROM (SELECT sequence AS s FROM audit_events "
        "WHERE sequence > {after:Int64} ORDER BY s LIMIT {page:UInt32})) "
        "ORDER BY sequence, at, hash"
    )
    after = -(2**63)
    while found := _rows(client, AuditEvent, query, {"after": after, "page": _PAGE}):
        yield from found
        after = found[-1].sequence


def newest_audits(client: Client, most: int, verb: str, who: str) -> list[AuditEvent]:
    """Read the newest events of the trail, the newest first; of one verb or person if named."""
    query = (
        "SELECT * FROM audit_events WHERE ({verb:String} = '' OR startsWith(verb, {verb:String})) "
        "AND ({who:String} = '' OR who = {who:String}) ORDER BY sequence DESC LIMIT {most:UInt32}"
    )
    return _rows(client, AuditEvent, query, {"most": most, "verb": verb, "who": who})


def write(client: Client, table: str, rows: Sequence[AnyRecord], at: int, token: str) -> None:
    """Insert decisions in one block; the same under the same token is inserted once.

    Args:
        at: When they are stored, microseconds UTC.

    Raises:
        StoreUnavailable: Not now.
        StoreRefused: Never so.
    """
    if not rows:
        return
    record = type(rows[0])
    stamped = [row.model_copy(update={"ledgered_at": at, "batch_token": token}) for row in rows]
    assert TABLES[table].record is record, table  # noqa: S101  a table holds one kind of record
    insert(client, table, to_arrow(rows_to_frame(stamped, record), record), token)
