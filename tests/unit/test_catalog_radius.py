"""Feeds by RADIUS in a catalogue: what is refused, what is compiled, what runs for them."""

from pathlib import Path

import pytest

from dataflows.groups import collection_lanes
from dataflows.services import RADIUS, HouseServices
from dataflows.settings import Home, Settings
from dataflows.sources.http import HttpStream
from dataflows.sources.opened import Streams
from tallywire.catalog import Reading, Snapshot, read
from tallywire.catalog.feed import RadiusClient
from tallywire.mediation.decoders import DECODERS
from tests.unit.catalog_files import files

FEED = """
id: live
format: radius
service: data
radius:
  - {network: 192.0.2.0/24, secret: bras}
  - {network: "2001:db8::/32", secret: wifi, signed: yes}
served: [{identifier: user_name, field: user_name}]
"""


def _reading(feed: str, **others: str) -> Reading:
    more = {f"feeds/{name}.yaml": text for name, text in others.items()}
    return read(files({"feeds/exchange.yaml": feed, **more}), DECODERS)


def _snapshot(feed: str) -> Snapshot:
    found = _reading(feed)
    assert found.problems == []
    assert found.snapshot is not None
    return found.snapshot


def test_clients_are_compiled_without_their_secrets() -> None:
    feed = _snapshot(FEED).feeds["live"]
    assert feed.radius == (
        RadiusClient("192.0.2.0/24", "bras", signed=False),
        RadiusClient("2001:db8::/32", "wifi", signed=True),
    )
    assert feed.inputs == "RADIUS"


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ("192.0.2.0/24", "192.0.2.1/24", "is no network"),
        ("192.0.2.0/24", "bras.example.net", "is no network"),
        ("format: radius", "format: radius_detail", "is for feeds of format radius"),
        ("service: data", "service: data\nhttp: yes", "takes HTTP"),
        ("service: data", "service: data\npath: x/*", "reads files"),
        (", secret: bras", "", "secret"),
        ("secret: bras", "secret: bras, password: x", "password"),
    ],
)
def test_what_lint_refuses(old: str, new: str, expected: str) -> None:
    assert old in FEED
    problems = _reading(FEED.replace(old, new)).problems
    assert any(expected in f"{one.key} {one.message}" for one in problems), problems


def test_a_network_belongs_to_one_feed() -> None:
    other = FEED.replace("id: live", "id: other").replace("2001:db8::/32", "2001:db9::/32")
    (problem,) = _reading(FEED, other=other).problems
    assert problem.key == "radius[0].network"
    assert "takes RADIUS of that network already" in problem.message


def test_its_lanes_read_what_the_listener_keeps(tmp_path: Path) -> None:
    settings, feed = Settings(home=tmp_path, ingest_partitions=2), _snapshot(FEED).feeds["live"]
    assert sorted(collection_lanes(settings, [feed], len)) == ["live@0000", "live@0001"]
    stream = Streams(settings, print).of("live@0001", feed)
    assert isinstance(stream, HttpStream)
    assert stream._folder == Home(tmp_path).radius / "live" / "0001"


@pytest.mark.parametrize(
    "feed", [FEED, FEED.replace("radius:\n", "http: yes\n#").replace("  - {network", "#")]
)
def test_the_whole_product_runs_the_listener_where_a_feed_needs_it(
    tmp_path: Path, feed: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = Settings(home=tmp_path, store_url="http://nobody:x@127.0.0.1:9/tallywire")
    services = HouseServices(settings, _snapshot(feed), [], [], False, print)
    monkeypatch.setattr(HouseServices, "_ready", lambda _: True)
    names = [one.name for one in services.wanted()]
    assert (RADIUS in names) == bool(_snapshot(feed).feeds["live"].radius)
