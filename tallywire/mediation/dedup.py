"""Windowed, exact deduplication: the natural key alone decides, looked up in the whole window.

Three verdicts. An exact duplicate has a key and a content seen before. A restatement has a key seen
before with other content: never dropped, never billed beside the first. Anything else is new. The
verdict of a row depends on the rows before it, never on how they were cut into batches.
"""

from collections.abc import Iterable, Iterator
from enum import IntEnum

import numpy as np
import numpy.typing as npt

from tallywire.collected import Collected
from tallywire.hashes import UInts
from tallywire.keytable import KeyTable, Slots

Ints = npt.NDArray[np.int64]

DAY_US = 86_400_000_000
_RECORD = np.dtype(
    [("kind", "<u1"), ("hi", "<u8"), ("lo", "<u8"), ("payload", "<u8"), ("number", "<i8")]
)
_ENTRY, _RESTATED, _ATTEMPT, _WATERMARK, _TOTAL = range(5)
_PIECE = 500_000
_SWEEP_AT = 100_000


class Verdict(IntEnum):
    """What a record is."""

    NEW = 0
    DUPLICATE = 1
    RESTATEMENT = 2
    TOO_OLD = 3


class DedupWindow:
    """Keys seen in the window of a feed.

    Attributes:
        watermark: Latest event time seen, microseconds UTC; 0 before the first.
    """

    def __init__(self) -> None:
        self.watermark = 0
        self._table = KeyTable({"payload": np.uint64, "time": np.int64})
        self._restated: dict[tuple[int, int], list[int]] = {}
        self._attempts: dict[tuple[int, int], int] = {}
        self._changed: list[npt.NDArray[np.void]] = []
        self._sweep_at = _SWEEP_AT

    def __len__(self) -> int:
        return len(self._table)

    def judge(
        self, hi: UInts, lo: UInts, payload: UInts, time: Ints, *, window_days: int, backfill: bool
    ) -> tuple[Ints, Ints]:
        """Judge records in order.

        Args:
            hi, lo: 128-bit hash of the natural key.
            payload: Hash of the content.
            time: Event time, microseconds UTC.
            window_days: Older than this behind the watermark is too old, unless `backfill`.
            backfill: Take old records, too; their keys are kept for a window from when they came.

        Returns:
            Verdict of each record, and its restatement number (0: the first content).
        """
        window = window_days * DAY_US
        horizon = np.maximum.accumulate(np.maximum(time, self.watermark)) - window
        verdicts = np.full(len(hi), Verdict.TOO_OLD, np.int64)
        numbers = np.zeros(len(hi), np.int64)
        rows = np.arange(len(hi)) if backfill else np.flatnonzero(time >= horizon)
        kept = np.maximum(time, horizon + window) if backfill else time
        if len(time):
            self._advance(int(horizon[-1]) + window)
            self._sweep(int(horizon[0]))
        slots, fresh = self._table.claim(hi[rows], lo[rows])
        self._write(slots[fresh], payload[rows[fresh]], kept[rows[fresh]])
        verdicts[rows[fresh]] = Verdict.NEW
        again = np.flatnonzero(~fresh)
        values = self._table.values
        same = values["payload"][slots[again]] == payload[rows[again]]
        holds = values["time"][slots[again]] >= horizon[rows[again]]
        unusual = np.unique(slots[again][~(same & holds)])
        plain = ~np.isin(slots[again], unusual)
        verdicts[rows[again[plain]]] = Verdict.DUPLICATE
        for place in again[~plain].tolist():
            row = int(rows[place])
            verdicts[row], numbers[row] = self._judge_one(
                int(slots[place]), int(payload[row]), int(kept[row]), int(horizon[row])
            )
        return verdicts, numbers

    def knows(self, hi: UInts, lo: UInts, horizon: Ints) -> npt.NDArray[np.bool_]:
        """Tell which keys were seen, at or after their horizon; nothing is put in."""
        slots = self._table.find(hi, lo)
        found: npt.NDArray[np.bool_] = slots >= 0
        return found & (self._table.values["time"][np.maximum(slots, 0)] >= horizon)

    def _judge_one(self, slot: int, payload: int, time: int, horizon: int) -> tuple[int, int]:
        table = self._table
        if table.values["time"][slot] < horizon:  # beyond the window: as if it were not there
            self._restated.pop(self._key(slot), None)
            self._write(
                np.array([slot]), np.array([payload], np.uint64), np.array([time], np.int64)
            )
            return Verdict.NEW, 0
        if int(table.values["payload"][slot]) == payload:
            return Verdict.DUPLICATE, 0
        known = self._restated.setdefault(self._key(slot), [])
        if payload in known:
            return Verdict.DUPLICATE, known.index(payload) + 1
        known.append(payload)
        self._note(_RESTATED, *self._key(slot), payload, len(known))
        return Verdict.RESTATEMENT, len(known)

    def _key(self, slot: int) -> tuple[int, int]:
        return int(self._table.hi[slot]), int(self._table.lo[slot])

    def _write(self, slots: Slots, payload: UInts, time: Ints) -> None:
        self._table.values["payload"][slots] = payload
        self._table.values["time"][slots] = time
        if len(slots):
            self._changed.append(self._entries(slots))

    def _entries(self, slots: Slots) -> npt.NDArray[np.void]:
        records = np.zeros(len(slots), _RECORD)
        records["hi"], records["lo"] = self._table.hi[slots], self._table.lo[slots]
        records["payload"] = self._table.values["payload"][slots]
        records["number"] = self._table.values["time"][slots]
        return records

    def _note(self, kind: int, hi: int, lo: int, payload: int, number: int) -> None:
        self._changed.append(np.array([(kind, hi, lo, payload, number)], _RECORD))

    def _advance(self, watermark: int) -> None:
        if watermark > self.watermark:
            self.watermark = watermark
            self._note(_WATERMARK, 0, 0, 0, watermark)

    def _sweep(self, horizon: int) -> None:
        """Forget entries beyond the window; they count as absent already."""
        if len(self._table) < self._sweep_at:
            return
        keep = self._table.values["time"] >= horizon
        self._table.forget(keep)
        for key in list(self._restated):
            words = np.array([key[0]], np.uint64), np.array([key[1]], np.uint64)
            if self._table.find(*words)[0] < 0:
                del self._restated[key]
        self._sweep_at = max(_SWEEP_AT, 2 * len(self._table))

    def accept_attempt(self, hi: int, lo: int, attempt: int) -> bool:
        """Let a suspended record in again, each attempt once and in order."""
        if self._attempts.get((hi, lo), 0) != attempt - 1:
            return False
        self._attempts[hi, lo] = attempt
        self._note(_ATTEMPT, hi, lo, 0, attempt)
        return True

    def changes(self) -> bytes:
        """Give what changed since the last call, in order."""
        changed, self._changed = self._changed, []
        return np.concatenate(changed).tobytes() if changed else b""

    def apply(self, changes: bytes) -> None:
        """Take changes written before, in order."""
        self.apply_all([changes])

    def apply_all(self, pieces: Iterable[bytes | memoryview]) -> None:
        """Take many pieces of changes at once, in order: much sooner than one by one."""
        collected = Collected(_RECORD, ("hi", "lo", "payload", "number"))
        for piece in pieces:
            records = np.frombuffer(piece, _RECORD)
            is_entry = records["kind"] == _ENTRY
            collected.add(records if is_entry.all() else records[is_entry])
            for record in records[self._beside(records, is_entry)].tolist():
                self._apply_one(*record)
        columns = collected.take()
        columns["time"] = columns.pop("number")
        self._table.take(columns.pop("hi"), columns.pop("lo"), columns)

    def _beside(
        self, records: npt.NDArray[np.void], is_entry: npt.NDArray[np.bool_]
    ) -> npt.NDArray[np.bool_]:
        """Tell which records say something beside the table: entries, too, of restated keys."""
        more = records["hi"][records["kind"] == _RESTATED]
        if not self._restated and not len(more):
            return ~is_entry
        words = np.fromiter((hi for hi, _ in self._restated), np.uint64, len(self._restated))
        known = np.sort(np.concatenate([words, more]))
        place = np.searchsorted(known, records["hi"])
        found: npt.NDArray[np.bool_] = known[np.minimum(place, len(known) - 1)] == records["hi"]
        return found | ~is_entry

    def _apply_one(self, kind: int, hi: int, lo: int, payload: int, number: int) -> None:
        if kind == _ENTRY:  # written anew: beyond the window, what was restated is forgotten
            self._restated.pop((hi, lo), None)
        elif kind == _WATERMARK:
            self.watermark = max(self.watermark, number)
        elif kind == _ATTEMPT:
            self._attempts[hi, lo] = number
        elif kind == _TOTAL:
            self._table.reserve(number)
        else:
            self._restated.setdefault((hi, lo), []).append(payload)

    def dump(self) -> Iterator[bytes]:
        """Give the whole state, in pieces; the first says how many entries there are."""
        slots = np.flatnonzero(self._table.used)
        yield np.array([(_TOTAL, 0, 0, 0, len(slots))], _RECORD).tobytes()
        for start in range(0, len(slots), _PIECE):
            yield self._entries(slots[start : start + _PIECE]).tobytes()
        rest = [(_WATERMARK, 0, 0, 0, self.watermark)]
        rest += [(_ATTEMPT, hi, lo, 0, number) for (hi, lo), number in self._attempts.items()]
        rest += [
            (_RESTATED, hi, lo, payload, number)
            for (hi, lo), known in self._restated.items()
            for number, payload in enumerate(known, start=1)
        ]
        yield np.array(rest, _RECORD).tobytes()
