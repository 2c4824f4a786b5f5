"""Usage of a real store against what others say: the guide's lists, typed as the guide types them."""

import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.ber import taps
from tests.live.commands import served, tallywire
from tests.live.test_roaming import CATALOG

pytestmark = [pytest.mark.live, pytest.mark.store]
_GUIDE = Path(__file__).resolve().parents[2] / "docs/guides/reconcile"
PARTNER = ("partner", "--partner", "nordvik")
BILL = ("provider", "--column", "quantity=hours", "--column", "price=hour_price")
BOOK_HEAD = "tariff,prefix,rate,rounding_decimals,from,to\n"


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Path]:
    """Stand where the guide stands, its usage rated, its store running."""
    shutil.copytree(_GUIDE, tmp_path / "reconcile")
    with served(tmp_path / "home"):
        lists = tmp_path / "reconcile"
        made = tallywire("run", "--home", tmp_path / "home", "--catalog", lists / "catalog",
                         lists / "usage", "--quiet")  # fmt: skip
        assert made.returncode == 0, made.stderr
        yield tmp_path


def typed(desk: Path, *words: object, code: int) -> dict[tuple[str, str], Any]:
    """Type a verb of the controls; give its findings by pattern and entity."""
    made = tallywire("controls", *words, "--home", desk / "home", "--json")
    assert made.returncode == code, made.stderr + made.stdout
    found = json.loads(made.stdout)
    listed = found["findings"] if isinstance(found, dict) else found
    return {(one["pattern"], one["entity_id"]): one for one in listed}


def money(found: dict[tuple[str, str], Any]) -> dict[str, str | None]:
    return {
        f"{pattern} {entity}": one["money_at_risk"] and f"{float(one['money_at_risk']):g}"
        for (pattern, entity), one in sorted(found.items())
    }


def stored(desk: Path, control: str) -> dict[str, tuple[str, str]]:
    """Give every finding of a control as it stands in the store, and when it was stored last."""
    made = tallywire(
        "store", "query", "--home", desk / "home", "--format", "json",
        "SELECT concat(pattern, ' ', entity_id) AS name, state, toString(a.ledgered_at) AS at "
        f"FROM alerts AS a FINAL WHERE control_id = '{control}'",
    )  # fmt: skip
    assert made.returncode == 0, made.stderr
    return {
        row["name"]: (row["state"], row["at"]) for row in map(json.loads, made.stdout.splitlines())
    }


def states(desk: Path, control: str) -> dict[str, str]:
    return {name: state for name, (state, _) in stored(desk, control).items()}


def test_a_partners_calls_are_held_against_ours_and_disputes_close(desk: Path) -> None:
    listed, pack = desk / "reconcile/nordvik.csv", desk / "pack"
    made = typed(desk, *PARTNER, listed, "--pack", pack, code=1)
    assert money(made) == {
        "partner_longer nordvik": "0.0035", "partner_only_ours nordvik": "0.045",
        "partner_only_theirs nordvik": "0.09",
    }  # fmt: skip
    assert "n8" in (pack / "disputes.csv").read_text()
    assert "By destination" in (pack / "disputes.html").read_text()
    before = stored(desk, "C17")
    assert typed(desk, *PARTNER, listed, code=1).keys() == made.keys()
    assert stored(desk, "C17") == before
    lines = listed.read_text().splitlines(keepends=True)
    kept = [line.replace(",307", ",300") for line in lines if not line.startswith("n8")]
    listed.write_text("".join(kept) + "n9,2026-10-13T12:30:03Z,4790010001,4722113344,90\n")
    assert typed(desk, *PARTNER, listed, code=0) == {}
    assert set(states(desk, "C17").values()) == {"auto_closed"}


