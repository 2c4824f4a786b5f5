"""Which charges a correction selects."""

import uuid
from dataclasses import dataclass

import polars as pl

from tallywire.catalog.snapshot import FOREVER_US

_LATEST_US = 4_102_444_800_000_000  # 2100-01-01


@dataclass(frozen=True)
class Selection:
    """Charges that are rated again on purpose; what depends on them follows by itself.

    Attributes:
        event: Id of an event, or of a charge.
        revision: Of the tariff; below 0 for all.
        since, until: Start of the usage, microseconds UTC; the end is exclusive.
    """

    account: str = ""
    event: str = ""
    tariff: str = ""
    zone: str = ""
    revision: int = -1
    since: int = 0
    until: int = FOREVER_US

    def parameters(self) -> dict[str, str | int]:
        """Give the parameters of the query `affected`."""
        return {
            "account": self.account, "event": self.event, "tariff": self.tariff,
            "zone": self.zone, "revision": self.revision, "since": self.since,
            "until": min(self.until, _LATEST_US),
        }  # fmt: skip

    def told(self) -> dict[str, str]:
        """Write what was selected; what was left open is left out."""
        open_values = Selection().parameters()
        return {
            name: str(value)
            for name, value in self.parameters().items()
            if value != open_values[name]
        }

    def expression(self) -> pl.Expr:
        """Tell of rows of RatedEvent whether they are selected."""
        chosen = pl.col("start_time").is_between(self.since, self.until, closed="left")
        for column, value in (
            ("account_id", self.account), ("tariff_id", self.tariff), ("zone_id", self.zone),
        ):  # fmt: skip
            if value:
                chosen &= pl.col(column) == value
        if self.revision >= 0:
            chosen &= pl.col("tariff_revision") == self.revision
        if self.event:
            key = uuid.UUID(self.event).bytes
            chosen &= (pl.col("event_id") == key) | (pl.col("rated_id") == key)
        return chosen
