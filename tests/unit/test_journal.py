"""Journals go back to exactly where the snapshot was taken."""

import pickle
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dataflows import journal
from dataflows.journal import Cut, Journal, JournalDamaged
from tallywire import collected
from tallywire.mediation.lane import LaneState
from tallywire.rating.counters import Counters


class Words:
    """A list of words as journaled state."""

    def __init__(self) -> None:
        self.words: list[str] = []
        self._new: list[str] = []

    def say(self, word: str) -> None:
        self.words.append(word)
        self._new.append(word)

    def changes(self) -> bytes:
        new, self._new = self._new, []
        return " ".join(new).encode()

    def apply(self, changes: bytes) -> None:
        self.words += changes.decode().split()

    def dump(self) -> Iterator[bytes]:
        yield " ".join(self.words).encode()


def _said(folder: Path, cut: Cut | None) -> list[str]:
    state = Words()
    Journal(folder, state, cut).close()
    return state.words


def test_what_was_not_in_the_snapshot_is_forgotten(tmp_path: Path) -> None:
    state = Words()
    written = Journal(tmp_path, state, None)
    state.say("one")
    first = written.commit()
    state.say("two")
    second = written.commit()
    written.close()
    assert _said(tmp_path, second) == ["one", "two"]
    assert _said(tmp_path, first) == ["one"]
    with pytest.raises(JournalDamaged, match="needs"):
        _said(tmp_path, second)  # the journal was cut at the first snapshot


def test_without_a_snapshot_the_state_is_empty(tmp_path: Path) -> None:
    state = Words()
    written = Journal(tmp_path, state, None)
    state.say("lost")
    written.commit()
    written.close()
    assert _said(tmp_path, None) == []


