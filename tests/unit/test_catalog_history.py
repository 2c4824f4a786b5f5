"""Who may put which catalogue into use, from when, and which one was in use at an instant."""

import json
import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dataflows import activation
from dataflows.catalogs import CatalogDamaged, CatalogMisuse, CatalogStore
from schemas.catalog_history import CatalogStep, Step
from tallywire.catalog import history
from tallywire.catalog.history import State
from tests.unit.catalog_files import FORMATS, OPERATOR, files, reading

HOUR = 3_600_000_000


class Archive:
    """An archive with three catalogues, and a clock that the test turns."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.store = CatalogStore(root, FORMATS)
        self.names = [self._archived(code) for code in ("EUR", "NOK", "SEK")]
        self.now = 1_000 * HOUR

    def _archived(self, currency: str) -> str:
        change = {"operator.yaml": OPERATOR.replace("EUR", currency)}
        snapshot = reading(change).snapshot
        assert snapshot is not None
        self.store.archive(files(change), snapshot)
        return snapshot.hash

    def propose(self, number: int, by: str = "Kari") -> None:
        activation.propose(self.store, self.names[number], by=by, note="", now_us=self.now)

    def approve(self, number: int, by: str = "Ola") -> None:
        activation.approve(self.store, self.names[number], by=by, note="", now_us=self.now)

    def activate(self, number: int, at: int | None = None) -> None:
        activation.activate(
            self.store, self.names[number], at_us=at, by="Ola", note="", now_us=self.now
        )

    def use(self, number: int, *, required: bool = False) -> None:
        activation.put_into_use(
            self.store, self.names[number], by="Ola", now_us=self.now, approval_required=required
        )

    def back(self, number: int | None = None) -> list[history.Switch]:
        name = "" if number is None else self.names[number]
        return activation.roll_back(
            self.store, name, by="Ola", note="it was wrong", now_us=self.now
        )[1]

    def approved(self, number: int) -> None:
        self.propose(number)
        self.approve(number)

    def current(self, at: int | None = None) -> int:
        return self.names.index(self.store.current(self.now if at is None else at))

    def state(self, number: int) -> State:
        return history.state(self.store.steps(), self.names[number], self.now)


@pytest.fixture
def archive(tmp_path: Path) -> Archive:
    return Archive(tmp_path / "catalogs")


def test_a_catalogue_needs_another_person_and_a_date(archive: Archive) -> None:
    archive.use(0)
    with pytest.raises(CatalogMisuse, match="was not proposed"):
        archive.approve(1)
    archive.propose(1, by="Kari Lie")
    assert archive.state(1) is State.PROPOSED
    for same in ("Kari Lie", "kari lie", " KARI  LIE "):
        with pytest.raises(CatalogMisuse, match="another person approves it"):
            archive.approve(1, by=same)
    with pytest.raises(CatalogMisuse, match="is not approved"):
        archive.activate(1)
    archive.approve(1, by="Ola Moe")
    assert archive.state(1) is State.APPROVED
    with pytest.raises(CatalogMisuse, match="is past"):
        archive.activate(1, at=archive.now - 1)
    archive.activate(1, at=archive.now + HOUR)
    assert (archive.state(1), archive.current()) == (State.SCHEDULED, 0)


def test_whoever_proposed_it_at_any_time_may_not_approve_it(archive: Archive) -> None:
    archive.propose(1, by="Kari")
    archive.propose(1, by="Ola")
    for one in ("Kari", "Ola"):
        with pytest.raises(CatalogMisuse, match="another person"):
            archive.approve(1, by=one)
    archive.approve(1, by="Per")


@pytest.mark.parametrize("by", ["", "  ", "x" * 101, "two\nlines"])
def test_a_person_has_a_name(archive: Archive, by: str) -> None:
    with pytest.raises(CatalogMisuse, match="name of a person"):
        archive.propose(1, by=by)
    assert archive.store.steps() == []


def test_the_date_decides_to_the_microsecond(archive: Archive) -> None:
    archive.use(0)
    archive.approved(1)
    due = archive.now + HOUR
    archive.activate(1, at=due)
    assert [archive.current(at) for at in (due - 1, due, due + 1)] == [0, 1, 1]
    with pytest.raises(CatalogMisuse, match="was in use then; the first"):
        archive.store.current(archive.now - 1)


def test_rollback_goes_back_at_once_and_further_back_the_next_time(archive: Archive) -> None:
    for number in (0, 1, 2):
        archive.use(number)
        archive.now += HOUR
    assert archive.current() == 2
    archive.back()
    assert (archive.current(), archive.state(2)) == (1, State.ROLLED_BACK)
    archive.now += HOUR
    archive.back()
    assert archive.current() == 0
    archive.now += HOUR
    with pytest.raises(CatalogMisuse, match="nothing to go back to"):
        archive.back()
    archive.back(2)
    assert archive.current() == 2
    last = archive.store.steps()[-1]
    assert (last.left_hash, last.by, last.note) == (archive.names[0], "Ola", "it was wrong")


def test_rollback_goes_only_to_what_was_in_use(archive: Archive) -> None:
    archive.use(0)
    archive.approved(1)
    with pytest.raises(CatalogMisuse, match="was never in use"):
        archive.back(1)


def test_rollback_withdraws_what_is_still_to_come(archive: Archive) -> None:
    archive.use(0)
    archive.now += HOUR
    archive.use(1)
    archive.approved(2)
    archive.activate(2, at=archive.now + HOUR)
    archive.now += 1
    assert [one.catalog_hash for one in archive.back()] == [archive.names[2]]
    assert archive.current(archive.now + 2 * HOUR) == 0
    assert archive.state(2) is State.APPROVED


def test_where_approval_is_required_nothing_goes_around_it(archive: Archive) -> None:
    with pytest.raises(CatalogMisuse, match="was not proposed"):
        archive.use(0, required=True)
    archive.propose(0)
    with pytest.raises(CatalogMisuse, match="is not approved yet"):
        archive.use(0, required=True)
    archive.approve(0)
    archive.use(0, required=True)
    archive.use(0, required=True)  # in use already: nothing happens
    assert [one.step for one in archive.store.steps()].count(Step.ACTIVATE) == 1
    archive.now += HOUR
    archive.approved(1)
    archive.activate(1, at=archive.now + HOUR)
    with pytest.raises(CatalogMisuse, match="comes into use at its date"):
        archive.use(1, required=True)
    archive.activate(1)
    archive.now += HOUR // 2
    with pytest.raises(CatalogMisuse, match="was replaced"):
        archive.use(0, required=True)
    archive.back()
    with pytest.raises(CatalogMisuse, match="was rolled back"):
        archive.use(1, required=True)


def test_what_is_not_archived_is_not_used(archive: Archive) -> None:
    with pytest.raises(CatalogDamaged, match="not archived"):
        activation.put_into_use(
            archive.store, "0" * 64, by="", now_us=archive.now, approval_required=False
        )
    archive.approved(1)
    (archive.root / f"{archive.names[1]}.tar.gz").write_bytes(b"nonsense")
    with pytest.raises(CatalogDamaged, match="restore it"):
        archive.activate(1)
    assert archive.store.steps()[-1].step is Step.APPROVE


def test_a_pointer_from_before_becomes_the_first_step(archive: Archive) -> None:
    pointer = archive.root / "current"
    pointer.write_text(archive.names[0])
    os.utime(pointer, ns=(5 * HOUR * 1_000, 5 * HOUR * 1_000))
    archive.use(1)
    assert archive.current() == 1
    assert archive.current(5 * HOUR) == 0
    archive.now += 1
    archive.back()
    assert archive.current() == 0


def test_a_torn_last_line_is_passed_over_and_cut(archive: Archive) -> None:
    archive.use(0)
    path = archive.root / "history.jsonl"
    sound = path.read_bytes()
    line = sound.splitlines(keepends=True)[-1]
    for length in range(1, len(line)):
        path.write_bytes(sound + line[:length])
        assert archive.current() == 0
    archive.use(1)
    assert len(path.read_bytes().splitlines()) == 2
    assert [json.loads(one)["step"] for one in path.read_bytes().splitlines()] == ["use", "use"]


def test_a_wrong_line_before_the_end_is_damage(archive: Archive) -> None:
    archive.use(0)
    archive.use(1)
    path = archive.root / "history.jsonl"
    sound = path.read_bytes()
    for broken in (b"garbage\n", b"[]\n", b'{"step":"jump"}\n', b"\n"):
        path.write_bytes(broken + sound)
        for act in (archive.current, lambda: archive.use(2)):
            with pytest.raises(CatalogDamaged, match="line 1 was never written so"):
                act()
        assert path.read_bytes() == broken + sound
    path.write_bytes(sound + b'{"schema_version":2,"step":"fly"}\n')
    with pytest.raises(CatalogDamaged, match="line 3 was written by a newer version"):
        archive.current()


def test_what_another_process_wrote_is_seen(archive: Archive) -> None:
    archive.use(0)
    other = CatalogStore(archive.root, FORMATS)
    assert other.current(archive.now) == archive.names[0]
    archive.now += 1
    archive.use(1)
    assert other.current(archive.now) == archive.names[1]


def test_steps_written_at_the_same_time_are_all_kept(archive: Archive) -> None:
    def write(by: str) -> None:
        store = CatalogStore(archive.root, FORMATS)
        activation.propose(store, archive.names[0], by=by, note="x" * 500, now_us=archive.now)

    names = [f"Kari {number}" for number in range(32)]
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(write, names))
    assert sorted(step.by for step in archive.store.steps()) == sorted(names)


ACTS: dict[str, Callable[[Archive, int], object]] = {
    "use": lambda archive, number: archive.use(number),
    "later": lambda archive, number: archive.activate(number, at=archive.now + HOUR),
    "now": lambda archive, number: archive.activate(number),
    "back": lambda archive, _: archive.back(),
    "back to": lambda archive, number: archive.back(number),
}


@settings(deadline=None, max_examples=40)
@given(
    acts=st.lists(
        st.tuples(st.sampled_from(sorted(ACTS)), st.integers(0, 2), st.integers(1, HOUR)),
        max_size=15,
    )
)
def test_what_was_in_use_is_never_told_otherwise_later(
    tmp_path_factory: pytest.TempPathFactory, acts: list[tuple[str, int, int]]
) -> None:
    """What `current` said at a time is what the history says of that time for ever."""
    archive = Archive(tmp_path_factory.mktemp("archive"))
    for number in range(3):
        archive.approved(number)
    said: dict[int, str] = {}
    for act, number, pause in acts:
        try:
            ACTS[act](archive, number)
        except CatalogMisuse:
            continue
        finally:
            if archive.store.steps()[-1].effective_at is not None:
                said[archive.now] = history.in_use(archive.store.steps(), archive.now)
        archive.now += pause
    for at, name in said.items():
        assert history.in_use(archive.store.steps(), at) == name


def test_steps_are_kept_as_written(archive: Archive) -> None:
    archive.propose(0, by="Åse Ødegård")
    (step,) = archive.store.steps()
    assert step == CatalogStep(
        step=Step.PROPOSE, catalog_hash=archive.names[0], by="Åse Ødegård", recorded_at=archive.now
    )
