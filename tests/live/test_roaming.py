"""A TAP file through the whole product: rated, its audit found wrong, what is wrong sent back."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.ber import taps
from tests.ber.decoded import decoded

pytestmark = [pytest.mark.live, pytest.mark.store]

CATALOG = {
    "operator.yaml": """
tenant: home
legal_entity: Home
currency: EUR
time_zone: Europe/Oslo
home_country: "47"
trunk_prefix: ""
""",
    "tariffs/flat.yaml": """
- {id: voice, service: roaming_voice, zone_by: none, rounding: {mode: half_up, scale: 6}, revisions: [{revision: 1, valid_from: 2000-01-01, prices: [{rate: "0.06", per: 60s, increment: 1/1}]}]}
- {id: data, service: roaming_data, zone_by: none, rounding: {mode: half_up, scale: 6}, revisions: [{revision: 1, valid_from: 2000-01-01, prices: [{rate: "0.01", per: 1 MB, increment: 1 kB/1 kB}]}]}
""",
    "plans/plan.yaml": "- {id: all, tariffs: [{service: roaming_voice, tariff: voice}, {service: roaming_data, tariff: data}]}\n",
    "offers/offer.yaml": "- {id: all, plans: [all]}\n",
    "accounts/accounts.yaml": """
- id: kari
  subscriptions:
    - {id: kari-1, offer: all, valid_from: 2000-01-01, identifiers: [{type: imsi, value: "242011234567890"}]}
""",
    "feeds/feeds.yaml": """
- id: noraa
  format: tap
  path: CD*
  service: roaming_voice
  backfill: true
  served: [{identifier: imsi, field: imsi}]
  options: {error_codes: {quantity_out_of_range: 7}}
- {id: fraud, format: nrtrde, path: NR*, service: roaming_voice, backfill: true, served: [{identifier: imsi, field: imsi}]}
""",
}


def _tallywire(*arguments: object) -> str:
    command = [sys.executable, "-m", "cli.main", *(str(item) for item in arguments)]
    made = subprocess.run(command, capture_output=True, text=True, check=False, timeout=200)
    assert made.returncode == 0, made.stderr
    return made.stdout


def test_a_tap_file_is_rated_audited_and_returned(tmp_path: Path) -> None:
    for name, text in CATALOG.items():
        path = tmp_path / "catalog" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    usage, home, out = tmp_path / "usage", tmp_path / "home", tmp_path / "out"
    usage.mkdir()
    wrong = taps.gprs(-2, 7, [taps.charge(99, item="X")])
    events = [
        taps.call(120, [taps.charge(2300)]),
        taps.gprs(600_000, 400_000, [taps.charge(66600, item="X")]),
        wrong,
    ]
    (usage / "CDNORAANORBB00012").write_bytes(taps.batch(events, taps.audit(3, 2300)))
    (usage / "NRNORAANORBB00017").write_bytes(taps.nrtrde([taps.report()]))
    _tallywire("run", "--home", home, "--catalog", tmp_path / "catalog", usage)
    told = json.loads(_tallywire("status", "--home", home, "--json"))
    assert told["conservation_difference"] == 0
    found = {(row["expected"], row["observed"]) for row in told["alerts"] if row["pattern"] == "trailer_mismatch"}  # fmt: skip
    assert (2300, 68999) in found
    assert told["rated"] == 2
    written = _tallywire("rap", "write", "--home", home, "--feed", "noraa", "--out", out)
    assert written.splitlines()[-1] == "1 file"
    made = decoded("rap", (out / "RCNORBBNORAA00001").read_bytes())
    assert made.frame["detail"].to_list()[1] == (
        "severe return of an event of file 12: error 7; charge 99"
    )
    again = _tallywire("rap", "write", "--home", home, "--feed", "noraa", "--out", out)
    assert again == "0 files\n"


def test_files_of_several_partners_are_numbered_apart_whatever_they_are_called(
    tmp_path: Path,
) -> None:
    """A feed of all partners, whose files have names that say nothing."""
    for name, text in CATALOG.items():
        path = tmp_path / "catalog" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text.replace("path: CD*", "path: in*"))
    usage, home = tmp_path / "usage", tmp_path / "home"
    usage.mkdir()
    arrivals = [("NORAA", "00012"), ("NORCC", "00013"), ("NORAA", "00014"), ("NORCC", "00014")]
    for place, (sender, number) in enumerate(arrivals):
        local = f"2026102412{place:02}00"
        data = taps.batch(
            [taps.call(60 + place, [taps.charge(5)], local=local)],
            taps.audit(1, 5, first=local, last=local), taps.head(sender=sender, sequence=number),
        )  # fmt: skip
        (usage / f"in-{place}").write_bytes(data)
    _tallywire("run", "--home", home, "--catalog", tmp_path / "catalog", usage)
    alerts = json.loads(_tallywire("status", "--home", home, "--json"))["alerts"]
    told = [row["explanation"].split(";")[0] for row in alerts if row["control_id"] == "C1"]
    assert told == ["File 13 of feed noraa/NORAA/NORBB is missing"]
