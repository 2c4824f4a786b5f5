"""C5: events that the store holds more than one standing charge of."""

from collections.abc import Mapping
from decimal import Decimal
from typing import ClassVar

from assurance.alerts import Control, Worth, alert
from assurance.reconciling.control import Reconciliation, Row, day_of
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
    stretch_us: ClassVar = _DAY_US
    stretches: ClassVar = 1

    def parameters(self, at: int) -> Mapping[str, object]:
        """Look at the day before and the present one, and where something was found."""
        return {"days": [day_of(day) for day in [*self.compared(at), at]]}

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
