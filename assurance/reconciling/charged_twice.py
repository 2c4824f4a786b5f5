"""C5: events that the store holds more than one standing charge of."""

from decimal import Decimal
from typing import ClassVar

from assurance.alerts import Control, Worth, alert
from assurance.reconciling.control import Reconciliation, Row
from schemas.alerts import Alert

TWICE = Control(
    "C5", "charged_twice_in_store", "duplicate", "critical", "over",
    "take one of the charges back; this must not happen: report it with the events' ids",
)  # fmt: skip
_DAY_US = 86_400_000_000


class ChargedTwice(Reconciliation):
    """Charges of the last two days of ledger time, by event and leg."""

    declared: ClassVar = (TWICE,)
    query: ClassVar = "charged_twice"

    def parameters(self, at: int) -> dict[str, object]:
        """Look at two days, from the beginning of the day before."""
        return {"since": (at // _DAY_US - 1) * _DAY_US}

    def told(self, row: Row, at: int) -> Alert:
        """Tell how many events, and the money of their further charges."""
        feed, day, currency = str(row["feed_id"]), int(row["day_no"]), str(row["currency"])
        events = int(row["events"])
        return alert(
            TWICE, tenant_id=str(row["tenant_id"]), feed_id=feed, entity=("feed", feed),
            episode=f"{currency} {day}", at=at,
            explanation=f"{events} events of {feed} have more than one standing charge.",
            observed=events, unit="events", evidence_count=events,
            evidence=[{"place": str(place), "why": "charged twice"} for place in row["places"]],
            worth=Worth(Decimal(row["amount"]), currency, "charged"),
            window=(day * _DAY_US, (day + 1) * _DAY_US),
        )  # fmt: skip
