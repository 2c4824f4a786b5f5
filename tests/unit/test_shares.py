"""Homes that own a share of the lanes: held for good, and never worked as if all lanes were here."""

from pathlib import Path

import pytest
from typer.testing import CliRunner

from cli.main import app
from dataflows.catalogs import example_folder
from dataflows.groups import COLLECTION, RATING, GroupsWrong
from dataflows.run import compile_into
from dataflows.services import HouseServices
from dataflows.settings import Home, Settings
from dataflows.shares import check_whole, hold_share, shares_of


def test_a_home_keeps_its_share(tmp_path: Path) -> None:
    home = Home(tmp_path)
    check_whole(home)
    hold_share(home, RATING, "1/4")
    hold_share(home, RATING, "1/4")
    hold_share(home, COLLECTION, "0/1")
    assert shares_of(home) == {RATING: "1/4", COLLECTION: "0/1"}
    with pytest.raises(GroupsWrong, match="begun with the share 1/4 of rating, not 0/4"):
        hold_share(home, RATING, "0/4")
    with pytest.raises(GroupsWrong, match="owns the share 1/4 of rating and the share 0/1"):
        check_whole(home)


@pytest.mark.parametrize(
    "command",
    [
        ["run", "usage"],
        ["up"],
        ["work", "rating"],
        ["rerate", "--reason", "price_corrected", "--account", "a"],
    ],
    ids=lambda words: words[0],
)
def test_what_concerns_all_lanes_is_not_done_where_some_are(
    tmp_path: Path, command: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TALLYWIRE_STORE_URL", "http://nobody:x@127.0.0.1:9/tallywire")
    home = Home(tmp_path / "home")
    compile_into(home, example_folder())
    hold_share(home, RATING, "0/2")
    made = CliRunner().invoke(app, [*command, "--home", str(home.root)])
    assert made.exit_code == 2, made.output
    assert "owns the share 0/2 of rating" in made.output
    assert not (home.root / "recovery").exists()


def test_a_worker_without_a_lane_is_not_started(tmp_path: Path) -> None:
    settings = Settings(home=tmp_path, store_url="http://nobody:x@127.0.0.1:9/tallywire")
    snapshot = compile_into(Home(tmp_path), example_folder())

    def wanted(share: str) -> list[str]:
        services = HouseServices(settings, snapshot, [], [], False, print, RATING, share)
        return [one.stamp for one in services._workers(snapshot)]

    assert wanted("0/2") == ["| usage-0000"]
    assert wanted("1/2") == ["| outcomes-0000"]
    assert wanted("2/3") == []
