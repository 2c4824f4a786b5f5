"""C5: records whose fate is not known, by feed and hour of collection."""

from typing import ClassVar

from assurance.alerts import Control, alert
from assurance.reconciling.control import Reconciliation, Row
from schemas.alerts import Alert

LACKING = Control(
    "C5", "conservation_difference", "leakage", "critical", "under",
    "look at the hour with `tallywire feeds`; a lane that is behind or put aside lacks its records",
)  # fmt: skip
_HOUR_US = 3_600_000_000


class Conservation(Reconciliation):
    """Collected against all fates; an hour that is past, and as it was ten minutes ago."""

    declared: ClassVar = (LACKING,)
    query: ClassVar = "conservation"
    settle_us: ClassVar = 600_000_000

    def told(self, row: Row, at: int) -> Alert:
        """Tell how many records lack a fate, or have one too many."""
        feed, hour = str(row["feed_id"]), int(row["hour_us"])
        lacking = int(row["lacking"])
        text = f"Of {row['collected_records']} records of {feed} collected in an hour " + (
            f"{lacking} have no fate." if lacking > 0 else f"{-lacking} have one fate too many."
        )
        return alert(
            LACKING, tenant_id=self.tenant_id, feed_id=feed, entity=("feed", feed),
            episode=f"{hour}", at=at, explanation=text, expected=int(row["collected_records"]),
            observed=int(row["accounted"]), unit="records", window=(hour, hour + _HOUR_US),
        )  # fmt: skip
