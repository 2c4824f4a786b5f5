"""Alert rules, as Prometheus' own tool judges them; queries of runbooks, as the store answers them."""

import re
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.conftest import Store

ROOT = Path(__file__).resolve().parents[2]
PROMETHEUS = ROOT / "ops/prometheus"
QUERIES = sorted(
    {
        query
        for path in (ROOT / "docs/runbooks").glob("*.md")
        for query in re.findall(r'tallywire store query "([^"]+)"', path.read_text())
    }
)


def _promtool(*arguments: str) -> str:
    tool = shutil.which("promtool")
    if tool is None:
        pytest.skip("promtool is not installed (it comes with Prometheus)")
    made = subprocess.run(
        [tool, *arguments], cwd=PROMETHEUS, capture_output=True, text=True, check=False
    )
    assert made.returncode == 0, made.stdout + made.stderr
    return made.stdout


@pytest.mark.parametrize(
    "arguments",
    [
        ("check", "config", "prometheus.yml"),
        ("check", "rules", "--lint=all", "--lint-fatal", "rules.yml"),
        ("test", "rules", "rules_test.yml"),
    ],
    ids=["config", "rules", "cases"],
)
def test_prometheus_takes_it(arguments: tuple[str, ...]) -> None:
    assert "SUCCESS" in _promtool(*arguments)


@pytest.mark.store
@pytest.mark.live
@pytest.mark.parametrize("query", QUERIES)
def test_the_store_answers_the_queries_of_runbooks(store: Store, query: str) -> None:
    assert store.client("reader").raw_query(query, fmt="CSVWithNames").startswith(b'"')
