"""C18: canaries that were sent, held against what the store has charged for them."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from decimal import Decimal
from typing import ClassVar

from assurance.alerts import Control, alert
from assurance.reconciling.control import Reconciliation, Row
from schemas.alerts import Alert

MISSING = Control(
    "C18", "canary_missing", "completeness", "critical", "under",
    "look for its file, its record and its suspense: what happened to it happens to usage",
)  # fmt: skip
LATE = Control(
    "C18", "canary_late", "latency", "warning", "under",
    "look at the lag of its lanes with `tallywire status --live`: usage is as late as it was",
)  # fmt: skip
TWICE = Control(
    "C18", "canary_twice", "duplicate", "critical", "over",
    "look for the second record with its id: whatever brought it there may bring usage twice",
)  # fmt: skip
CHANGED = Control(
    "C18", "canary_changed", "misrating", "critical", "under",
    "compare its record with what was stored of it: the feed's format or map may change usage",
)  # fmt: skip
CHARGE = Control(
    "C18", "canary_wrong_charge", "misrating", "critical", "under",
    "correct the catalogue, or the amount that was written for the canary, then rate it again",
)  # fmt: skip
_CONTROLS = {
    "missing": MISSING, "late": LATE, "twice": TWICE, "changed": CHANGED,
    "wrong_charge": CHARGE,
}  # fmt: skip
_DAY_US = 86_400_000_000
_LATELY, _KEPT = 2 * _DAY_US, 35 * _DAY_US
"""How far back is looked at least, and at most for what is open."""


class Canaries(Reconciliation):
    """What was sent in the last two days, and before that as long as a finding of it is open."""

    declared: ClassVar = tuple(_CONTROLS.values())
    query: ClassVar = "canaries"
    every_us: ClassVar = 15_000_000

    def parameters(self, at: int) -> dict[str, object]:
        """Look back to what is open."""
        opened = [Alert.model_validate(one).window_start or at for one in self._open.values()]
        return {"at": at, "since": max(at - _KEPT, min([at - _LATELY, *opened]))}

    def told(self, row: Row, at: int) -> Alert:
        """Tell how many canaries of a day have one fault, and of the newest what it came to."""
        fault, name, canaries = str(row["fault"]), str(row["canary_id"]), int(row["canaries"])
        more = Decimal(row["got"]) > Decimal(row["wanted"])
        control = _CONTROLS[fault]
        if fault == "wrong_charge" and more:
            control = replace(control, direction="over")
        numbers = f"{row['first_no']} to {row['last_no']}" if canaries > 1 else f"{row['first_no']}"
        which = f"{canaries} canaries {name} ({numbers})" if canaries > 1 else f"{name} {numbers}"
        return alert(
            control, tenant_id=str(row["tenant_id"]), feed_id=str(row["feed"]),
            entity=("canary", name), episode=f"{row['currency']} {row['day_no']}", at=at,
            explanation=_SENTENCES[fault](which, row), observed=canaries, unit="canaries",
            evidence=[{"place": str(one), "why": fault} for one in row["files"]],
            evidence_count=canaries, window=(int(row["first_us"]), int(row["last_us"])),
        )  # fmt: skip


def _seconds(micros: object) -> str:
    """Write a time in seconds, at most one decimal.

    >>> _seconds(30_000_000), _seconds(1_250_000)
    ('30', '1.2')
    """
    tenths = int(str(micros)) // 100_000
    return f"{tenths // 10}" + (f".{tenths % 10}" if tenths % 10 else "")


def _money(value: object) -> str:
    return f"{Decimal(str(value)).normalize():f}"


def _changes(row: Row) -> Iterator[str]:
    """Tell in what the newest differs; where nothing does, its signature is of another secret."""
    before = None
    for what, got, wanted in (
        ("units", row["got_units"], row["wanted_units"]),
        ("called number", row["got_to"] or "none", row["wanted_to"] or "none"),
        ("seconds of its start", _seconds(row["moved_us"]), "0"),
    ):
        if str(got) != str(wanted):
            before = f"{what} {got} instead of {wanted}"
            yield before
    if before is None:
        yield "it is as it was sent, but signed with another secret"


_SENTENCES: dict[str, Callable[[str, Row], str]] = {
    "missing": lambda which, row: (
        f"Sent and not charged within {_seconds(row['within_us'])} s: {which}."
    ),
    "late": lambda which, row: (
        f"Charged too late: {which}; the newest after {_seconds(row['took_us'])} s, "
        f"{_seconds(row['within_us'])} s are allowed."
    ),
    "twice": lambda which, _row: f"Charged more than once: {which}.",
    "changed": lambda which, row: (
        f"Stored as other usage than was sent, and charged as anybody's: {which}; "
        f"{', '.join(_changes(row))}."
    ),
    "wrong_charge": lambda which, row: (
        f"Another charge than was written down: {which}; the newest {_money(row['got'])} "
        f"{row['got_in']} instead of {_money(row['wanted'])} {row['currency']}."
    ),
}
