"""C7: one call told by two records that are no exact copies: of two nodes, or a part and the whole.

Calls of one caller to one called number that begin within two seconds, or what the thresholds say,
are one call: nobody makes two at once. Calls are kept by (caller, called, slot of their start) for
two days of event time; the call that came second is at risk, and is a copy where the durations
agree to a second, or what the thresholds say, else a part beside its whole.
"""

from collections.abc import Sequence
from io import BytesIO
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt
import orjson
import polars as pl

from assurance.alerts import Control
from assurance.following.control import StreamControl, World
from assurance.following.findings import Finding, Findings, Record
from assurance.following.rows import CHARGED, DAY_US, place
from schemas.alerts import Alert
from tallywire.hashes import hash64
from tallywire.keytable import KeyTable

COPY = Control(
    "C7", "near_copy", "duplicate", "critical", "over",
    "compare the two records; take the charge of one back, and ask why two nodes told of one call",
)  # fmt: skip
PART = Control(
    "C7", "part_beside_whole", "duplicate", "critical", "over",
    "charge either the parts or the whole of the call: say in the feed how they are joined",
)  # fmt: skip

_FORMERLY_US = 2_000_000
"""What memories were kept by that do not say it."""
_KEEP_US = 2 * DAY_US
_SWEEP_US = DAY_US // 4
_COLUMNS = {
    "offset": np.int32, "duration_ms": np.int32, "source": np.int32, "record": np.int32,
    "row": np.int32,
}  # fmt: skip
"""Of a call: its start within its slot, duration, file and record, and its row in the batch that
brought it. Four octets are enough for each: there are many calls."""
_MOST = 2**31 - 1
_EARLIER = -1
_SEPARATOR = "\x1f"
_KEPT = ("offset", "duration_ms", "source", "record")

Numbers = npt.NDArray[np.int64]
Flags = npt.NDArray[np.bool_]


