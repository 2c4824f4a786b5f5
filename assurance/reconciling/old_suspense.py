"""C13: suspense that nobody has cured for thirty days."""

from decimal import Decimal
from typing import ClassVar

from assurance.alerts import Control, Worth, alert
from assurance.reconciling.control import Reconciliation, Row
from schemas.alerts import Alert

OLD = Control(
    "C13", "suspense_too_old", "leakage", "critical", "under",
    "cure the cause and recycle, or accept the loss: what is older than a bill run is hard to bill",
)  # fmt: skip
_DAYS_US = 30 * 86_400_000_000


class OldSuspense(Reconciliation):
    """Open suspense by feed and reason."""

    declared: ClassVar = (OLD,)
    query: ClassVar = "old_suspense"

    def parameters(self, at: int) -> dict[str, object]:
        """Look for what was suspended thirty days ago or before."""
        return {"before": at - _DAYS_US}

    def told(self, row: Row, at: int) -> Alert:
        """Tell how much waits, for how long, and what it is worth."""
        feed, reason, currency = (str(row[name]) for name in ("feed_id", "reason", "currency"))
        days = (at - int(row["oldest"])) // 86_400_000_000
        worth = Worth(Decimal(row["amount"]), currency, "typical") if currency else Worth()
        return alert(
            OLD, tenant_id=str(row["tenant_id"]), feed_id=feed,
            entity=("suspense", f"{feed}/{reason}"), episode=currency, at=at,
            explanation=f"{row['waiting']} records of {feed} wait for {reason}, the oldest for "
            f"{days} days.",
            observed=int(row["waiting"]), unit="records", worth=worth,
            window=(int(row["oldest"]), None),
        )  # fmt: skip
