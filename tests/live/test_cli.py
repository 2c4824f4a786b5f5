"""The command as people type it: what it prints, what it answers to mistakes, how it ends."""

import datetime
import json
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path

import pytest

from assurance.registry import reconciliations, stream_controls
from cli.demo.usage import write_all
from dataflows.catalogs import example_folder
from tests.live.commands import served, started, status_of, tallywire

pytestmark = [pytest.mark.live, pytest.mark.store]


@pytest.fixture(scope="module")
def ended(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The demo with few generated events; its store has ended with it."""
    out = tmp_path_factory.mktemp("demo") / "out"
    made = started("demo", "--out", out, "--events", 3_000)
    assert made.returncode == 0, made.stderr + made.stdout
    return out


@pytest.fixture(scope="module")
def demo(ended: Path) -> Iterator[Path]:
    """The demo, with its store kept running for all who look at it."""
    with served(ended / "home"):
        yield ended


FAMILIES = frozenset({
    "lost_file", "truncated_file", "lost_records", "trailer_mismatch", "replayed_file",
    "exact_duplicate", "near_duplicate", "partial_and_total", "missing_interim", "missing_stop",
    "wrong_tariff_version", "deleted_prefix", "wrong_increment", "zero_rated", "wrong_rounding",
    "unknown_subscriber", "orphan", "late_feed", "skewed_node", "silent_node", "negative_margin",
    "partner_mismatch", "subscription_mismatch", "resale_mismatch",
})  # fmt: skip
"""What goes wrong with usage, by the name that the simulator of the benchmarks has for it."""


def test_the_demo_finds_every_family_of_faults_with_its_money(ended: Path) -> None:
    faults = json.loads((ended / "summary.json").read_text())["faults"]
    assert {fault["name"] for fault in faults} > FAMILIES
    assert [fault["name"] for fault in faults if not fault["found"]] == []
    worthless = {fault["name"] for fault in faults if not fault["money"]}
    assert worthless == {"dst_night"}
    prevented = {fault["name"] for fault in faults if fault["prevented"]}
    assert prevented == {"replayed_file", "exact_duplicate", "dst_night"}
    amounts = [sum(map(Decimal, fault["money"].values())) for fault in faults]
    assert amounts == sorted(amounts, reverse=True)


@pytest.mark.parametrize(
    "asked",
    [
        ("partner", "--partner", "kystnett", "kystnett.csv"), ("subscriptions", "served"),
        ("provider", "bill.csv"),
    ],
    ids=lambda asked: str(asked[0]),
)  # fmt: skip
def test_what_others_say_can_be_held_against_the_demo_again(
    demo: Path, asked: tuple[str, ...]
) -> None:
    home = ("--home", demo / "home", "--json")
    made = tallywire("controls", *asked[:-1], demo / "others" / asked[-1], *home)
    assert made.returncode == 1, made.stderr
    assert json.loads(made.stdout)["findings"]


def test_the_demo_loses_nothing(ended: Path) -> None:
    summary = json.loads((ended / "summary.json").read_text())
    assert summary["conservation_difference"] == 0
    fates = ("rated", "duplicate", "suspended", "filtered", "merged", "open")
    assert summary["collected"] == sum(summary[name] for name in fates) > 3_000
    assert summary["events_per_s"] > 0
    assert {row["currency"] for row in summary["revenue"]} == {"EUR"}


def test_running_again_changes_nothing(ended: Path) -> None:
    before = status_of(ended / "home")
    again = started("run", "--home", ended / "home", ended / "usage", "--quiet")
    assert again.returncode == 0, again.stderr
    assert status_of(ended / "home") == before


def _events(demo: Path, condition: str) -> list[str]:
    query = (
        f"SELECT toString(event_id) AS id FROM rated_events WHERE {condition} ORDER BY start_time"
    )
    made = tallywire("store", "query", "--home", demo / "home", "--format", "json", query)
    return [json.loads(line)["id"] for line in made.stdout.splitlines()]


def test_every_charge_of_calls_is_derived_again_and_told(demo: Path) -> None:
    calls = _events(demo, "service IN ('voice', 'interconnect', 'roaming_voice')")
    assert len(calls) > 10
    for event in (calls[0], calls[-1]):
        told = tallywire("explain", "--home", demo / "home", event)
        assert told.returncode == 0, told.stderr
        assert "This is the charge for a call" in told.stdout
        assert "begins with" in told.stdout
        assert "the charge is" in told.stdout.lower()
    machine = tallywire("explain", "--home", demo / "home", "--json", calls[0])
    steps = [step["step"] for step in json.loads(machine.stdout)[0]["steps"]]
    assert steps[:3] == ["usage", "tariff", "prefix"]
    assert steps[-1] == "rounding"


def test_every_stored_charge_is_derived_again_column_by_column(demo: Path) -> None:
    made = tallywire("replay", "--home", demo / "home", "--json")
    assert made.returncode == 0, made.stderr
    told = json.loads(made.stdout)
    assert told["differences"] == []
    legs = _events(demo, "run != 'retail'")
    assert told["charges"] == status_of(demo / "home")["rated"] + len(legs)
    (event, *_) = _events(demo, "service = 'voice'")
    one = tallywire("replay", "--home", demo / "home", event)
    assert "1 charge derived again: every column is what it was" in one.stdout
    assert tallywire("replay", "--home", demo / "home", "--since", "yesterday").returncode == 2
    later = tallywire("replay", "--home", demo / "home", "--since", "2099-01-01")
    assert "0 charges" in later.stdout


def test_a_month_is_certified_and_the_certificate_holds(demo: Path, tmp_path: Path) -> None:
    now = datetime.datetime.now(datetime.UTC)
    month, file = f"{now:%Y-%m}", tmp_path / "month.json"
    home = ("--home", demo / "home")
    made = tallywire("close", month, *home, "--out", file)
    assert made.returncode == 0, made.stdout + made.stderr
    content = json.loads(file.read_text())
    assert len(content["controls"]) == len([*stream_controls(), *reconciliations()])
    assert sum(row["collected_records"] for row in content["conservation"]) > 3_000
    assert tallywire("close", month, *home, "--verify", file).returncode == 0
    file.write_text(file.read_text().replace('"lacking": 0', '"lacking": 1', 1))
    again = tallywire("close", month, *home, "--verify", file)
    assert (again.returncode, "its hash is another" in again.stdout) == (1, True)
    assert tallywire("audit", "verify", *home).returncode == 0


def test_an_unknown_event_is_said_so(demo: Path) -> None:
    nothing = tallywire("explain", "--home", demo / "home", "0" * 32)
    assert nothing.returncode == 1
    assert "no charge of event" in nothing.stderr
    wrong = tallywire("explain", "--home", demo / "home", "nonsense")
    assert wrong.returncode == 2


def test_the_reader_cannot_change_the_store(demo: Path) -> None:
    made = tallywire(
        "store", "query", "--home", demo / "home", "ALTER TABLE rated_events DELETE WHERE 1"
    )
    assert made.returncode == 4
    assert "refused" in made.stderr


def test_suspense_is_listed_shown_cured_and_recycled_once(demo: Path, tmp_path: Path) -> None:
    """Satellite calls get a price; what waited for it is rated; a second recycle changes nothing."""
    home = demo / "home"
    listed = tallywire("suspense", "list", "--home", home, "--json", "--reason", "zone_unknown")
    held = json.loads(listed.stdout)
    assert [row["missing_ref"] for row in held] == ["4788216123456"] or held
    shown = tallywire("suspense", "show", "--home", home, held[0]["suspense_id"])
    assert "zone_unknown" in shown.stdout
    before = status_of(home)
    catalog = tmp_path / "catalog"
    assert tallywire("catalog", "init", catalog).returncode == 0
    zones = (catalog / "zones" / "dialled.yaml").read_text()
    cured = zones.replace('prefixes: ["47900"]', 'prefixes: ["47900", "478"]')
    assert cured != zones
    (catalog / "zones" / "dialled.yaml").write_text(cured)
    for expected in (len(held), 0):
        made = tallywire(
            "suspense", "recycle", "--home", home, "--catalog", catalog, "--reason", "zone_unknown"
        )
        assert made.returncode == 0, made.stderr
        assert f"{expected} left suspense" in made.stdout
    after = status_of(home)
    assert after["rated"] == before["rated"] + len(held)
    assert after["suspended"] == before["suspended"] - len(held)
    assert after["collected"] == before["collected"]
    assert after["conservation_difference"] == 0


def test_price_is_pure_and_exact() -> None:
    usage = "\n".join(
        json.dumps(event)
        for event in (
            {"service": "voice", "served_identifier": "msisdn:4790010002", "b_number": "4741234567",
             "start_time": "2026-06-01T10:00:00Z", "quantity": 61_000_000},
            {"service": "voice", "served_identifier": "msisdn:0", "b_number": "4741234567",
             "start_time": "2026-06-01T10:00:00Z", "quantity": 61_000_000},
            {"service": "sms", "quantity": 0.5},
        )
    )  # fmt: skip
    made = tallywire("price", "--catalog", example_folder(), text=usage + "\nnonsense\n")
    assert made.returncode == 1
    lines = [json.loads(line) for line in made.stdout.splitlines()]
    assert lines[0]["amount"] == "0.250000000"  # 0.05 to connect, two minutes at 0.10
    assert lines[1]["reason"] == "account_unknown"
    assert [line["line"] for line in lines[1:]] == [2, 3, 4]
    assert started("price", "--catalog", example_folder(), text=usage).stdout == "".join(
        line + "\n" for line in made.stdout.splitlines()[:3]
    )


def test_mistakes_get_a_sentence_and_their_exit_code(tmp_path: Path) -> None:
    home = tmp_path / "home"
    missing = started("run", "--home", home, "--catalog", example_folder(), tmp_path / "nowhere")
    assert missing.returncode == 2
    assert "does not exist" in missing.stderr
    assert tallywire("run", "--home", home).returncode == 2
    assert tallywire("status", "--home", tmp_path / "empty").returncode == 4
    bad = tallywire("status", "--home", home, TALLYWIRE_PARTITIONS="many")
    assert bad.returncode == 2
    assert "partitions" in bad.stderr
    public = tallywire("store", "serve", "--home", home, "--listen", "0.0.0.0")  # noqa: S104  refused
    assert public.returncode == 2
    assert "--public" in public.stderr


def test_files_that_are_no_usage(tmp_path: Path) -> None:
    """Empty, binary, without one line end, unreadable, of nobody: each is told, none is lost."""
    usage = tmp_path / "usage"
    (usage / "platform").mkdir(parents=True)
    (usage / "platform" / "empty.jsonl").touch()
    (usage / "platform" / "binary.jsonl").write_bytes(bytes(range(256)) * 40)
    (usage / "platform" / "endless.jsonl").write_bytes(b"\x00" * 40_000_000)
    (usage / "of-nobody.txt").write_text("hello")
    made = tallywire(
        "run", "--home", tmp_path / "home", "--catalog", example_folder(), usage,
        TALLYWIRE_COLLECTION_BYTES=str(4_000_000),
    )  # fmt: skip
    assert made.returncode == 0, made.stderr
    assert "no feed takes of-nobody.txt" in made.stderr
    status = status_of(tmp_path / "home")
    assert status["rated"] == 0
    assert status["collected"] == status["suspended"] > 0
    assert {row["reason"] for row in status["suspense"]} >= {"record_too_long"}
    empty = [row for row in status["files"] if row["file_name"] == "platform/empty.jsonl"]
    assert [(row["status"], row["records"]) for row in empty] == [("complete", 0)]


def _nasty(usage: Path) -> None:
    """Broken files of every feed."""
    write_all(usage, 20)
    for path in [path for path in usage.rglob("*") if path.is_file()]:
        data = path.read_bytes()
        flipped = bytearray(data)
        flipped[len(data) // 2] ^= 0x10
        stem, suffix = path.stem, path.suffix
        for name, broken in {
            "cut": data[: len(data) * 2 // 3],
            "flipped": bytes(flipped),
            "encoded": data.decode().encode("utf-16"),
            "nul": data[:50] + b"\x00" * 5_000 + data[50:],
            "wide": data + b"," * 1_000_000 + b"\n" + b";" * 1_000_000 + b"\n",
            "numbers": data.replace(b"0", b"99999999999999999999"),
        }.items():
            path.with_name(f"{stem}{name}{suffix}").write_bytes(broken)


def test_broken_files_of_every_feed_lose_nothing(tmp_path: Path) -> None:
    _nasty(tmp_path / "usage")
    home = tmp_path / "home"
    made = tallywire("run", "--quiet", "--home", home, "--catalog", example_folder(),
                     tmp_path / "usage")  # fmt: skip
    assert made.returncode == 0, made.stderr
    status = status_of(home)
    assert status["conservation_difference"] == 0
    assert status["collected"] == sum(row["records"] for row in status["files"])
    assert status["suspended"] > 100
    assert {row["feed_id"] for row in status["files"]} >= {
        "access", "nordvik", "pbx", "platform", "roamers", "switch",
    }  # fmt: skip


def test_doctor_says_what_is_fit() -> None:
    made = tallywire("doctor")
    assert "Python" in made.stdout
    assert made.returncode in {0, 1}
