"""Sessions of records that are usage by themselves: which numbers were seen of each.

What most sessions are, one number after the other, is kept in columns; only sessions in which a
number is missing, repeated or beyond their end have objects of their own.
"""

from collections.abc import Iterable, Iterator
from typing import Any

import numpy as np
import numpy.typing as npt
import orjson

from tallywire.keytable import KeyTable
from tallywire.mediation.runs import Runs

Ints = npt.NDArray[np.int64]
Key = tuple[int, int]

VALUES = ("low", "high", "heard", "quantity", "low_quantity", "high_quantity")
FINAL, ODD = 1, 2
"""Marks of a session: it has its last record; it has an object of its own."""
_RECORD = np.dtype(
    [("hi", "<u8"), ("lo", "<u8"), *((name, "<i8") for name in VALUES), ("marks", "u1")]
)
_PIECE = 500_000
_FORGET_AT = 10_000


class Numbered:
    """Numbers seen of the sessions of a lane.

    Attributes:
        table: By the hash of a session's key: lowest and highest number, when it was last heard
            of, its quantity so far, the quantities of its lowest and highest number, its marks.
        odd: Sessions that are not plainly one number after the other.
        names: Keys of sessions, where a feed's sessions must end.
        swept: Instant up to which silent sessions have been given up.
    """

    def __init__(self) -> None:
        self.table = KeyTable({**dict.fromkeys(VALUES, np.int64), "marks": np.uint8})
        self.odd: dict[Key, Runs] = {}
        self.names: dict[Key, str] = {}
        self.swept = 0
        self._told = False
        self._changed: list[npt.NDArray[np.void]] = []
        self._changed_odd: dict[Key, None] = {}
        self._changed_names: dict[Key, None] = {}

    def __len__(self) -> int:
        return len(self.table)

    def touch(self, slots: Ints) -> None:
        """Note that sessions have changed in the table; their slots are valid now only."""
        if len(slots):
            self._changed.append(self._records(slots))

    def put_odd(self, key: Key, session: Runs | None) -> None:
        """Keep the object of a session, or drop it."""
        if session is not None:
            self.odd[key] = session
        elif self.odd.pop(key, None) is None:
            return
        self._changed_odd[key] = None

    def name(self, keys: Iterable[Key], names: Iterable[str]) -> None:
        """Keep the keys of sessions as they are written."""
        for key, name in zip(keys, names, strict=True):
            self.names[key] = name
            self._changed_names[key] = None

    def sweep_to(self, instant: int, *, told: bool) -> None:
        """Note up to when silent sessions have been given up, and whether any was told of."""
        self.swept = instant
        self._told |= told

    def forget(self, absent: npt.NDArray[np.bool_]) -> None:
        """Drop sessions that count as absent already, when they are many.

        Args:
            absent: Of each slot of the table.
        """
        gone = int((absent & self.table.used).sum())
        if gone < _FORGET_AT or 2 * gone < len(self.table):
            return
        self.table.forget(~absent)
        for key in [key for key in self.names if self.table.find_one(*key) < 0]:
            del self.names[key]

    def changes(self) -> bytes:
        """Give what changed since the last call."""
        odd, self._changed_odd = self._changed_odd, {}
        names, self._changed_names = self._changed_names, {}
        changed, self._changed = self._changed, []
        told, self._told = self._told, False
        if not (changed or odd or names or told):
            return b""
        records = np.concatenate([np.empty(0, _RECORD), *changed])
        return _packed(self._content(odd, [key for key in names if key in self.names]), records)

    def _content(self, odd: Iterable[Key], names: Iterable[Key], count: int = 0) -> dict[str, Any]:
        kept = [(key, self.odd.get(key)) for key in odd]
        return {
            "swept": self.swept,
            "count": count,
            "odd": [[*key, vars(session) if session else None] for key, session in kept],
            "names": [[*key, self.names[key]] for key in names],
        }

    def apply(self, changes: bytes) -> None:
        """Take changes written before."""
        if not changes:
            return
        told, records = _unpacked(changes)
        self.swept = told["swept"]
        self.table.reserve(told["count"])
        slots, _ = self.table.claim(records["hi"].copy(), records["lo"].copy())
        for name in (*VALUES, "marks"):
            self.table.values[name][slots] = records[name]
        for hi, lo, session in told["odd"]:
            if session is None:
                self.odd.pop((hi, lo), None)
            else:
                self.odd[hi, lo] = Runs(**session)
        self.names |= {(hi, lo): name for hi, lo, name in told["names"]}

    def dump(self) -> Iterator[bytes]:
        """Give the whole state, in pieces."""
        slots = np.flatnonzero(self.table.used)
        if not len(slots):
            return
        yield _packed(
            self._content(self.odd, self.names, len(slots)), self._records(slots[:_PIECE])
        )
        for start in range(_PIECE, len(slots), _PIECE):
            yield _packed(self._content([], []), self._records(slots[start : start + _PIECE]))

    def _records(self, slots: Ints) -> npt.NDArray[np.void]:
        records = np.zeros(len(slots), _RECORD)
        records["hi"], records["lo"] = self.table.hi[slots], self.table.lo[slots]
        for name in (*VALUES, "marks"):
            records[name] = self.table.values[name][slots]
        return records


def _packed(told: dict[str, Any], records: npt.NDArray[np.void]) -> bytes:
    text = orjson.dumps(told)
    return len(text).to_bytes(8, "little") + text + records.tobytes()


def _unpacked(changes: bytes) -> tuple[dict[str, Any], npt.NDArray[np.void]]:
    end = 8 + int.from_bytes(changes[:8], "little")
    return orjson.loads(changes[8:end]), np.frombuffer(changes[end:], _RECORD)
