"""Claims of a home: its own are made again and again, what another took over is never taken back."""

from pathlib import Path

import pytest

from dataflows.ownership import Ownership
from warehouse.owners import StaleOwner, following


def test_a_home_that_has_claimed_nothing_may_claim(tmp_path: Path) -> None:
    Ownership(tmp_path, "usage-0000").check(7, "7")


def test_own_claims_are_followed_by_own_claims(tmp_path: Path) -> None:
    mine = Ownership(tmp_path, "usage-0000")
    mine.begin("8")
    mine.check(8, "8")  # a crash behind the claim, before it was noted
    mine.done(8)
    mine.check(8, "8")
    mine.check(0, "")  # a store that was made anew


def test_a_crash_before_the_claim_leaves_the_one_before(tmp_path: Path) -> None:
    mine = Ownership(tmp_path, "usage-0000")
    mine.begin("8")
    mine.done(8)
    mine.begin("15")
    mine.check(8, "8")
    mine.check(15, "15")


def test_what_another_took_over_is_refused_for_good(tmp_path: Path) -> None:
    mine = Ownership(tmp_path, "usage-0000")
    mine.begin("8")
    mine.done(8)
    for _ in range(2):
        with pytest.raises(StaleOwner, match=r"usage-0000 was taken over by another home"):
            mine.check(9, "9")
    mine.begin("15")
    with pytest.raises(StaleOwner):
        mine.check(12, "12")  # though it is older than the one that we began


def test_claims_of_an_older_version_have_no_mark_and_are_not_taken_for_ours(tmp_path: Path) -> None:
    mine = Ownership(tmp_path, "platform@0000")
    mine.begin("a")
    mine.done(3)
    with pytest.raises(StaleOwner):
        mine.check(4, "")


def test_no_two_claims_choose_the_same_generation() -> None:
    drawn = [following(5) for _ in range(100)]
    assert min(drawn) > 5
    assert len(set(drawn)) > 95