def test_a_day_that_a_partner_does_not_list_is_not_judged(desk: Path) -> None:
    listed = desk / "reconcile/nordvik.csv"
    days = ("--from", "2026-10-12", "--to", "2026-10-13")
    assert len(typed(desk, *PARTNER, listed, *days, code=1)) == 3
    lines = listed.read_text().splitlines(keepends=True)
    listed.write_text("".join(line for line in lines if "10-13" not in line))
    made = tallywire("controls", *PARTNER, listed, *days, "--home", desk / "home")
    assert made.returncode == 1
    assert "nordvik lists nothing of 2026-10-13: the day is not judged" in made.stderr
    assert "2026-10-13" not in made.stdout
    assert states(desk, "C17")["partner_only_theirs nordvik"] == "open"


def test_whom_the_network_serves_is_held_against_the_catalogue(desk: Path) -> None:
    lists = desk / "reconcile/served"
    made = typed(desk, "subscriptions", lists, "--test", "test-1", code=1)
    assert money(made) == {
        "subscription_billed_not_served carl-mobile": None,
        "subscription_other_offer bo-mobile": "0.75",
        "subscription_unknown_here dora-mobile": None,
        "subscription_used_not_served anna-mobile": "0.27",
    }  # fmt: skip
    one = made["subscription_other_offer", "bo-mobile"]
    assert (one["direction"], one["money_method"], one["observed"]) == (
        "under", "priced_by_other_offer", 3,
    )  # fmt: skip
    (lists / "served-2026-10-12.csv").unlink()
    right = "subscription_id,account_id,offer_id,identifier_type,identifier\n" + "".join(
        f"{name}-mobile,{name},{offer},msisdn,479001000{number}\n"
        for number, (name, offer) in enumerate(
            (("anna", "basic"), ("bo", "extra"), ("carl", "basic")), start=1
        )
    )
    for day in (12, 13):
        text = right + "acme-cloud,acme,cloud,customer,acme\n"
        (lists / f"served-2026-10-{day}.csv").write_text(text)
    assert typed(desk, "subscriptions", lists, code=0) == {}
    assert set(states(desk, "C14").values()) == {"auto_closed"}


def test_a_providers_bill_is_held_against_what_was_rated(desk: Path) -> None:
    bill = desk / "reconcile/bill.csv"
    made = typed(desk, *BILL, bill, code=1)
    assert money(made) == {
        "provider_never_rated acme/gpu": "18", "provider_no_customer zeta/vm_large": "1",
        "provider_price_differs acme/gpu": "2", "provider_quantity_differs acme/vm_large": "1",
    }  # fmt: skip
    lines = [line for line in bill.read_text().splitlines(keepends=True) if "gpu" not in line]
    kept = [line.replace(",12,0.50,6.00", ",10,0.50,5.00") for line in lines if "zeta" not in line]
    bill.write_text("".join(kept))
    assert typed(desk, *BILL, bill, code=0) == {}
    closed = states(desk, "C20")
    assert closed["provider_quantity_differs acme/vm_large"] == "auto_closed"
    # the bill has no gpu any more: it says nothing of it
    assert closed["provider_never_rated acme/gpu"] == "open"


def test_findings_of_the_price_book_close_when_the_book_agrees(desk: Path) -> None:
    book, days = desk / "book.csv", ("--from", "2026-10-12", "--to", "2026-10-13")
    other = desk / "other.csv"
    book.write_text(f"{BOOK_HEAD}basic_voice,,0.10,4,,\n")
    other.write_text(f"{BOOK_HEAD}extra_voice,,0.05,4,,\n")
    assert len(typed(desk, "book", book, *days, code=1)) == 1
    assert len(typed(desk, "book", other, *days, code=1)) == 1
    book.write_text(f"{BOOK_HEAD}basic_voice,,0.12,4,,\n")
    assert typed(desk, "book", book, *days, code=0) == {}
    assert states(desk, "C12") == {
        "price_book_other_price basic_voice/": "auto_closed",
        "price_book_other_price extra_voice/": "open",
    }  # fmt: skip


