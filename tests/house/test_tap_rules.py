"""The published table of the rules of TAP is the one that is checked."""

from pathlib import Path

from tallywire.mediation.decoders.tap.rules import RULES, Rule

PAGE = Path(__file__).resolve().parents[2] / "docs/reference/tap-rules.md"


def _row(rule: Rule) -> str:
    reason = f"[`{rule.reason}`](reasons.md#{rule.reason})" if rule.reason else ""
    code = "" if rule.code is None else str(rule.code)
    cells = (f"`{rule.rule_id}`", rule.level, rule.checks, rule.source, reason, code)
    return f"| {' | '.join(cells)} |"


def test_the_table_on_the_page_is_the_table_in_the_code() -> None:
    lines = PAGE.read_text().splitlines()
    rows = [line for line in lines if line.startswith("| `")]
    assert rows == [_row(rule) for rule in RULES.values()]
