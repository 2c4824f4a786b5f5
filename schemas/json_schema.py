"""`make schemas`: the records as JSON Schema, for programs in other languages."""

from pathlib import Path

import orjson

from schemas.actions import AccountCredit, ActionEvent, BlockEvent
from schemas.alerts import Alert
from schemas.catalog_history import CatalogStep
from schemas.columns import Record
from schemas.decisions import AuditEvent, CaseEvent, FeedbackEvent, SuppressionEvent
from schemas.feeds import FeedFile, LaneCount, LedgerEntry
from schemas.outcomes import OpenEvent, SetAsideEvent, SuspenseEvent
from schemas.rated import RatedEvent
from schemas.requests import LaneRequest
from schemas.stages import StageSum
from schemas.usage import UsageEvent

FOLDER = Path(__file__).with_name("json")
RECORDS: dict[str, type[Record]] = {
    "usage_event": UsageEvent,
    "rated_event": RatedEvent,
    "suspense_event": SuspenseEvent,
    "set_aside_event": SetAsideEvent,
    "open_event": OpenEvent,
    "feed_file": FeedFile,
    "lane_count": LaneCount,
    "stage_sum": StageSum,
    "ledger_entry": LedgerEntry,
    "alert": Alert,
    "catalog_step": CatalogStep,
    "lane_request": LaneRequest,
    "suppression_event": SuppressionEvent,
    "feedback_event": FeedbackEvent,
    "case_event": CaseEvent,
    "audit_event": AuditEvent,
    "action_event": ActionEvent,
    "account_credit": AccountCredit,
    "block_event": BlockEvent,
}
"""Every record that crosses a boundary, by the name of its schema file."""


def schema_bytes(record: type[Record]) -> bytes:
    """Derive the JSON Schema of a record as it is written: money, instants and hashes as text."""
    schema = record.model_json_schema(mode="serialization")
    return orjson.dumps(schema, option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE)


def main() -> None:
    """Write every schema file."""
    FOLDER.mkdir(exist_ok=True)
    for name, record in RECORDS.items():
        (FOLDER / f"{name}.json").write_bytes(schema_bytes(record))


if __name__ == "__main__":
    main()
