"""A gateway that runs alone, for topics only, with metrics of its own."""

import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.live.gateway import LINES, Gateway, event, http_catalog
from warehouse.server import free_port

pytestmark = pytest.mark.live


def _asked(port: int, page: str) -> str:
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/{page}", timeout=10) as answer:
        return str(answer.read().decode())


@pytest.fixture
def gateway(tmp_path: Path) -> Iterator[Gateway]:
    made = Gateway(
        tmp_path, http_catalog(tmp_path / "catalog", topic="usage.platform"),
        metrics_port=free_port(), kafka="127.0.0.1:9",
    )  # fmt: skip
    yield made
    made.close()


def test_a_gateway_alone_tells_its_figures_and_asks_no_store(gateway: Gateway) -> None:
    gateway.start("--topics-only", "--metrics")
    port = int(str(gateway.settings["metrics_port"]))
    assert '"alive":true' in _asked(port, "health")
    assert gateway.post(event(1), LINES, key="tw_wrong_key").status_code == 401
    gateway.counts()
    text = _asked(port, "metrics")
    assert 'tallywire_ingest_requests_total{process="ingest",status="401"} 1.0' in text
    assert 'tallywire_process_up{process="ingest"} 1.0' in text
    assert "tallywire_store_up" not in text
    assert '"ready":true' in _asked(port, "ready")
    assert gateway.stop() == 0
    with pytest.raises(urllib.error.URLError):
        _asked(port, "health")
    assert not (gateway.home.ingest / "platform").exists()
