"""Findings for tests, as controls make them."""

import time
from collections.abc import Sequence
from decimal import Decimal
from pathlib import Path
from typing import Any

from assurance.alerts import Control, Worth, alert
from dataflows.desk import desk
from dataflows.settings import Settings
from schemas.alerts import Alert
from warehouse.decisions import write

NOW_US = int(time.time()) * 1_000_000
"""What is older than a table keeps would be removed at once."""
CONTROL = Control("C6", "usage_dropped", "leakage", "critical", "under", "Look at the switch.")


def finding(
    number: int = 0, amount: str | None = "10.50", control: Control = CONTROL, **changes: Any
) -> Alert:
    """Make the finding of a number: each about an entity of its own unless `entity` says so."""
    entity = changes.pop("entity", f"pbx-{number}")
    at = changes.pop("at", NOW_US + number)
    worth = Worth(None if amount is None else Decimal(amount), "EUR", "usual_hour_of_week")
    evidence = changes.pop("files", ())
    made = alert(
        control, tenant_id="default", feed_id="pbx", entity=("node", entity), episode=str(number),
        at=at, explanation=f"{entity} sent fewer records than usual ({number})", worth=worth,
        evidence=[{"place": name, "why": "short"} for name in evidence],
    )  # fmt: skip
    return made.model_copy(update={"ledgered_at": at, **changes})


def put(home: Path, alerts: Sequence[Alert], token: str) -> list[Alert]:
    """Store findings as a batch of a lane does: one block, one ledger time, under its token."""
    at = alerts[0].ledgered_at
    with desk(Settings(home=home), "test") as here:
        write(here.client, "alerts", alerts, at, token)
    return [one.model_copy(update={"ledgered_at": at}) for one in alerts]
