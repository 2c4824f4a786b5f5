"""C9: charges rated a second time, by the rulebook, which shares no arithmetic with what made them.

Chosen are one charge in a hundred by a hash of its event's id, charges of nothing that no allowance
paid (the first thousand of each revision and destination), every charge beyond all but a thousandth
of its service, and the first of each revision and destination. A difference makes every further
charge of that revision and destination be rated again.
"""

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

import numpy as np
import orjson
import polars as pl

from assurance.alerts import Control
from assurance.following.control import StreamControl, World
from assurance.following.findings import Finding, Findings, Record
from assurance.following.rows import DAY_US, place
from schemas.alerts import Alert
from tallywire.rating.explain import retrace
from tallywire.rating.rulebook import Refusal, Rulebook

DEARER = Control(
    "C9", "charged_above_rulebook", "misrating", "critical", "over",
    "compare both in `tallywire alerts show`; then approve the re-rating that is proposed",
)  # fmt: skip
CHEAPER = Control(
    "C9", "charged_below_rulebook", "misrating", "critical", "under",
    "compare both in `tallywire alerts show`; then approve the re-rating that is proposed",
)  # fmt: skip

_SHARE = 100
_FIRST, _FREE = 5, 1_000
_RARE = 1_000
_ENOUGH = 1_000
_STEPS = 64
_NANO = 10**9
_STRATUM = ("tariff_id", "tariff_revision", "zone_id")
SCOPE = ("tariff", "revision", "zone")
"""Features of a finding that name what is to be rated again."""


class Shadow(StreamControl):
    """What was chosen so far, and where differences were found.

    Rows that the rulebook made itself prove nothing and are left out.
    """

    declared: ClassVar = (DEARER, CHEAPER)

    def __init__(self, world: World) -> None:
        super().__init__(world)
        self._over = Findings(DEARER, 35 * DAY_US)
        self._under = Findings(CHEAPER, 35 * DAY_US)
        self._firsts: dict[str, int] = {}
        self._amounts: dict[str, list[int]] = {}
        self._suspect: set[str] = set()
        self._books: dict[str, Rulebook] = {}

    def wanted(self, rows: pl.DataFrame) -> pl.DataFrame:
        """Choose the charges that are to be rated again."""
        own = rows.filter(
            pl.col("op") == "charge", pl.col("side") == "revenue", pl.col("rater") == "columnar"
        )
        if own.is_empty():
            return own
        stratum = own.select(pl.concat_str(*_STRATUM, separator="\x1f")).to_series()
        words = np.frombuffer(b"".join(own["event_id"].to_list()), ">u8")[::2]
        chosen = words % _SHARE == 0
        free = (own["amount_nano"] == 0) & (own["included_quantity"] < own["rated_quantity"])
        chosen |= self._early("free " + stratum, free, _FREE)
        chosen |= self._high(own)
        chosen |= self._early(stratum, pl.repeat(True, own.height, eager=True), _FIRST)
        chosen |= stratum.is_in(sorted(self._suspect)).to_numpy()
        return own.filter(pl.Series(chosen))

    def _high(self, own: pl.DataFrame) -> np.ndarray[Any, np.dtype[np.bool_]]:
        """Tell charges that all but a thousandth of their service lie below, by powers of two."""
        high = np.zeros(own.height, bool)
        amount = own["amount_nano"].to_numpy()
        steps = np.frexp(np.maximum(amount, 1).astype(np.float64))[1].clip(0, _STEPS - 1)
        services = own.select(pl.concat_str("service", "currency", separator="\x1f")).to_series()
        for service in services.unique(maintain_order=True):
            mine = (services == service).to_numpy()
            counts = self._amounts.setdefault(service, [0] * _STEPS)
            for step, count in enumerate(np.bincount(steps[mine], minlength=_STEPS).tolist()):
                counts[step] += count
            limit = _limit(counts)
            high |= mine & (steps > limit)
        return high

    def _early(
        self, stratum: pl.Series, among: pl.Series, most: int
    ) -> np.ndarray[Any, np.dtype[np.bool_]]:
        """Tell the first charges of each stratum, among some of them."""
        early = np.zeros(len(stratum), bool)
        frame = pl.DataFrame({"stratum": stratum, "among": among}).with_row_index()
        for (name,), part in frame.filter("among").group_by("stratum", maintain_order=True):
            seen = self._firsts.get(str(name), 0)
            if seen < most:
                chosen = part["index"].to_numpy()[: most - seen]
                early[chosen] = True
                self._firsts[str(name)] = seen + len(chosen)
        return early

    def take_whole(self, whole: Sequence[Mapping[str, Any]]) -> None:
        """Rate charges again.

        Args:
            whole: Fields of the chosen rows, as the rulebook has them.
        """
        for row in whole:
            self._compare(row)

    def _compare(self, row: Mapping[str, Any]) -> None:
        book = self._book(row["catalog_hash"])
        charge = retrace(book, row)
        again = 0 if isinstance(charge, Refusal) else int(charge.row["amount"] * _NANO)
        stored = int(row["amount"] * _NANO)
        if stored == again:
            return
        findings = self._over if stored > again else self._under
        stratum = "\x1f".join(str(row[name]) for name in _STRATUM)
        self._suspect.add(stratum)
        entity = f"{row['tariff_id']}/{row['tariff_revision']}/{row['zone_id']}"
        made = Finding(
            row["tenant_id"], row["feed_id"], ("tariff", entity), row["currency"], row["currency"],
            features=dict(zip(SCOPE, (str(row[name]) for name in _STRATUM), strict=True)),
        )  # fmt: skip
        record = Record(
            row["event_id"].hex(), abs(stored - again), row["start_time"], row["collected_at"],
            place(dict(row)),
        )  # fmt: skip
        findings.add(f"{stratum}\x1f{row['currency']}", made, record)

    def _book(self, catalog_hash: str) -> Rulebook:
        if catalog_hash not in self._books:
            self._books[catalog_hash] = Rulebook(self.world.snapshots(catalog_hash))
        return self._books[catalog_hash]

    def take(self, rows: pl.DataFrame) -> Sequence[Alert]:
        """Close what was taken back; tell what was found in the rows that were chosen."""
        self._over.take_back(rows)
        self._under.take_back(rows)
        return [
            *self._over.told("{money} above the rulebook: {count} of {entity}.", "charge"),
            *self._under.told("{money} below the rulebook: {count} of {entity}.", "charge"),
        ]

    def dump(self) -> bytes:
        """Write the memory."""
        return orjson.dumps({
            "over": self._over.dump(), "under": self._under.dump(), "firsts": self._firsts,
            "amounts": self._amounts, "suspect": sorted(self._suspect),
        })  # fmt: skip

    def load(self, content: bytes) -> None:
        """Read it back."""
        found = orjson.loads(content)
        self._over.load(found["over"])
        self._under.load(found["under"])
        self._firsts, self._amounts = found["firsts"], found["amounts"]
        self._suspect = set(found["suspect"])


def _limit(counts: Sequence[int]) -> int:
    """Give the step that all but a thousandth of the charges reach at most."""
    total = sum(counts)
    if total < _ENOUGH:
        return _STEPS
    above = 0
    for step in range(_STEPS - 1, 0, -1):
        above += counts[step]
        if above * _RARE > total:
            return step
    return 0
