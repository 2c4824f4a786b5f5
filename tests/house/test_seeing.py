"""Metrics, alerts, runbooks and their documents hold together."""

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from dataflows.metric_table import METRICS
from tests.house.commands import resolved

ROOT = Path(__file__).resolve().parents[2]
PROMETHEUS = ROOT / "ops/prometheus"
RUNBOOKS = sorted((ROOT / "docs/runbooks").glob("*.md"))
HEADINGS = ("What it means", "Cause", "Check", "Cure", "How to know that it is cured")
_SUFFIXES = {
    "counter": ("",), "gauge": ("",), "histogram": ("_bucket", "_count", "_sum"),
    "summary": ("_count", "_sum"),
}  # fmt: skip
NAMES = {metric.name for metric in METRICS}
EXPOSED = {f"{metric.name}{suffix}" for metric in METRICS for suffix in _SUFFIXES[metric.kind]}


def _alerts() -> list[dict[str, Any]]:
    content = yaml.safe_load((PROMETHEUS / "rules.yml").read_text())
    return [rule for group in content["groups"] for rule in group["rules"]]


ALERTS = _alerts()


@pytest.mark.parametrize("rule", ALERTS, ids=lambda rule: rule["alert"])
def test_an_alert_says_how_bad_it_is_and_what_to_do(rule: dict[str, Any]) -> None:
    assert rule["labels"]["severity"] in {"critical", "warning"}
    assert set(rule["annotations"]) == {"summary", "description", "runbook"}
    runbook = ROOT / rule["annotations"]["runbook"]
    assert runbook.read_text().startswith(f"# {rule['alert']}: ")


def test_every_runbook_is_of_one_alert() -> None:
    named = sorted(ROOT / rule["annotations"]["runbook"] for rule in ALERTS)
    assert named == RUNBOOKS


@pytest.mark.parametrize("path", RUNBOOKS, ids=lambda path: path.stem)
def test_a_runbook_goes_from_meaning_to_cure(path: Path) -> None:
    text = path.read_text()
    assert re.findall(r"^## (.*)$", text, re.MULTILINE) == list(HEADINGS)
    for target in re.findall(r"\]\(([^)#]+)\)", text):
        assert (path.parent / target).exists(), target


@pytest.mark.parametrize(
    "path",
    [PROMETHEUS / "rules.yml", PROMETHEUS / "rules_test.yml", *RUNBOOKS],
    ids=lambda path: path.name,
)
def test_every_metric_that_is_named_exists(path: Path) -> None:
    known = EXPOSED | (NAMES if path.suffix == ".md" else set())
    for name in re.findall(r"\btallywire_[a-z_]+\b", path.read_text()):
        whole = name in known
        begun = name.endswith("_") and any(metric.startswith(name) for metric in EXPOSED)
        assert whole or begun, f"{path.name} names {name}"


def _commands(text: str) -> set[tuple[str, ...]]:
    """Take the commands of a runbook apart, in words; a text in quotes is one."""
    blocks = re.findall(r"```\n(.*?)```", text, re.DOTALL)
    inline = re.findall(r"`(tallywire [^`]+)`", text)
    lines = [line for block in blocks for line in block.splitlines()] + inline
    told = [re.sub(r'"[^"]*"', "TEXT", line).partition("#")[0] for line in lines]
    return {tuple(line.split()[1:]) for line in told if line.startswith("tallywire ")}


@pytest.mark.parametrize("path", RUNBOOKS, ids=lambda path: path.stem)
def test_every_command_of_a_runbook_can_be_typed(path: Path) -> None:
    for words in _commands(path.read_text()):
        command, rest = resolved(words)
        assert len(rest) < len(words), f"no command {words}"
        options = {name for one in command.params for name in one.opts}
        assert {word for word in rest if word.startswith("-")} <= options, words
        takes_values = any(one.param_type_name == "argument" for one in command.params)
        assert takes_values or not rest or rest[0].startswith("-"), words


def test_every_alert_is_tried_firing_and_silent() -> None:
    tests = yaml.safe_load((PROMETHEUS / "rules_test.yml").read_text())["tests"]
    tried = {
        (case["alertname"], bool(case["exp_alerts"]))
        for test in tests
        for case in test["alert_rule_test"]
    }
    assert tried == {(rule["alert"], fires) for rule in ALERTS for fires in (True, False)}


@pytest.mark.parametrize("metric", METRICS, ids=lambda metric: metric.name)
def test_every_metric_is_documented_as_it_is(metric: Any) -> None:
    text = (ROOT / "docs/reference/metrics.md").read_text()
    labels = ", ".join(f"`{label}`" for label in metric.labels)
    assert f"| `{metric.name}` | {metric.kind} | {labels} | {metric.help}" in text


def test_the_names_of_metrics_follow_prometheus() -> None:
    assert len({metric.name for metric in METRICS}) == len(METRICS)
    for metric in METRICS:
        assert re.fullmatch(r"tallywire_[a-z_]+", metric.name)
        assert metric.name.endswith("_total") == (metric.kind == "counter"), metric.name
