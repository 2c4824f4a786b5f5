"""What lint says of tiers counted per partner."""

import pytest

from tests.unit.catalog_files import SMALL, reading

TARIFF = """
id: carrier
service: voice
zone_by: b_number
rounding: {mode: half_up, scale: 4}
revisions:
  - revision: 1
    valid_from: 2026-01-01
    zones: dialled
    prices:
      - zone: home
        tiers: {counter: volume, scope: partner, steps: [{rate: "0.01", per: 60s}, {from: 1000 min, rate: "0.008", per: 60s}]}
      - zone: abroad
        tiers: {counter: other, scope: partner, mode: volume, steps: [{rate: "0.02", per: 60s}]}
"""
PARTNER = """
id: nordvik
legs:
  - run: wholesale
    side: cost
    field: trunk_out
    values: [nv]
    tariffs: [{service: voice, tariff: carrier}]
"""
GOOD = {"tariffs/carrier.yaml": TARIFF, "partners/nordvik.yaml": PARTNER}


def found(changes: dict[str, str]) -> list[tuple[str, int, str]]:
    """File, line and message of every problem."""
    return [(one.file, one.line or 0, one.message) for one in reading({**GOOD, **changes}).problems]


def test_a_partner_s_leg_may_count_per_partner() -> None:
    assert found({}) == []


@pytest.mark.parametrize(
    ("name", "text", "line"),
    [
        ("plans/mobile.yaml", SMALL["plans/mobile.yaml"].replace("tariff: voice", "tariff: carrier"), 4),
        ("plans/mobile.yaml", SMALL["plans/mobile.yaml"].replace("tariff: voice", "tariff: voice, fallback: [carrier]"), 4),
        ("accounts/more.yaml", "- id: other\n  overrides:\n    - {service: voice, tariff: carrier}\n", 3),
    ],
)  # fmt: skip
def test_customers_may_not(name: str, text: str, line: int) -> None:
    words = "the tariff 'carrier' counts per partner: only partners' legs may use it"
    assert found({name: text}) == [(name, line, words)]


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("scope: partner, mode: volume,", "scope: partner, measure: max,", "what counts for a partner is added up: sum, count, amount"),
        ("scope: partner, mode: volume,", "scope: partner, period: year,", "a partner is trued up by the month; remove it"),
        ("counter: other", "counter: volume", "counts for a partner together with a price above that has other tiers: write the same ones, or another counter"),
    ],
)  # fmt: skip
def test_what_cannot_be_added_up_is_refused(old: str, new: str, words: str) -> None:
    assert found({"tariffs/carrier.yaml": TARIFF.replace(old, new)}) == [
        ("tariffs/carrier.yaml", 14, words)
    ]