def test_compaction_keeps_the_last_generation(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(journal, "_COMPACT_ABOVE", 64)
    state = Words()
    written = Journal(tmp_path, state, None)
    cuts, said = [], []
    for number in range(40):
        state.say(f"word{number}")
        cuts.append(written.commit())
        said.append(list(state.words))
    written.close()
    assert cuts[-1].generation >= 1
    assert _said(tmp_path, cuts[-1]) == said[-1]


def test_the_generation_before_a_compaction_can_still_be_opened(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(journal, "_COMPACT_ABOVE", 64)
    state = Words()
    written = Journal(tmp_path, state, None)
    before, words = None, []
    for number in range(40):
        state.say(f"word{number}")
        cut = written.commit()
        if before is not None and cut.generation > before.generation:
            break
        before, words = cut, list(state.words)
    written.close()
    assert _said(tmp_path, before) == words


def test_a_flipped_bit_is_named(tmp_path: Path) -> None:
    state = Words()
    written = Journal(tmp_path, state, None)
    state.say("one")
    cut = written.commit()
    written.close()
    path = next(tmp_path.glob("journal.*"))
    data = bytearray(path.read_bytes())
    data[-1] ^= 4
    path.write_bytes(bytes(data))
    with pytest.raises(JournalDamaged, match="damaged at byte 0"):
        _said(tmp_path, cut)


def test_a_journal_is_compacted_before_it_is_twice_its_state_whatever_is_restarted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(journal, "_COMPACT_ABOVE", 64)

    class Number(Words):
        def dump(self) -> Iterator[bytes]:
            yield self.words[-1].encode() * 20  # the state is small, however much was said

    cut = None
    longest = 0
    for number in range(100):
        state = Number()
        written = Journal(tmp_path, state, cut)
        state.say(f"word{number}")
        cut = written.commit()
        longest = max(longest, cut.length)
        written.close()
    assert cut is not None
    assert cut.generation > 2
    assert longest <= 2 * (16 + 20 * len("word99")) + 30


def test_a_snapshot_from_before_the_base_was_noted_is_still_read(tmp_path: Path) -> None:
    state = Words()
    written = Journal(tmp_path, state, None)
    state.say("one")
    cut = written.commit()
    written.close()
    old = pickle.loads(pickle.dumps(cut))  # noqa: S301  our own
    del old.__dict__["base"]
    assert _said(tmp_path, pickle.loads(pickle.dumps(old))) == ["one"]  # noqa: S301  as above


KEYS, BATCH = 1_000_000, 20_000
MOMENT = 1_772_366_400_000_000


def _seen(window: LaneState, seed: int) -> tuple[np.ndarray, ...]:
    chance = np.random.default_rng(seed)
    hi, lo, payload = (chance.integers(0, 2**64, BATCH, np.uint64) for _ in range(3))
    time = MOMENT + chance.integers(0, 10**9, BATCH)
    return window.dedup.judge(hi, lo, payload, time, window_days=35, backfill=False)


@pytest.mark.parametrize("compacted", [False, True])
def test_a_window_of_a_million_keys_is_as_before_after_a_restart(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, *, compacted: bool
) -> None:
    monkeypatch.setattr(journal, "_COMPACT_ABOVE", 2**20 if compacted else 2**40)
    monkeypatch.setattr(collected, "_ROWS", 30_001)
    monkeypatch.setattr(journal, "_TOGETHER", 2**22)  # several pieces at once, several times
    before = LaneState()
    written = Journal(tmp_path, before, None)
    for seed in range(KEYS // BATCH):
        assert not _seen(before, seed)[0].any()
        before.sessions.put(f"s{seed % 7}", {"seed": seed})
        cut = written.commit()
    before.dedup.accept_attempt(1, 2, 1)
    before.sessions.drop("s3")
    cut = written.commit()
    written.close()
    assert (cut.generation > 0) == compacted
    after = LaneState()
    Journal(tmp_path, after, cut).close()
    assert (len(after.dedup), after.dedup.watermark) == (KEYS, before.dedup.watermark)
    assert after.sessions.open == before.sessions.open
    assert not after.dedup.accept_attempt(1, 2, 1)
    for seed in (0, KEYS // BATCH - 1):
        assert (_seen(after, seed)[0] == 1).all()  # duplicates
    assert not _seen(after, KEYS)[0].any()


def test_a_million_counters_are_as_before_after_a_restart(tmp_path: Path) -> None:
    before = Counters()
    written = Journal(tmp_path, before, None)
    names = pl.select(pl.int_range(KEYS)).to_series().cast(pl.String)
    for start in range(0, KEYS, BATCH):
        for shift in (0, start // 2):  # new ones, and some of before again
            slots, _ = before.claim(names[start - shift : start - shift + BATCH])
            before.write(slots, np.arange(BATCH) + start + shift)
        before.add((f"{start % 9}",), (start, start, start))
        cut = written.commit()
    written.close()
    after = Counters()
    Journal(tmp_path, after, cut).close()
    assert len(after) == len(before) == KEYS
    assert (after.claim(names)[1] == before.claim(names)[1]).all()
    assert after.series(("3",)) == before.series(("3",)) != ()


def test_a_restatement_beyond_the_window_is_forgotten_after_a_restart_too(tmp_path: Path) -> None:
    """The key came again as new: what was restated of it before is no duplicate any more."""
    key = np.array([7], np.uint64)

    def judged(state: LaneState, payload: int, day: int) -> tuple[int, int]:
        verdicts, numbers = state.dedup.judge(
            key, key, np.array([payload], np.uint64), np.array([MOMENT + day * 86_400_000_000]),
            window_days=35, backfill=False,
        )  # fmt: skip
        return int(verdicts[0]), int(numbers[0])

    before = LaneState()
    written = Journal(tmp_path, before, None)
    assert [judged(before, 1, 0), judged(before, 2, 1)] == [(0, 0), (2, 1)]
    written.commit()
    assert judged(before, 3, 60) == (0, 0)
    cut = written.commit()
    written.close()
    after = LaneState()
    Journal(tmp_path, after, cut).close()
    assert judged(after, 2, 62) == judged(before, 2, 62) == (2, 1)
    assert judged(after, 2, 63) == judged(before, 2, 63) == (1, 1)


_RECORDS = st.lists(
    st.tuples(st.integers(0, 2), st.integers(0, 2), st.integers(0, 60)), min_size=1, max_size=6
)


@given(st.lists(st.tuples(_RECORDS, st.sampled_from(["go on", "restart", "compact"])), max_size=8))
def test_a_window_judges_alike_whether_or_not_it_was_restarted(
    steps: list[tuple[list[tuple[int, int, int]], str]],
) -> None:
    whole, restarted = LaneState(), LaneState()
    pieces: list[bytes] = []
    for records, then in steps:
        keys, payloads, days = (
            np.array(column, np.uint64) for column in zip(*records, strict=True)
        )
        times = MOMENT + days.astype(np.int64) * 86_400_000_000
        verdicts = [
            state.dedup.judge(keys, keys, payloads, times, window_days=20, backfill=False)
            for state in (whole, restarted)
        ]
        assert verdicts[0][0].tolist() == verdicts[1][0].tolist()
        assert verdicts[0][1].tolist() == verdicts[1][1].tolist()
        pieces.append(restarted.changes())
        if then == "compact":
            pieces = list(restarted.dump())
        if then != "go on":
            restarted = LaneState()
            restarted.apply_all(piece for piece in pieces if piece)
