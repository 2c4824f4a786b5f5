"""Tables, rollups and views of the store, derived from the records."""

from dataclasses import dataclass

from schemas.actions import AccountCredit, ActionEvent, BlockEvent
from schemas.alerts import Alert
from schemas.canaries import CanarySent
from schemas.columns import Record, clickhouse_columns
from schemas.controls import ControlRun
from schemas.decisions import AuditEvent, CaseEvent, FeedbackEvent, SuppressionEvent
from schemas.feeds import FeedFile, LaneCount, LedgerEntry
from schemas.outcomes import OpenEvent, SetAsideEvent, SuspenseEvent
from schemas.rated import RatedEvent
from schemas.requests import LaneRequest
from schemas.stages import StageSum

DEDUPLICATION_WINDOW = 10_000


@dataclass(frozen=True)
class Table:
    """A base table of the store.

    Attributes:
        order: ORDER BY.
        keep_days: Rows older than this, by ledger time, are removed; 0 keeps them for ever.
        index: Column with a min-max index, so that event time prunes though it is no partition.
        engine: Table engine; alerts are replaced, everything else is append only.
    """

    record: type[Record]
    order: str
    keep_days: int
    index: str = ""
    engine: str = "MergeTree"


TABLES: dict[str, Table] = {
    "rated_events": Table(
        RatedEvent, "tenant_id, toStartOfHour(start_time), service, account_id, start_time", 400,
        "start_time",
    ),
    "set_aside_events": Table(SetAsideEvent, "tenant_id, feed_id, collected_at, record_no", 90),
    "suspense_events": Table(SuspenseEvent, "tenant_id, feed_id, reason, suspense_id", 400),
    "open_events": Table(OpenEvent, "tenant_id, feed_id, session_id, file_id, record_no", 400),
    "feed_files": Table(FeedFile, "tenant_id, feed_id, file_id, collected_at", 400),
    "lane_counts": Table(LaneCount, "lane, feed_id, term, collected_at", 400),
    "stage_sums": Table(StageSum, "tenant_id, feed_id, stage, ledgered_at", 90),
    "lane_ledger": Table(LedgerEntry, "lane, position", 90),
    "lane_requests": Table(LaneRequest, "tenant_id, routing_id, period, ledgered_at", 400),
    "alerts": Table(Alert, "tenant_id, control_id, alert_id", 400,
                    engine="ReplacingMergeTree(ledgered_at)"),
    "control_runs": Table(ControlRun, "control, began_at", 800),
    "canaries_sent": Table(CanarySent, "tenant_id, canary_id, sequence", 400),
    "alert_suppressions": Table(SuppressionEvent, "tenant_id, suppression_id, at", 0),
    "alert_feedback": Table(FeedbackEvent, "tenant_id, alert_id, at", 0),
    "case_events": Table(CaseEvent, "tenant_id, case_id, step", 0),
    "audit_events": Table(AuditEvent, "tenant_id, sequence", 0),
    "action_events": Table(ActionEvent, "tenant_id, action_id, step", 0),
    "account_credits": Table(AccountCredit, "tenant_id, number", 0),
    "block_events": Table(BlockEvent, "tenant_id, number", 0),
}  # fmt: skip
"""Base tables by name."""


def table_sql(name: str) -> str:
    """Write the statement that makes a base table."""
    table = TABLES[name]
    lines = clickhouse_columns(table.record)
    if table.index:
        lines.append(f"INDEX {table.index}_minmax {table.index} TYPE minmax GRANULARITY 1")
    body = ",\n    ".join(lines)
    kept = f"TTL toDateTime(ledgered_at) + INTERVAL {table.keep_days} DAY DELETE\n"
    forget = kept if table.keep_days else ""
    return f"""CREATE TABLE IF NOT EXISTS {name} {{on_cluster}}
(
    {body}
)
ENGINE = {{engine:{table.engine}}}
PARTITION BY toDate(ledgered_at)
ORDER BY ({table.order})
{forget}SETTINGS non_replicated_deduplication_window = {DEDUPLICATION_WINDOW},
    min_bytes_for_wide_part = 1000000000, min_rows_for_wide_part = 10000000,
    fsync_after_insert = 1, fsync_part_directory = 1"""
