"""Whole runs over files from elsewhere: kill -9 in the middle, the same rows, bounded memory."""

import gzip
import json
import os
import random
import shutil
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest
import yaml

from cli.demo.usage import write_platform
from dataflows.catalogs import example_folder
from dataflows.exits import Exit
from dataflows.groups import COLLECTION
from dataflows.run import compile_into
from dataflows.settings import Home
from tests.conftest import Store
from tests.live.commands import following, served, status_of, tallywire, until
from tests.live.engine import Engine, picture
from tests.live.remotes import Sftp, sftp_server, variables
from tests.unit.packed import bomb, zipped
from warehouse.client import connect
from warehouse.migrate import migrate

pytestmark = [pytest.mark.live, pytest.mark.store]

EVENTS = 8_000
KILLS = 4


def catalogue(folder: Path, collect: dict[str, str] | None) -> Path:
    """The example with the platform's feed alone, which fetches its files."""
    shutil.copytree(example_folder(), folder)
    for path in (folder / "feeds").iterdir():
        if path.name != "platform.yaml":
            path.unlink()
    path = folder / "feeds" / "platform.yaml"
    feed = yaml.safe_load(path.read_text())
    feed["path"] = "*.jsonl"
    feed |= {"collect": collect} if collect else {}
    path.write_text(yaml.safe_dump(feed))
    return folder


def packed_usage(folder: Path, plain: Path) -> None:
    """The same files as they come: one plain, one compressed, the others in an archive."""
    write_platform(plain, EVENTS)
    files = sorted(plain.iterdir())
    folder.mkdir(exist_ok=True)
    shutil.copy(files[0], folder)
    (folder / f"{files[1].name}.gz").write_bytes(gzip.compress(files[1].read_bytes(), 1))
    zipped(folder / "rest.zip", {path.name: path.read_bytes() for path in files[2:]})


def _database(server: tuple[Path, object], name: str) -> Store:
    home, running = server
    migrate(connect("", home, role="owner"), name)
    return Store(home, name, running)  # type: ignore[arg-type]


def _without_names(found: dict[str, object]) -> dict[str, object]:
    return {key: value for key, value in found.items() if key not in {"files", "rows"}}


def _state(parts: Path) -> set[tuple[str, int, int]]:
    """What is being fetched, and how much of it is here."""
    found = set()
    for path in parts.iterdir() if parts.exists() else ():
        with suppress(FileNotFoundError):
            known = path.stat()
            found.add((path.name, known.st_size, known.st_mtime_ns))
    return found


@pytest.fixture
def slow(tmp_path: Path) -> Iterator[Sftp]:
    with sftp_server(tmp_path / "there", tmp_path / "keys", pause_s=0.03) as server:
        yield server


