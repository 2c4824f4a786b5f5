"""C18: usage of an account that is reserved for canaries, which none of them signed."""

from collections.abc import Sequence
from typing import ClassVar

import orjson
import polars as pl

from assurance.alerts import Control
from assurance.following.control import StreamControl, World
from assurance.following.findings import Finding, Findings, Record
from assurance.following.rows import CHARGED, DAY_US, place
from schemas.alerts import Alert
from schemas.canaries import UNSIGNED

USED = Control(
    "C18", "canary_account_used", "fraud", "critical", "under",
    "find out who used an account of canaries; it was charged like anybody's usage, so bill it",
)  # fmt: skip
_KEEP_US = 35 * DAY_US


class CanaryAccounts(StreamControl):
    """Charges of accounts of canaries, by account and day."""

    declared: ClassVar = (USED,)

    def __init__(self, world: World) -> None:
        super().__init__(world)
        self._found = Findings(USED, _KEEP_US)

    def take(self, rows: pl.DataFrame) -> Sequence[Alert]:
        """Tell of charges whose usage no canary signed."""
        self._found.take_back(rows)
        marked = pl.col("quality_flags").str.contains(UNSIGNED, literal=True)
        for row in rows.filter(CHARGED, marked, pl.col("run") == "retail").iter_rows(named=True):
            account, day, currency = row["account_id"], row["start_time"] // DAY_US, row["currency"]
            made = Finding(
                row["tenant_id"], row["feed_id"], ("account", account), f"{day}", currency
            )
            record = Record(
                row["event_id"].hex(), row["amount_nano"], row["start_time"], row["collected_at"],
                place(row),
            )  # fmt: skip
            self._found.add(
                "\x1f".join((row["tenant_id"], account, f"{day}", currency)), made, record
            )
        return list(self._found.told(
            "Charged and not signed by a canary, {money}: {count} of {entity}, whose account is "
            "reserved for canaries.", "record",
        ))  # fmt: skip

    def dump(self) -> bytes:
        """Give the memory."""
        return orjson.dumps(self._found.dump())

    def load(self, content: bytes) -> None:
        """Take it back."""
        self._found.load(orjson.loads(content))
