"""Real tariffs imported by the command, then priced by the command: charges worked out by hand."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

pytestmark = pytest.mark.samples

RATES = Path(__file__).parents[3] / "shared/samples/rates"
PLAN = RATES / "cgrates_oldtutorial"
DECK = RATES / "astpp_wholesale_deck_2016.csv"


def _tallywire(*arguments: object) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "cli.main", *(str(item) for item in arguments)]
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=120)


def _catalog(made: subprocess.CompletedProcess[str], out: Path) -> dict[str, Any]:
    linted = _tallywire("catalog", "lint", out)
    assert linted.returncode == 0, linted.stdout
    report: dict[str, Any] = json.loads(made.stdout)
    return report


def _amount(catalog: Path, **usage: object) -> str:
    line = catalog.parent / "usage.jsonl"
    line.write_text(json.dumps(usage))
    priced = _tallywire("price", "--catalog", catalog, "--usage", line)
    assert priced.returncode == 0, priced.stdout + priced.stderr
    amount: str = json.loads(priced.stdout)["amount"]
    return amount.rstrip("0")


@pytest.fixture(scope="module")
def plan(tmp_path_factory: pytest.TempPathFactory) -> Path:
    if not PLAN.is_dir():
        pytest.skip(f"samples absent: {PLAN}")
    return tmp_path_factory.mktemp("plan") / "catalog"


@pytest.fixture(scope="module")
def report(plan: Path) -> dict[str, Any]:
    made = _tallywire("catalog", "import", "cgrates", PLAN, "--out", plan, "--json")
    assert made.returncode == 1, made.stderr  # a category that says no service, and *disconnect
    return _catalog(made, plan)


def test_the_report_names_what_is_not_carried_over(report: dict[str, Any]) -> None:
    lost = [(one["file"], one["line"]) for one in report["notes"] if one["kind"] == "lost"]
    assert lost == [("DestinationRates.csv", 9), ("RatingProfiles.csv", 5)]


PEAK, EDGE, EVENING = "2026-06-02T10:00:00Z", "2026-06-02T18:59:30Z", "2026-06-02T20:00:00Z"
MORNING, WEEKEND = "2026-06-02T06:00:00Z", "2026-06-06T10:00:00Z"


@pytest.mark.usefixtures("report")
@pytest.mark.parametrize(
    ("subject", "start", "number", "seconds", "amount"),
    [
        # 0.4 for the connection, 0.2 for the first minute, then 30 s at 0.1 a minute
        ("1001", PEAK, "1002", 90, "0.65"),
        # 0.2, 0.1, then 30 s at 0.05
        ("1001", MORNING, "1002", 90, "0.325"),
        ("1001", EVENING, "1002", 90, "0.325"),
        ("1001", WEEKEND, "1002", 90, "0.325"),
        # 0.8, two half minutes at 0.4 a minute, then three steps of 10 s at 0.2; then four
        ("1001", PEAK, "1003", 90, "1.3"),
        ("any", PEAK, "1005", 90, "1.3"),
        ("any", PEAK, "1005", 91, "1.3334"),
        ("any", EVENING, "1005", 91, "0.3259"),
        ("any", WEEKEND, "1005", 60, "0.3"),
        # 0.8 and half a minute of the peak, then a minute of the evening, begun at 19:00
        ("any", EDGE, "1005", 90, "1.1"),
        # by the second, at most 0.62
        ("any", PEAK, "1007", 61, "0.61"),
        ("1001", WEEKEND, "1007", 90, "0.62"),
        ("SPECIAL_1002", PEAK, "1002", 61, "0.02"),
    ],
)  # fmt: skip
def test_peak_off_peak_and_weekend(
    plan: Path, subject: str, start: str, number: str, seconds: int, amount: str
) -> None:
    usage = {"service": "voice", "offer_id": f"cgrates.org:call:{subject}", "start_time": start}
    assert _amount(plan, **usage, b_number=number, quantity=seconds * 1_000_000) == amount


def test_a_wholesale_deck(tmp_path: Path) -> None:
    if not DECK.is_file():
        pytest.skip(f"samples absent: {DECK}")
    out = tmp_path / "catalog"
    made = _tallywire(
        "catalog", "import", "astpp", DECK, "--out", out, "--service", "interconnect",
        "--id", "wholesale", "--json",
    )  # fmt: skip
    assert made.returncode == 0, made.stderr
    assert _catalog(made, out)["complete"]
    usage = {"service": "interconnect", "offer_id": "wholesale", "start_time": PEAK}
    assert (
        _amount(out, **usage, b_number="12015551234", quantity=61_000_000) == "1.65"
    )  # 66 s, 1.50
    assert _amount(out, **usage, b_number="12014441234", quantity=61_000_000) == "0.011"
