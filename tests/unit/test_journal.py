"""Journals go back to exactly where the snapshot was taken."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from dataflows import journal
from dataflows.journal import Cut, Journal, JournalDamaged


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
