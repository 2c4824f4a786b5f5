"""Groups own every lane once; a file that says otherwise is refused with what to do."""

from dataclasses import replace
from pathlib import Path

import pytest

from dataflows.groups import (
    DEFAULT,
    GroupsWrong,
    LaneGroup,
    account_lanes,
    collection_lanes,
    matching,
    owned,
    read_groups,
    write_groups,
)
from dataflows.jobs import Job, jobs_of
from dataflows.settings import Home, Settings
from tests.laws.feeds import SNAPSHOT

LANES = {"collection": ["pbx", "platform@0000"], "rating": ["usage-0000", "usage-0001"]}


def _group(name: str, *lanes: str, kind: str = "rating", home: str = "") -> LaneGroup:
    return LaneGroup.model_validate(
        {"name": name, "kind": kind, "lanes": list(lanes), "home": home}
    )


def test_one_process_collects_and_one_rates_unless_somebody_says_otherwise(tmp_path: Path) -> None:
    groups = read_groups(Home(tmp_path))
    assert groups == list(DEFAULT)
    assert owned(groups, LANES) == {
        "collection": ["pbx", "platform@0000"], "rating": ["usage-0000", "usage-0001"],
    }  # fmt: skip


def test_groups_are_read_back_as_they_were_written(tmp_path: Path) -> None:
    groups = [_group("rating", "*"), _group("rating-2", "usage-0001", home="/elsewhere")]
    write_groups(Home(tmp_path), groups)
    assert read_groups(Home(tmp_path)) == groups


def test_a_named_lane_goes_to_its_group_and_the_rest_to_the_rest() -> None:
    groups = [DEFAULT[0], _group("rating", "*"), _group("rating-2", "usage-0001")]
    assert owned(groups, LANES)["rating"] == ["usage-0000"]
    assert owned(groups, LANES)["rating-2"] == ["usage-0001"]


@pytest.mark.parametrize(
    ("groups", "told"),
    [
        ([_group("a", "usage-0000"), _group("b", "usage-0000")], "owned by the groups a and b"),
        ([_group("a", "*"), _group("b", "*")], "both own the rest of rating"),
        ([_group("a", "usage-0000")], "no group owns lane usage-0001"),
    ],
)
def test_a_lane_with_no_owner_or_two_is_named(groups: list[LaneGroup], told: str) -> None:
    with pytest.raises(GroupsWrong, match=told):
        owned([DEFAULT[0], *groups], LANES)


@pytest.mark.parametrize("content", ["{", "[]x", '[{"name": "A", "kind": "rating"}]'])
def test_a_file_that_cannot_be_read_is_named(tmp_path: Path, content: str) -> None:
    (tmp_path / "groups.json").write_text(content)
    with pytest.raises(GroupsWrong, match="restore it from a backup"):
        read_groups(Home(tmp_path))


def test_two_groups_of_one_name_are_refused(tmp_path: Path) -> None:
    write_groups(Home(tmp_path), [_group("a", "*"), _group("a", "usage-0000")])
    with pytest.raises(GroupsWrong, match="names a group twice"):
        read_groups(Home(tmp_path))


def test_shares_divide_lanes_and_nothing_else_is_a_share() -> None:
    lanes = [f"usage-{number:04d}" for number in range(10)]
    shares = [matching(lanes, f"{number}/3") for number in range(3)]
    assert sorted(lane for share in shares for lane in share) == lanes
    for wrong in ("3/3", "1", "a/b", "-1/3", "0/0"):
        with pytest.raises(GroupsWrong, match="no share of lanes"):
            matching(lanes, wrong)


def test_lanes_come_from_feeds_and_partitions() -> None:
    feed = SNAPSHOT.feeds["platform"]
    topic = replace(feed, feed_id="raw", path="", topic="usage.raw")
    http = replace(feed, feed_id="web", path="", http=True)
    settings = Settings(ingest_partitions=1, partitions=2)
    assert collection_lanes(settings, [feed, topic, http], lambda _topic: 2) == {
        "platform": "platform", "raw@0000": "raw", "raw@0001": "raw", "web@0000": "web",
    }  # fmt: skip
    assert account_lanes(settings) == ["usage-0000", "usage-0001", "outcomes-0000"]


def test_a_group_that_lives_elsewhere_has_no_job_here() -> None:
    base = Job(run="1", inputs=[], follow=True, settings=Settings(partitions=2))
    groups = [DEFAULT[0], _group("rating", "*"), _group("away", "usage-0001", home="/elsewhere")]
    jobs = jobs_of(base, groups, {"pbx": "pbx"})
    assert {name: (job.collect, job.rate) for name, job in jobs.items()} == {
        "collection": (["pbx"], []), "rating": ([], ["usage-0000", "outcomes-0000"]),
    }  # fmt: skip
    assert all(job.ends == ["pbx"] for job in jobs.values())
