"""C19: prepaid money: what top-ups gave is what balances have paid and what is left of them."""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from typing import Any, ClassVar

import orjson

from assurance.alerts import Control, alert
from assurance.following.control import NOWHERE, World
from assurance.money import worth_of
from assurance.reconciling.control import Reconciliation, Row
from schemas.alerts import Alert
from tallywire.catalog.snapshot import Snapshot
from tallywire.rating.rulebook.tally import FIELD_OF_SCOPE

OVERDRAWN = Control(
    "C19", "balance_overdrawn", "leakage", "critical", "under",
    "look whether two lanes draw from one balance (`tallywire status`), or a home was restored",
)  # fmt: skip
GIVEN_BACK = Control(
    "C19", "balance_paid_back_more", "misrating", "critical", "over",
    "look at the corrections of these accounts: more was given back than had been paid",
)  # fmt: skip
_DAY_US = 86_400_000_000
_EPOCH = date(1970, 1, 1).toordinal()

Purse = tuple[str, str, str]
"""Whose money it is: tenant, top of the accounts, currency."""


class Balances(Reconciliation):
    """Payments since the control began, added up day by day, against all top-ups that were seen."""

    declared: ClassVar = (OVERDRAWN, GIVEN_BACK)
    query: ClassVar = "balances"

    def __init__(self, tenant_id: str, world: World = NOWHERE) -> None:
        super().__init__(tenant_id, world)
        self._since: int | None = None
        self._paid: dict[Purse, int] = {}
        self._granted: dict[Purse, dict[str, int]] = {}

    def parameters(self, at: int) -> Mapping[str, object]:
        """Ask for the days that are not counted yet; before the first run nothing is known."""
        if self._since is None:
            self._since = at // _DAY_US
        return {"since": date.fromordinal(_EPOCH + self._since)}

    def judge(self, rows: Sequence[Row], at: int) -> list[Alert]:
        """Add days up; those that are past for good are not asked for again."""
        paid = defaultdict(int, self._paid)
        closed = max(self._since or 0, at // _DAY_US - 1)
        for row in rows:
            purse = (str(row["tenant_id"]), str(row["routing_id"]), str(row["currency"]))
            self._see(purse, row)
            paid[purse] += int(row["paid_nano"])
            if int(row["day_no"]) < closed:
                self._paid[purse] = self._paid.get(purse, 0) + int(row["paid_nano"])
        self._since = closed
        return super().judge(list(self._wrong(paid)), at)

    def _see(self, purse: Purse, row: Row) -> None:
        """Remember the top-ups of whoever paid: they may leave the catalogue later."""
        snapshot = self.world.snapshots(str(row["catalog"]))
        known = self._granted.setdefault(purse, {})
        for scope, field in FIELD_OF_SCOPE.items():
            known |= _grants(snapshot, scope, str(row[field]), purse[2])

    def _wrong(self, paid: Mapping[Purse, int]) -> Iterator[dict[str, Any]]:
        for purse in sorted(paid):
            granted = sum(self._granted.get(purse, {}).values())
            if paid[purse] > granted or paid[purse] < 0:
                yield {"purse": purse, "paid": paid[purse], "granted": granted}

    def told(self, row: Row, at: int) -> Alert:
        """Tell how much more was paid than there was, or given back than had been paid."""
        (tenant, owner, currency), paid, granted = row["purse"], row["paid"], row["granted"]
        control, beyond = (OVERDRAWN, paid - granted) if paid > granted else (GIVEN_BACK, -paid)
        worth = worth_of(beyond, currency, "charged")
        text = (
            f"Balances of {owner} have paid {worth_of(paid, currency, '').amount:.2f} {currency}; "
            f"top-ups gave {worth_of(granted, currency, '').amount:.2f}."
        )
        return alert(
            control, tenant_id=tenant, feed_id="", entity=("account", owner), episode=currency,
            at=at, explanation=text, expected=granted, observed=paid, unit="billionths",
            worth=worth, window=(None, at // _DAY_US * _DAY_US),
        )  # fmt: skip

    def dump(self) -> bytes:
        """Give the memory."""
        return orjson.dumps({
            "differences": orjson.Fragment(super().dump()), "since": self._since,
            "paid": [[*purse, paid] for purse, paid in sorted(self._paid.items())],
            "granted": [[*purse, known] for purse, known in sorted(self._granted.items())],
        })  # fmt: skip

    def load(self, content: bytes) -> None:
        """Take it back."""
        found = orjson.loads(content)
        super().load(orjson.dumps(found["differences"]))
        self._since = found["since"]
        self._paid = {(one[0], one[1], one[2]): one[3] for one in found["paid"]}
        self._granted = {(one[0], one[1], one[2]): one[3] for one in found["granted"]}


def _grants(
    snapshot: Snapshot, scope: str, holder: str, currency: str
) -> Iterator[tuple[str, int]]:
    balances = {
        one.balance_id
        for offer in snapshot.offers.values()
        for one in offer.balances
        if one.currency == currency and one.scope == scope
    }
    for balance in sorted(balances):
        for grant in snapshot.grants.get((scope, holder, balance), ()):
            yield f"{scope} {holder} {balance} {grant.grant_id}", grant.quantity