class NearCopies(StreamControl):
    """Calls of two days, each by its caller, its called number and its start."""

    declared: ClassVar = (COPY, PART)

    def __init__(self, world: World) -> None:
        super().__init__(world)
        self._near_us = 1_000 * world.thresholds.near_copies.start_ms
        self._slot_us = self._near_us + 1  # two starts in one slot are near, two slots on are not
        self._calls = KeyTable(_COLUMNS)
        self._files: dict[str, int] = {}
        self._names: list[str] = []
        self._copies = Findings(COPY, _KEEP_US)
        self._parts = Findings(PART, _KEEP_US)
        self._newest = self._swept = 0

    def take(self, rows: pl.DataFrame) -> Sequence[Alert]:
        """Look every call up beside those that begin with it."""
        self._copies.take_back(rows)
        self._parts.take_back(rows)
        calls = rows.filter(
            CHARGED, pl.col("service") == "voice", pl.col("run") == "retail",
            pl.col("duration_us") > 0, pl.col("a_number") != "", pl.col("b_number") != "",
        )  # fmt: skip
        if calls.height:
            self._look(calls)
        return [
            *self._copies.told("Charged twice in a day, {money}: {count} of {entity}.", "call"),
            *self._parts.told(
                "Charged as a whole and in part in a day, {money}: {count} of {entity}.", "call"
            ),
        ]

    def _look(self, calls: pl.DataFrame) -> None:
        calls = self._fresh_enough(calls)
        start = calls["start_time"].to_numpy()
        pair, slot = _pairs(calls), start // self._slot_us
        rows = np.arange(len(start))
        found, fresh = self._calls.claim(pair, slot.view(np.uint64))
        self._put(calls, found, fresh, start - slot * self._slot_us)
        other = np.where(fresh, -1, found)
        for beside in (-1, 1):
            near = self._calls.find(pair, (slot + beside).view(np.uint64))
            values = self._calls.values
            held = (near >= 0) & fresh & (values["row"][near] < rows)
            there = (slot + beside) * self._slot_us + values["offset"][near]
            held &= np.abs(there - start) <= self._near_us
            other = np.where((other < 0) & held, near, other)
        for row in np.flatnonzero(other >= 0):
            self._report(calls.row(int(row), named=True), int(other[row]))
        self._calls.values["row"][found[fresh]] = _EARLIER
        self._sweep()

    def _fresh_enough(self, calls: pl.DataFrame) -> pl.DataFrame:
        """Leave calls out that are older than what is kept, as of the calls before them."""
        newest = pl.max_horizontal(pl.col("start_time").cum_max(), pl.lit(self._newest))
        kept = calls.filter(pl.col("start_time") >= newest - _KEEP_US)
        self._newest = max(self._newest, int(str(calls["start_time"].max())))
        return kept

    def _put(self, calls: pl.DataFrame, slots: Numbers, fresh: Flags, offset: Numbers) -> None:
        """Write what is kept of calls that are the first of their key."""
        values, rows = self._calls.values, np.flatnonzero(fresh)
        into = slots[rows]
        duration_ms = calls["duration_us"].to_numpy() // 1_000
        values["offset"][into] = offset[rows]
        values["duration_ms"][into] = np.minimum(duration_ms, _MOST)[rows]
        values["record"][into] = np.minimum(calls["record_no"].to_numpy(), _MOST)[rows]
        values["row"][into] = rows
        both = pl.concat_str("feed_id", "file_name", separator=_SEPARATOR)
        names = calls.select(both).to_series()
        numbers = {name: self._number(name) for name in names.unique(maintain_order=True)}
        values["source"][into] = names.replace_strict(numbers, return_dtype=pl.Int32).to_numpy()[
            rows
        ]

    def _number(self, name: str) -> int:
        if name not in self._files:
            self._files[name] = len(self._names)
            self._names.append(name)
        return self._files[name]

    def _report(self, row: dict[str, Any], other: int) -> None:
        """Tell that a call is told by a record before it, too."""
        values = self._calls.values
        lasted_ms = row["duration_us"] // 1_000
        same_ms = self.world.thresholds.near_copies.duration_ms
        near = abs(int(values["duration_ms"][other]) - lasted_ms) <= same_ms
        findings = self._copies if near else self._parts
        feed, file = self._names[values["source"][other]].split(_SEPARATOR)
        pair, day = f"{row['feed_id']} beside {feed}", row["start_time"] // DAY_US
        made = Finding(row["tenant_id"], row["feed_id"], ("feeds", pair), f"{day}", row["currency"])
        why = f"{place(row)}, beside {file}, record {int(values['record'][other]) + 1}"
        record = Record(
            row["event_id"].hex(), row["amount_nano"], row["start_time"], row["collected_at"], why
        )
        key = _SEPARATOR.join((row["tenant_id"], pair, f"{day}", row["currency"]))
        findings.add(key, made, record)

    def _sweep(self) -> None:
        """Forget calls and names of files that are too old."""
        if self._newest - self._swept < _SWEEP_US:
            return
        self._swept = self._newest
        oldest = (self._newest - _KEEP_US) // self._slot_us
        self._calls.forget(self._calls.used & (self._calls.lo.view(np.int64) >= oldest))
        values = self._calls.values
        used = np.unique(values["source"][self._calls.used])
        names = [self._names[number] for number in used]
        moved = np.zeros(len(self._names) + 1, np.int32)
        moved[used] = np.arange(len(used))
        values["source"][:] = moved[values["source"]]
        self._names, self._files = names, {name: number for number, name in enumerate(names)}

    def dump(self) -> bytes:
        """Write the calls as arrays, the rest as JSON."""
        used, out = self._calls.used, BytesIO()
        rest = orjson.dumps({
            "names": self._names, "copies": self._copies.dump(), "parts": self._parts.dump(),
            "newest": self._newest, "swept": self._swept, "near_us": self._near_us,
        })  # fmt: skip
        columns = {name: self._calls.values[name][used] for name in _KEPT}
        np.savez(
            out, allow_pickle=False, rest=np.frombuffer(rest, np.uint8), hi=self._calls.hi[used],
            lo=self._calls.lo[used], **columns,
        )  # fmt: skip
        return out.getvalue()

    def load(self, content: bytes) -> None:
        """Read them back; calls that were kept by other slots of time are begun anew."""
        with np.load(BytesIO(content), allow_pickle=False) as found:
            rest = orjson.loads(found["rest"].tobytes())
            columns = {name: found[name] for name in _KEPT}
            columns["row"] = np.full(len(found["hi"]), _EARLIER, np.int32)
            self._calls = KeyTable(_COLUMNS)
            if rest.get("near_us", _FORMERLY_US) == self._near_us:
                self._calls.take(found["hi"], found["lo"], columns)
        self._names = rest["names"]
        self._files = {name: number for number, name in enumerate(self._names)}
        self._copies.load(rest["copies"])
        self._parts.load(rest["parts"])
        self._newest, self._swept = rest["newest"], rest["swept"]


def _pairs(calls: pl.DataFrame) -> npt.NDArray[np.uint64]:
    """Hash (caller, called)."""
    return hash64(
        calls.select(pl.concat_str("a_number", "b_number", separator=_SEPARATOR)).to_series()
    )
