"""C5: whether what was read of each source is one range behind the other, without a hole."""

from collections.abc import Mapping
from typing import ClassVar

from assurance.alerts import Control, alert
from assurance.reconciling.control import Reconciliation, Row, day_of
from schemas.alerts import Alert

SKIPPED = Control(
    "C5", "range_skipped", "leakage", "critical", "under",
    "read the range again from its source; a ledger or a backup that does not fit was put in place",
)  # fmt: skip
AGAIN = Control(
    "C5", "range_read_again", "duplicate", "critical", "over",
    "look whether a home was restored; what was read twice was judged by keys that it may lack",
)  # fmt: skip
_DAY_US = 86_400_000_000


class Ranges(Reconciliation):
    """Offsets of topics, and bytes of files and of the usage log, as ledgers cut them."""

    declared: ClassVar = (SKIPPED, AGAIN)
    query: ClassVar = "ranges"
    stretch_us: ClassVar = _DAY_US
    stretches: ClassVar = 2
    settle_us: ClassVar = 600_000_000

    def parameters(self, at: int) -> Mapping[str, object]:
        """Look at days, with the present one."""
        return {"days": [day_of(day) for day in [*self.compared(at), at]]}

    def told(self, row: Row, at: int) -> Alert:
        """Tell where a range does not begin where the one before it ended."""
        lane, source = str(row["lane"]), str(row["source"])
        first, before, cut = int(row["first"]), int(row["before"]), int(row["at_us"])
        control, word = (SKIPPED, "was not read") if first > before else (AGAIN, "was read again")
        low, high = sorted((first, before))
        return alert(
            control, tenant_id=self.tenant_id, feed_id="", entity=("lane", lane),
            episode=f"{source} {row['position']}", at=at,
            explanation=f"Of {source} lane {lane} had read up to {before} and went on at {first}: "
            f"the range from {low} to {high} {word}.",
            expected=before, observed=first, unit="position", window=(cut, cut),
            evidence=[{"place": f"{source} {low}-{high}", "why": word}],
        )  # fmt: skip
