"""Following the numbers of sessions through a batch: in columns where they are plain.

A session that was silent for too long is another one when it is heard of again. What is found
stands in the order of the rows at which it became true, however rows are cut into batches.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import polars as pl

from tallywire.hashes import hash128
from tallywire.mediation.findings import Fault, Finding
from tallywire.mediation.numbered import FINAL, ODD, Ints, Key, Numbered
from tallywire.mediation.patience import Patience
from tallywire.mediation.runs import FIRST, Runs

Bools = npt.NDArray[np.bool_]

NUMBERED_COLUMNS = (
    "session_key", "partial_no", "is_first", "is_last", "quantity", "start_us", "end_us", "service",
)  # fmt: skip
_RUN = ("low", "high", "low_quantity", "high_quantity")
TIMED, OWN = 0, 1
"""Whether a finding is of the time that a row brings, or of the row itself, which comes after."""


@dataclass(frozen=True)
class _Rows:
    """Numbered records of a batch, in arrays: where they stand, and what they say."""

    place: Ints
    watermark: Ints
    slot: Ints
    fresh: Bools
    number: Ints
    first: Bools
    last: Bools
    quantity: Ints
    heard: Ints
    key: pl.Series
    service: pl.Series


def follow(
    numbered: Numbered, frame: pl.DataFrame, rows: Ints, watermarks: Ints, patience: Patience
) -> list[tuple[int, int, Finding]]:
    """Follow records in order; give what is wrong with their numbers, and where it showed.

    Args:
        numbered: Sessions so far; changed.
        frame: NUMBERED_COLUMNS of the records that are numbered.
        rows: Where each stands in its batch.
        watermarks: The feed's event time as of each row of the batch.
        patience: How long a number may lack, and a session be silent.

    Returns:
        The row at which a finding became true, TIMED or OWN, and the finding, in this order.
    """
    following = _Following(numbered, watermarks, patience)
    if frame.height:
        following.take(frame, rows)
    if len(watermarks):
        following.sweep()
    told = sorted(following.told, key=lambda told: told[:3])
    return [(place, kind, finding) for place, kind, _, finding in told]


class _Following:
    def __init__(self, numbered: Numbered, watermarks: Ints, patience: Patience) -> None:
        self._numbered, self._watermarks, self._patience = numbered, watermarks, patience
        self._values = numbered.table.values
        self.told: list[tuple[int, int, Key, Finding]] = []

    def take(self, frame: pl.DataFrame, places: Ints) -> None:
        """Put records in."""
        rows = self._read(frame, places)
        order = np.argsort(rows.slot, kind="stable")
        begins = np.append(True, np.diff(rows.slot[order]) != 0)
        starts = np.flatnonzero(begins)
        plain = np.logical_and.reduceat(self._continues(rows, order, begins), starts)
        self._extend(rows, order, starts, plain)
        rest = order[~np.repeat(plain, np.diff(np.append(starts, len(order))))]
        for row in np.sort(rest).tolist():
            self._take_one(rows, row)
        self._numbered.touch(rows.slot[order[starts]])

    def _read(self, frame: pl.DataFrame, places: Ints) -> _Rows:
        hi, lo = hash128(frame["session_key"])
        slots, fresh = self._numbered.table.claim(hi, lo)
        self._values = self._numbered.table.values
        if self._patience.must_end:
            keys = zip(hi[fresh].tolist(), lo[fresh].tolist(), strict=True)
            self._numbered.name(keys, frame["session_key"].filter(pl.Series(fresh)))
        watermark = self._watermarks[places]
        end = frame["end_us"].fill_null(frame["start_us"]).to_numpy()
        return _Rows(
            places, watermark, slots, fresh, frame["partial_no"].cast(pl.Int64).to_numpy(),
            frame["is_first"].to_numpy(), frame["is_last"].to_numpy(),
            frame["quantity"].fill_null(0).to_numpy(), np.maximum(end, watermark),
            frame["session_key"], frame["service"],
        )  # fmt: skip

    def _continues(self, rows: _Rows, order: Ints, begins: Bools) -> Bools:
        """Tell which records are plainly the next of their session, or the first of a new one."""
        slot, values = rows.slot[order], self._values

        def before(own: npt.NDArray[np.generic], kept: npt.NDArray[np.generic]) -> Ints:
            found = np.append(own[:1], own[order][:-1]).astype(np.int64)
            found[begins] = kept[slot[begins]]
            return found

        number, watermark = rows.number[order], rows.watermark[order]
        marks = values["marks"]
        following = number == before(rows.number, values["high"]) + 1
        following &= before(rows.last, marks & FINAL) == 0
        following &= watermark <= before(rows.heard, values["heard"]) + self._patience.open_us
        opens = rows.first[order] | (number <= FIRST)
        plain: Bools = np.where(rows.fresh[order], opens, following)
        plain &= marks[slot] & ODD == 0
        return plain

    def _extend(self, rows: _Rows, order: Ints, starts: Ints, plain: Bools) -> None:
        """Take the records of plain sessions in columns."""
        ends = np.append(starts[1:], len(order)) - 1
        first, last = order[starts[plain]], order[ends[plain]]
        slot, values = rows.slot[first], self._values
        fresh = rows.fresh[first]
        values["low"][slot[fresh]] = rows.number[first[fresh]]
        values["high"][slot] = rows.number[last]
        values["low_quantity"][slot[fresh]] = rows.quantity[first[fresh]]
        values["high_quantity"][slot] = rows.quantity[last]
        values["marks"][slot] = np.where(rows.last[last], FINAL, 0)
        added = np.add.reduceat(rows.quantity[order], starts)[plain]
        values["quantity"][slot] += added
        heard = np.maximum.reduceat(rows.heard[order], starts)[plain]
        values["heard"][slot] = np.maximum(values["heard"][slot], heard)

    def _take_one(self, rows: _Rows, row: int) -> None:
        """Take one record of a session that is not plain."""
        slot, values = int(rows.slot[row]), self._values
        key = self._key(slot)
        watermark, number = int(rows.watermark[row]), int(rows.number[row])
        fresh = bool(rows.fresh[row])
        if not fresh and watermark > int(values["heard"][slot]) + self._patience.open_us:
            self._give_up(slot)
            fresh = True
            values["heard"][slot] = values["quantity"][slot] = 0
        session = self._session(slot, rows.key[row], rows.service[row], fresh=fresh)
        self._tell_due(key, session, watermark)
        quantity = int(rows.quantity[row])
        known = not session.add(number, quantity)
        session.begun |= bool(rows.first[row]) and number == session.runs[0][0]
        ends = bool(rows.last[row])
        if ends:
            session.final = number if session.final is None else min(session.final, number)
        self._judge(session, (int(rows.place[row]), key), watermark, known=known, ends=ends)
        values["heard"][slot] = max(int(values["heard"][slot]), int(rows.heard[row]))
        values["quantity"][slot] += quantity
        self._keep(slot, session)

    def _judge(
        self, session: Runs, where: tuple[int, Key], watermark: int, *, known: bool, ends: bool
    ) -> None:
        """Report what a record has shown."""
        (place, key), number = where, session.added
        if known:
            self._tell(place, key, session.repeated())
        beyond = session.after_end()
        if beyond is not None and (ends or number > (session.final or 0)):
            self._tell(place, key, beyond)
        gaps = session.gaps()
        if session.told and not known:
            self._tell(place, key, session.missing())
            session.told = bool(gaps)
        if not gaps:
            session.due = None
        elif session.due is None:
            session.due = watermark + self._patience.idle_us

    def _tell(self, place: int, key: Key, finding: Finding, kind: int = OWN) -> None:
        self.told.append((place, kind, key, finding))

    def _key(self, slot: int) -> Key:
        table = self._numbered.table
        return int(table.hi[slot]), int(table.lo[slot])

    def _session(self, slot: int, name: str, service: str, *, fresh: bool) -> Runs:
        """Give the object of a session; one that was plain until now gets one."""
        session = None if fresh else self._numbered.odd.get(self._key(slot))
        if session is not None:
            return session
        session = Runs(name, service)
        if not fresh:
            run = [int(self._values[column][slot]) for column in _RUN]
            session.runs = [run]
            session.begun = True
            session.final = run[1] if self._values["marks"][slot] & FINAL else None
        return session

    def _keep(self, slot: int, session: Runs) -> None:
        values, plain = self._values, session.plain
        lowest, highest = session.runs[0], session.runs[-1]
        for column, value in zip(_RUN, (lowest[0], highest[1], lowest[2], highest[3]), strict=True):
            values[column][slot] = value
        ended = FINAL if session.final is not None else 0
        values["marks"][slot] = ended if plain else ended | ODD
        self._numbered.put_odd(self._key(slot), None if plain else session)

    def _row_after(self, instant: int) -> int:
        """Give the first row at which an instant has passed."""
        return int(np.searchsorted(self._watermarks, instant, side="right"))

    def _tell_due(self, key: Key, session: Runs, watermark: int) -> None:
        """Report numbers that have been missing for too long."""
        if session.due is not None and not session.told and watermark > session.due:
            session.told = True
            self._tell(self._row_after(session.due), key, session.missing(), TIMED)
            self._numbered.put_odd(key, session)

    def _give_up(self, slot: int) -> None:
        """Settle a session that was silent for too long, unless that was done before."""
        deadline = int(self._values["heard"][slot]) + self._patience.open_us
        if self._numbered.swept > deadline:
            return
        key, place = self._key(slot), self._row_after(deadline)
        session = self._numbered.odd.get(key)
        if session is not None and session.gaps() and not session.told:
            due = min(deadline, session.due if session.due is not None else deadline)
            self._tell(self._row_after(due), key, session.missing(), TIMED)
        if self._patience.must_end and not self._values["marks"][slot] & FINAL:
            name = session.name if session else self._numbered.names.get(key, "")
            quantity = int(self._values["high_quantity"][slot])
            ended = Finding(Fault.NEVER_ENDED, name, "", records=1, quantity=quantity)
            self._tell(place, key, ended, TIMED)
        self._numbered.put_odd(key, None)
        self._values["marks"][slot] &= FINAL

    def sweep(self) -> None:
        """Report and give up what was silent for too long at the end of the batch."""
        numbered, watermark = self._numbered, int(self._watermarks[-1])
        deadlines = self._values["heard"] + self._patience.open_us
        absent = deadlines < watermark
        gone = np.flatnonzero(numbered.table.used & absent & (deadlines >= numbered.swept))
        for slot in gone.tolist() if self._patience.must_end else self._odd_of(gone):
            self._give_up(slot)
        for key, session in list(numbered.odd.items()):
            self._tell_due(key, session, watermark)
        numbered.sweep_to(watermark, told=bool(self.told))
        numbered.forget(absent)

    def _odd_of(self, slots: Ints) -> list[int]:
        marked: list[int] = slots[self._values["marks"][slots] & ODD != 0].tolist()
        return marked
