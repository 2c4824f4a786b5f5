"""A range that crashes is counted; after some, its lane is put aside, and may be released."""

from contextlib import suppress
from pathlib import Path

from dataflows.crashes import Guard, read_crash, release
from dataflows.lane_progress import LaneProgress
from dataflows.settings import Home

LANE = "usage-0000"


def _guard(root: Path, most: int = 2, *, careful: bool = False) -> Guard:
    Home(root).lane("rating", LANE).mkdir(parents=True, exist_ok=True)
    return Guard(Home(root), "rating", most, careful=careful)


def _crash(guard: Guard, token: str, error: Exception | None = None) -> None:
    with suppress(Exception), guard.working(LANE, token):
        raise error or ZeroDivisionError("by nothing")


def _folder(root: Path) -> Path:
    return Home(root).lane("rating", LANE)


def test_a_lane_is_put_aside_after_some_crashes_at_one_range(tmp_path: Path) -> None:
    for _ in range(2):
        assert not _guard(tmp_path).aside(LANE, LaneProgress())
        _crash(_guard(tmp_path), "a")
    figures = LaneProgress()
    assert _guard(tmp_path).aside(LANE, figures)
    assert (figures.quarantined, figures.quarantined_range, figures.crashes) == (True, "a", 2)
    crash = read_crash(_folder(tmp_path))
    assert crash is not None
    assert crash.reason == "ZeroDivisionError: by nothing"


def test_crashes_at_other_ranges_do_not_add_up(tmp_path: Path) -> None:
    for token in "abc":
        _crash(_guard(tmp_path), token)
    assert not _guard(tmp_path).aside(LANE, LaneProgress())


def test_what_the_world_does_is_not_the_range_s_fault(tmp_path: Path) -> None:
    for _ in range(5):
        _crash(_guard(tmp_path), "a", OSError("the disk is full"))
        _crash(_guard(tmp_path), "a", MemoryError())
    assert read_crash(_folder(tmp_path)) is None


def test_a_released_lane_goes_on(tmp_path: Path) -> None:
    for _ in range(2):
        _crash(_guard(tmp_path), "a")
    released = release(_folder(tmp_path))
    assert released is not None
    assert released.count == 2
    assert not _guard(tmp_path).aside(LANE, LaneProgress())
    assert release(_folder(tmp_path)) is None


def test_a_run_that_shall_end_puts_nothing_aside(tmp_path: Path) -> None:
    for _ in range(5):
        _crash(_guard(tmp_path, most=0), "a")
    assert not _guard(tmp_path, most=0).aside(LANE, LaneProgress())
    assert read_crash(_folder(tmp_path)) is None


def test_a_process_that_dies_without_a_word_is_counted_where_it_was_careful(tmp_path: Path) -> None:
    for _ in range(2):
        guard = _guard(tmp_path, careful=True)
        guard.opened(LANE)
        with guard.working(LANE, "a"):
            note = (_folder(tmp_path) / "working").read_text()
        (_folder(tmp_path) / "working").write_text(note)  # as kill -9 would leave it
    guard = _guard(tmp_path, careful=True)
    guard.opened(LANE)
    assert guard.aside(LANE, LaneProgress())
    assert not (_folder(tmp_path) / "working").exists()


def test_a_lane_may_be_put_aside_at_once(tmp_path: Path) -> None:
    guard = _guard(tmp_path)
    assert guard.put_aside(LANE, "usage.raw/3", "offset 5 has expired")
    assert guard.aside(LANE, LaneProgress())
    assert not _guard(tmp_path, most=0).put_aside(LANE, "usage.raw/3", "offset 5 has expired")
