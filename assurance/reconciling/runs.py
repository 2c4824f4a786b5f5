"""C0: whether the controls do what they are for: a run that did not happen is a finding."""

from collections.abc import Mapping
from typing import ClassVar

from assurance.alerts import Control, alert
from assurance.reconciling.control import Reconciliation, Row
from schemas.alerts import Alert

MISSED = Control(
    "C0", "control_run_missed", "leakage", "critical", "under",
    "look whether the process of the controls runs (`tallywire status`); it then catches up",
)  # fmt: skip
FAILED = Control(
    "C0", "control_failed", "leakage", "warning", "under",
    "read why with `tallywire controls runs`; what it could not work it does not watch",
)  # fmt: skip
_MOST_US = 2 * 3_600_000_000


class Runs(Reconciliation):
    """The last run of each control, against the usage that was stored since."""

    declared: ClassVar = (MISSED, FAILED)
    query: ClassVar = "runs"

    def parameters(self, at: int) -> Mapping[str, object]:
        """Look for usage that was stored two hours ago or before."""
        return {"at": at, "before": at - _MOST_US}

    def told(self, row: Row, at: int) -> Alert:
        """Tell of a control that did not run, or could not."""
        name, since = str(row["control"]), int(row["since"])
        missed = row["state"] == "missed"
        return alert(
            MISSED if missed else FAILED, tenant_id=self.tenant_id, feed_id="",
            entity=("control", name), episode=f"{since}" if missed else "", at=at,
            explanation=f"{name} has not looked at usage that was stored more than two hours ago."
            if missed else f"The last run of {name} failed: {row['why']}",
            observed=1, unit="runs", window=(since, int(row["newest"]) if missed else since),
        )  # fmt: skip
