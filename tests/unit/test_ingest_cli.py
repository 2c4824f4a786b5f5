"""`tallywire ingest keys`, and what `ingest serve` refuses before it listens."""

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from cli.main import app
from dataflows.exits import Exit
from dataflows.ingest.keys import read_keys
from dataflows.run import compile_into
from dataflows.settings import Home
from tests.live.gateway import http_catalog


@pytest.fixture
def home(tmp_path: Path) -> Path:
    folder = tmp_path / "home"
    folder.mkdir()
    compile_into(Home(folder), http_catalog(tmp_path / "catalog"))
    return folder


def _run(home: Path, *arguments: str, code: int = Exit.DONE) -> str:
    done = CliRunner().invoke(app, ["ingest", *arguments, "--home", str(home)])
    assert done.exit_code == code, done.output
    assert "Traceback" not in done.output
    return done.output


def test_keys_are_made_listed_and_revoked(home: Path) -> None:
    made = json.loads(
        _run(home, "keys", "add", "--feed", "platform", "--events-per-s", "5", "--json")
    )
    assert (made["tenant"], made["feeds"]) == ("fjordline", ["platform"])
    name = made["key"].split("_")[1]
    text = _run(home, "keys", "list")
    assert name in text
    assert "no limit" not in text
    assert made["key"] not in text
    (listed,) = json.loads(_run(home, "keys", "list", "--json"))
    assert "hash" not in listed
    assert listed["events_per_s"] == 5
    assert "revoked" in _run(home, "keys", "revoke", name)
    assert read_keys(Home(home).ingest_keys)[0].revoked
    assert "no valid key" in _run(home, "keys", "revoke", name, code=Exit.USAGE)


def test_a_key_is_for_feeds_that_take_http(home: Path) -> None:
    text = _run(home, "keys", "add", "--feed", "pbx", code=Exit.USAGE)
    assert "no feed 'pbx' that takes HTTP; it has platform" in text
    assert "no catalogue is in use" in _run(
        home.parent, "keys", "add", "--feed", "platform", code=Exit.USAGE
    )


@pytest.mark.parametrize(
    ("arguments", "told"),
    [(["--open"], "--open is only for 127.0.0.1"), ([], "there is no key yet")],
)
def test_nobody_is_let_in_without_a_key(
    home: Path, monkeypatch: pytest.MonkeyPatch, arguments: list[str], told: str
) -> None:
    monkeypatch.setenv("TALLYWIRE_INGEST_HOST", "192.0.2.1")
    assert told in _run(home, "serve", *arguments, code=Exit.USAGE)


def test_a_changed_number_of_partitions_is_refused(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (home / "ingest").mkdir()
    (home / "ingest" / "layout.json").write_text('{"partitions": 2}')
    monkeypatch.setenv("TALLYWIRE_INGEST_PORT", "0")
    assert "TALLYWIRE_INGEST_PARTITIONS=2" in _run(home, "serve", code=Exit.USAGE)


def test_with_topics_only_a_feed_without_a_topic_is_refused(home: Path) -> None:
    text = _run(home, "serve", "--topics-only", code=Exit.USAGE)
    assert "usage of platform would lie on this machine's disk" in text
    assert not (home / "ingest").exists()


def test_a_home_of_a_newer_version_is_refused(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (home / "spool").mkdir()
    (home / "spool" / "layout.json").write_text('{"format": 9999}')
    monkeypatch.setenv("TALLYWIRE_INGEST_PORT", "0")
    assert "of format 9999" in _run(home, "serve", code=Exit.USAGE)
