"""The real wholesale deck of 36,205 prefixes: it loads, exactly, fast and in little memory."""

import multiprocessing
import time
from fractions import Fraction
from pathlib import Path

import polars as pl
import psutil
import pytest

from tallywire.catalog import read

DECK = Path(__file__).parents[3] / "shared/samples/rates/astpp_wholesale_deck_2016.csv"
PREFIXES = 36_205
MOST_SECONDS = 2
MOST_BYTES = 200_000_000

OPERATOR = b"legal_entity: X\ncurrency: USD\ntime_zone: UTC\nhome_country: '1'\n"
TARIFF = b"""
id: wholesale
service: interconnect
zone_by: b_number
rounding: {mode: half_up, scale: 6}
revisions:
  - revision: 1
    valid_from: 2016-07-26
    deck:
      file: decks/deck.csv
      per: 1 min
      columns:
        prefix: prefix
        destination: destination
        rate: cost_per_min
        connect_fee: connect_cost
        increment: increment_s
        included: included_seconds
"""

pytestmark = pytest.mark.samples


@pytest.fixture(scope="module")
def deck() -> bytes:
    if not DECK.is_file():
        pytest.skip(f"samples absent: {DECK}")
    return DECK.read_bytes()


def _files(deck: bytes) -> dict[str, bytes]:
    return {
        "operator.yaml": OPERATOR,
        "tariffs/wholesale.yaml": TARIFF,
        "tariffs/decks/deck.csv": deck,
    }


def _measure(deck: bytes, answers: "multiprocessing.Queue[tuple[float, int]]") -> None:
    process = psutil.Process()
    before = process.memory_info().rss
    start = time.perf_counter()
    snapshot = read(_files(deck), {}).snapshot
    seconds = time.perf_counter() - start
    assert snapshot is not None
    answers.put((seconds, process.memory_info().rss - before))


def test_every_row_of_the_deck_is_priced_exactly(deck: bytes) -> None:
    reading = read(_files(deck), {})
    assert reading.problems == []
    assert reading.snapshot is not None
    tariff = reading.snapshot.tariffs["wholesale"]
    assert tariff.prefixes.height == PREFIXES
    assert tariff.prefixes["zone_id"].n_unique() == 1_294
    per_minute = [price.groups[0].rates[0] * 60_000_000 for price in tariff.prices]
    written = pl.read_csv(deck, infer_schema=False).sort("prefix")
    found = tariff.prefixes.sort("prefix")
    assert found["prefix"].to_list() == written["prefix"].to_list()
    rates = [Fraction(text) for text in written["cost_per_min"].to_list()]
    assert [per_minute[number] for number in found["price_no"].to_list()] == rates


def test_it_loads_in_two_seconds_and_two_hundred_megabytes(deck: bytes) -> None:
    context = multiprocessing.get_context("spawn")
    answers = context.Queue()
    process = context.Process(target=_measure, args=(deck, answers))
    process.start()
    seconds, grown = answers.get(timeout=60)
    process.join()
    assert seconds < MOST_SECONDS
    assert grown < MOST_BYTES