def test_kills_while_files_are_fetched_change_nothing(
    server: tuple[Path, object], slow: Sftp, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in variables("platform", slow.environment).items():
        monkeypatch.setenv(name, value)
    packed_usage(tmp_path / "there", tmp_path / "plain")
    nothing = tmp_path / "nothing"
    nothing.mkdir()
    quiet = _database(server, "test_fetch_quiet")
    plain = Engine(tmp_path / "home0", quiet, tmp_path / "plain", feeds=["platform"])
    plain.snapshot = compile_into(Home(plain.home), catalogue(tmp_path / "catalogue0", None))
    plain.finish()
    plain.stop()
    killed = _database(server, "test_fetch_killed")
    engine = Engine(tmp_path / "home1", killed, nothing, feeds=["platform"])
    collect = {"from": slow.address, "poll": "1s", "after": "delete"}
    engine.snapshot = compile_into(Home(engine.home), catalogue(tmp_path / "catalogue1", collect))
    chance = random.Random(11)
    parts, during = engine.home / "inbox" / "feeds" / "platform" / "parts", 0
    try:
        for _ in range(KILLS):
            before = _state(parts)
            process = engine.start(COLLECTION, collection_rows=500)
            while process.poll() is None and _state(parts) == before:
                time.sleep(0.002)
            time.sleep(chance.random() * 0.3)
            during += process.poll() is None
            engine.kill(COLLECTION)
        engine.finish()
    finally:
        engine.stop()
    assert during >= KILLS // 2
    found, expected = picture(killed.client()), picture(quiet.client())
    assert _without_names(found) == _without_names(expected)
    assert found["rows"][0][:3] == expected["rows"][0][:3]  # type: ignore[index]
    names = {row[0] for row in found["files"]}  # type: ignore[attr-defined]
    assert {"bulk-0.jsonl", "bulk-1.jsonl", "rest.zip/bulk-2.jsonl"} <= names
    assert list((tmp_path / "there").iterdir()) == []


def test_a_run_fetches_what_there_is_and_says_what_it_refused(tmp_path: Path) -> None:
    """Also what lies packed in its inputs; a second run finds nothing new, and says nothing."""
    there, inputs, home = tmp_path / "there", tmp_path / "inputs", tmp_path / "home"
    packed_usage(there, tmp_path / "plain")
    (there / "bomb.jsonl.gz").write_bytes(bomb(20 * 1024 * 1024))
    folder = catalogue(tmp_path / "catalogue", {"from": there.as_uri(), "poll": "1s"})
    shutil.copy(example_folder() / "feeds" / "pbx.yaml", folder / "feeds")
    pbx = folder / "feeds" / "pbx.yaml"
    pbx.write_text(pbx.read_text().replace("growing: true", "growing: no"))
    inputs.mkdir()
    zipped(inputs / "calls.zip", {"pbx/Master.csv": b"", "../up.csv": b"", "note.txt": b""})
    with served(home):
        made = tallywire("run", "--home", home, "--catalog", folder, inputs, "--quiet")
        assert made.returncode == Exit.INCOMPLETE, made.stderr
        told = made.stderr
        assert "bomb.jsonl.gz of file:///" in told
        assert "(archive_bomb)" in told
        assert "../up.csv of the inputs cannot be read: the name" in told
        assert "no feed takes calls.zip/note.txt" in told
        found = status_of(home)
        assert found["collected"] > EVENTS
        assert found["conservation_difference"] == 0
        refused = [one for one in found["alerts"] if one["pattern"] == "file_refused"]
        assert sorted(one["explanation"][:13] for one in refused) == [
            "bomb.jsonl.gz",
            "calls.zip was",
        ]
        names = {(one["file_name"], one["status"]) for one in found["files"]}
        assert ("rest.zip/bulk-2.jsonl", "complete") in names
        assert ("calls.zip/pbx/Master.csv", "complete") in names
        assert ("bomb.jsonl.gz", "refused") in names
        again = tallywire("run", "--home", home, "--catalog", folder, inputs, "--quiet")
        assert (again.returncode, again.stderr.count("cannot be read")) == (0, 0), again.stderr
        assert status_of(home) == found


def test_a_place_that_is_away_is_told_and_the_run_ends(tmp_path: Path) -> None:
    home = tmp_path / "home"
    folder = catalogue(tmp_path / "catalogue", {"from": "file:///no/such/folder"})
    with served(home):
        made = tallywire("run", "--home", home, "--catalog", folder, "--quiet")
    assert made.returncode == Exit.INCOMPLETE
    assert "file:///no/such/folder cannot be read: /no/such/folder is no folder" in made.stderr


def _has_all(home: Path, records: int) -> bool:
    """Whether all are in the store, and none is between collection and rating."""
    told = tallywire("status", "--home", home, "--json")
    return told.returncode == 0 and json.loads(told.stdout)["collected"] == records


def test_a_run_that_follows_fetches_what_comes(
    tmp_path: Path, slow: Sftp, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in variables("platform", slow.environment).items():
        monkeypatch.setenv(name, value)
    write_platform(tmp_path / "plain", 60)
    first, *others = sorted((tmp_path / "plain").iterdir())
    collect = {"from": slow.address, "poll": "1s", "after": "archive", "archive_to": "done"}
    folder, home, there = catalogue(tmp_path / "catalogue", collect), tmp_path / "home", slow.root
    shutil.copy(first, there)
    with served(home), following(home, folder) as process:
        until((there / "done" / first.name).exists, process)
        for path in others:
            (there / f".{path.name}").write_bytes(path.read_bytes())
            (there / f".{path.name}").rename(there / path.name)  # as senders that are careful do
        until(lambda: all((there / "done" / path.name).exists() for path in others), process)
        lines = sum(path.read_bytes().count(b"\n") for path in (first, *others))
        until(lambda: _has_all(home, lines), process)
        status = status_of(home)
        fates = Counter(one["status"] for one in status["files"])
        assert fates == {"complete": len(others), "replayed": 1}  # one holds what another does
        assert status["conservation_difference"] == 0


_UNPACK = """
import json, resource, sys
from pathlib import Path
from dataflows.fetching.refused import Limits
from dataflows.fetching.unpack import unpacked
path, folder = map(Path, sys.argv[1:])
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
found = unpacked(path, path.name, folder, Limits(1 << 30, 10**6, 10), lambda name: "feed")
after = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
print(json.dumps([found.files[0].size, after - before]))
"""


@pytest.mark.parametrize("ending", ["gz", "zst"])
def test_a_large_file_is_unpacked_in_little_memory(tmp_path: Path, ending: str) -> None:
    import zstandard  # noqa: PLC0415  an extra

    block = random.Random(5).randbytes(64 * 1024).hex().encode() * 8
    path = tmp_path / f"large.csv.{ending}"
    with path.open("wb") as file:
        packer = gzip.GzipFile(fileobj=file, mode="wb", compresslevel=1) if ending == "gz" else (
            zstandard.ZstdCompressor().stream_writer(file, closefd=False)
        )  # fmt: skip
        with packer as packed:
            for _ in range(200):
                packed.write(block)
    (tmp_path / "out").mkdir()
    made = subprocess.run(
        [sys.executable, "-c", _UNPACK, path, tmp_path / "out"], capture_output=True, text=True,
        check=True, env=os.environ,
    )  # fmt: skip
    size, grown_kib = json.loads(made.stdout)
    assert size == 200 * len(block) > 200_000_000
    assert grown_kib < 64 * 1024
