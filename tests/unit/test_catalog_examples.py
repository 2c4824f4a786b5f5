"""The examples of the reference are catalogues that compile."""

import re
import textwrap
from pathlib import Path

import pytest

from tests.unit.catalog_files import SMALL, reading

TEXT = (Path(__file__).parents[2] / "docs/reference/catalog.md").read_text()
BLOCKS = re.findall(r"```yaml (prices \w+|offer|tariff)\n(.*?)```", TEXT, re.DOTALL)
PRICES = [(kind.split()[1], text) for kind, text in BLOCKS if kind.startswith("prices")]
TARIFFS = [text for kind, text in BLOCKS if kind == "tariff"]
OFFERS = [text for kind, text in BLOCKS if kind == "offer"]


@pytest.mark.parametrize(("service", "prices"), PRICES)
def test_an_example_of_prices_compiles(service: str, prices: str) -> None:
    zones = "zone_by: b_number\norigins: dialled" if service == "voice" else "zone_by: none"
    plan = "    zones: dialled\n    unpriced: [home]\n" if service == "voice" else ""
    tariff = (
        f"id: shown\nservice: {service}\n{zones}\nrounding: {{mode: none}}\nrevisions:\n"
        f"  - revision: 1\n    valid_from: 2026-01-01\n{plan}    prices:\n"
        + textwrap.indent(prices, "      ")
    )
    found = reading({"tariffs/shown.yaml": tariff})
    assert found.problems == []
    assert found.snapshot is not None
    assert found.snapshot.tariffs["shown"].prices


@pytest.mark.parametrize("tariff", TARIFFS)
def test_an_example_of_a_tariff_compiles(tariff: str) -> None:
    found = reading({"tariffs/shown.yaml": tariff})
    assert found.problems == []


@pytest.mark.parametrize("terms", OFFERS)
def test_an_example_of_terms_compiles(terms: str) -> None:
    found = reading({"offers/basic.yaml": f"id: basic\nplans: [mobile]\n{terms}"})
    assert found.problems == []


def test_every_model_has_its_example() -> None:
    assert len(PRICES) >= 10
    assert TARIFFS
    assert len(OFFERS) >= 4
    assert SMALL