def test_reports_in_near_real_time_are_held_against_tap(tmp_path: Path) -> None:
    files = {
        **CATALOG,
        "accounts/estimates.yaml": (
            "- id: reports\n  subscriptions:\n    - {id: reports-1, offer: all, valid_from: "
            '2000-01-01, identifiers: [{type: reported, value: "242011234567890"}]}\n'
        ),
    }
    feeds = files["feeds/feeds.yaml"].replace(
        "path: NR*, service: roaming_voice, backfill: true, served: [{identifier: imsi,",
        "path: NR*, service: roaming_voice, backfill: true, options: {usage: true}, "
        "served: [{identifier: reported,",
    )
    for name, text in {**files, "feeds/feeds.yaml": feeds}.items():
        path = tmp_path / "catalog" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    usage, later = tmp_path / "usage", taps.START[:8] + "235900"
    usage.mkdir()
    events = [taps.call(120, [taps.charge(2300)]), taps.call(60, [taps.charge(1)], local=later)]
    (usage / "CDNORAANORBB00012").write_bytes(taps.batch(events, taps.audit(2, 2301, last=later)))
    (usage / "NRNORAANORBB00017").write_bytes(taps.nrtrde([taps.report(seconds=43)]))
    with served(tmp_path / "home"):
        made = tallywire(
            "run", "--home", tmp_path / "home", "--catalog", tmp_path / "catalog", usage, "--quiet"
        )
        assert made.returncode == 0, made.stderr
        day = f"{taps.START[:4]}-{taps.START[4:6]}-{taps.START[6:8]}"
        words = ("partner", "--feeds", "noraa", "fraud", "--from", day, "--to", day)
        found = typed(tmp_path, *words, code=1)
    assert {pattern: one["observed"] for (pattern, _), one in found.items()} == {
        "partner_only_ours": 1, "partner_shorter": 1,
    }  # fmt: skip
    assert {entity for _, entity in found} == {"noraa/fraud"}


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("partner", "--partner", "nobody", "x.csv"), "the catalogue in use has nordvik"),
        ((*PARTNER,), "give the partner's files, or --feeds"),
        ((*PARTNER, "x.csv"), "x.csv: there is no such file"),
        ((*PARTNER, "reconcile/bill.csv"), "the columns call_id, start, caller"),
        ((*PARTNER, "reconcile/nordvik.csv", "--column", "start"), "--column start: write"),
        ((*PARTNER, "reconcile/nordvik.csv", "--start-within", "-1"), "--start-within -1: write"),
        (("partner", "--feeds", "calls", "x", "--from", "2026-10-12", "--to", "2026-10-12"),
         "--feeds x: the catalogue in use has calls, resources"),
        (("partner", "--feeds", "calls", "resources"), "--feeds needs --from and --to"),
        ((*PARTNER, "reconcile/nordvik.csv", "--zone", "Oslo"), "--zone Oslo: write an IANA zone"),
        (("subscriptions", "reconcile/bill.csv"), "its name says no day"),
        (("subscriptions", "reconcile/served", "--from", "2027-01-01"), "lies behind --to"),
        (("subscriptions", "reconcile/served", "--grace-hours", "99"), "write hours, from 0 to 24"),
        (("provider", "reconcile/bill.csv"), "the columns quantity are missing; it has day"),
        ((*BILL, "reconcile/bill.csv", "--quantity-within", "x"), "--quantity-within 'x' is no"),
    ],
)  # fmt: skip
def test_what_is_typed_or_written_wrongly_is_told(
    misused: Path, monkeypatch: pytest.MonkeyPatch, words: tuple[str, ...], told: str
) -> None:
    monkeypatch.chdir(misused)
    made = tallywire("controls", *words, "--home", misused / "home")
    assert made.returncode == 2, made.stdout + made.stderr
    assert told in made.stderr


@pytest.fixture(scope="module")
def misused(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A home with a catalogue and a store, for all that is typed wrongly."""
    folder = tmp_path_factory.mktemp("misused")
    shutil.copytree(_GUIDE, folder / "reconcile")
    with served(folder / "home"):
        made = tallywire(
            "run", "--home", folder / "home", "--catalog", folder / "reconcile/catalog",
            folder / "reconcile/usage", "--quiet",
        )  # fmt: skip
        assert made.returncode == 0, made.stderr
        yield folder
