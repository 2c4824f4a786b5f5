"""C5: what one stage passed on against what the next one has, by feed, service and hour.

Compared are count, quantity, amount and the ids, combined by exclusive or: one event that is lost
while another is doubled leaves count and sums as they are, but not the ids.
"""

from collections.abc import Mapping
from decimal import Decimal
from typing import ClassVar

from assurance.alerts import Control, Worth, alert
from assurance.reconciling.control import Reconciliation, Row, day_of
from schemas.alerts import Alert

HOUR_US = 3_600_000_000
_ONCE, _DAY_AND_MORE = 3, 27
"""At three in the morning, UTC, so many hours: rows may have been changed since."""
_SEE = "`tallywire controls ids` names the events; "


def _control(pattern: str, kind: str, direction: str, action: str) -> Control:
    return Control("C5", pattern, kind, "critical", direction, action)


NOT_READ = _control(
    "usage_not_read", "leakage", "under",
    _SEE + "a lane that is behind or put aside has not read them, else the log has lost them",
)  # fmt: skip
READ_TWICE = _control(
    "usage_read_twice",
    "duplicate",
    "over",
    _SEE + "stop the lane and compare its ledger with the log",
)
READ_OTHER = _control(
    "usage_read_differs",
    "misrating",
    "under",
    _SEE + "as many were read as written, but not the same: look for a damaged or restored log",
)
NOT_STORED = _control(
    "charges_not_stored",
    "leakage",
    "under",
    _SEE + "re-rate them, and look for who deleted rows of the store",
)
STORED_TWICE = _control(
    "charges_stored_twice",
    "duplicate",
    "over",
    _SEE + "take the charges back, and look for who inserted them",
)
STORED_OTHER = _control(
    "charges_stored_differ",
    "misrating",
    "under",
    _SEE + "as many are stored as were charged, but not the same: look for who changed them",
)


NOT_COUNTED = _control(
    "records_not_collected",
    "leakage",
    "under",
    "look into the lane's ledger: a range was cut whose records nobody took",
)
COUNTED_TWICE = _control(
    "records_collected_twice",
    "duplicate",
    "over",
    "look whether a home was restored: more records were taken than ranges hold",
)


class Stages(Reconciliation):
    """Two stages: what lacks, what is there too often, what is another.

    Attributes:
        passed: What the first has done with a record, as in `N charges were sent to the store`.
        has: And the second.
        method: How its money is known.
    """

    passed: ClassVar[str]
    has: ClassVar[str]
    method: ClassVar[str]
    settle_us: ClassVar = 600_000_000
    stretch_us: ClassVar = HOUR_US
    stretches: ClassVar = 3

    def past(self, at: int) -> int:
        """Compare the last hours; once a day all of the day before, too."""
        return _DAY_AND_MORE if at // HOUR_US % 24 == _ONCE else self.stretches

    def parameters(self, at: int) -> Mapping[str, object]:
        """Name the hours to be compared, and the days in which they lie."""
        hours = self.compared(at)
        days = sorted({day_of(hour) for hour in hours})
        return {"hours": [hour // 1_000_000 for hour in hours], "days": days, "first_day": days[0]}

    def told(self, row: Row, at: int) -> Alert:
        """Tell what the second stage lacks, or has too often, or has instead."""
        told, found, hour = int(row["told"]), int(row["found"]), int(row["hour_us"])
        feed, currency = str(row["feed_id"]), str(row["currency"])
        lacks, doubles, *others = self.declared
        control = lacks if told > found else doubles if told < found else others[0]
        text = f"{self.passed.format(told)} for {feed} in an hour, {self.has.format(found)}"
        return alert(
            control, tenant_id=str(row["tenant_id"]) or self.tenant_id, feed_id=feed,
            entity=self.entity(row), episode=f"{currency} {hour}", at=at,
            explanation=text + ("." if told != found else ", but not the same."),
            expected=told, observed=found, unit="records", window=(hour, hour + HOUR_US),
            worth=_worth(row, currency, self.method), evidence_count=max(1, abs(told - found)),
            evidence=[{"place": str(lane), "why": "its sums differ"} for lane in row["lanes"]],
        )  # fmt: skip

    def entity(self, row: Row) -> tuple[str, str]:
        """Name what is compared."""
        return "feed", f"{row['feed_id']}/{row['service']}"


class Collected(Stages):
    """Ranges of files and topics against the records that were taken from them."""

    declared: ClassVar = (NOT_COUNTED, COUNTED_TWICE)
    query: ClassVar = "collected"
    passed: ClassVar = "{} records lie in the ranges read"
    has: ClassVar = "{} were collected"
    method: ClassVar = "none"

    def entity(self, row: Row) -> tuple[str, str]:
        """Name the lane."""
        return "lane", str(row["lane"])


class Logged(Stages):
    """Collection against rating, over the usage log."""

    declared: ClassVar = (NOT_READ, READ_TWICE, READ_OTHER)
    query: ClassVar = "logged"
    passed: ClassVar = "{} usage events were written to the usage log"
    has: ClassVar = "{} were read from it"
    method: ClassVar = "usual_charge"


class Stored(Stages):
    """Rating against the store."""

    declared: ClassVar = (NOT_STORED, STORED_TWICE, STORED_OTHER)
    query: ClassVar = "stored"
    passed: ClassVar = "{} charges were sent to the store"
    has: ClassVar = "{} are there"
    method: ClassVar = "charged"


def _worth(row: Row, currency: str, method: str) -> Worth:
    amount = row["amount"]
    if amount is None or not currency:
        return Worth()
    return Worth(abs(Decimal(amount)), currency, method)
