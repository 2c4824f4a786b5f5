"""The fuzzer itself: it reaches every decoder, and a defect that is planted is found at once."""

import json
import os
import subprocess
import sys
from pathlib import Path
from random import Random

import pytest

from tallywire.mediation.decoders import DECODERS
from tests.fuzz.__main__ import Outcome, judged, told
from tests.fuzz.one import MOST_GROWTH_MB
from tests.fuzz.pieces import unpacked
from tests.fuzz.targets import READERS, TARGETS, named
from tests.laws.feeds import SNAPSHOT, VALID

PLANTED = """
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import polars as pl

from tallywire.mediation.decoders import DECODERS, declared
from tests.fuzz.one import fuzz
from tests.fuzz.targets import decoder


def raises(frames, feed):
    if any(b"null" in piece for piece in frames.slices()):
        raise KeyError("null")
    return declared.decode(frames, feed)


def depends_on_its_batch(frames, feed):
    made = declared.decode(frames, feed)
    return replace(made, frame=made.frame.with_columns(pl.lit(str(len(frames) > 200)).alias("customer")))


def loses_a_byte(frames, feed):
    return declared.decode(replace(frames, lengths=np.maximum(frames.lengths - (frames.lengths > 70), 1)), feed)


fuzz(decoder("declared_delimited", globals()[sys.argv[2]]), 512, Path(sys.argv[1]), "-seed=1", "-rss_limit_mb=0")
"""
"""Without a limit of memory: the peak of a process begins with that of whoever started it."""


@pytest.mark.parametrize(
    ("defect", "word"),
    [
        ("raises", "KeyError"),
        ("loses_a_byte", "AssertionError"),
        ("depends_on_its_batch", "customer"),
    ],
)
def test_a_planted_defect_is_found_in_512_inputs(defect: str, word: str, tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", PLANTED, str(tmp_path), defect],
        env={**os.environ, "POLARS_MAX_THREADS": "1"}, stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 77, done.stdout[-3_000:]
    assert word in done.stdout
    found = [*tmp_path.glob("found-*")]
    assert len(found) == 1
    kept = unpacked(found[0].read_bytes())
    assert 1 < len(kept) <= (2 if defect != "depends_on_its_batch" else 257)


def test_every_format_is_reached() -> None:
    formats = {SNAPSHOT.feeds[one.feed_id].format for one in VALID.values()}
    assert formats == set(DECODERS)
    assert len(TARGETS) == len(READERS) + len(VALID)
    for group in ("ber", "radius", "diameter", "delimited", "fixed", "json", "xml", *DECODERS):
        assert named([group]), group
    assert named([]) == [*TARGETS]
    with pytest.raises(ValueError, match="no target 'berr'"):
        named(["berr"])


@pytest.mark.parametrize("name", TARGETS)
def test_changes_of_inputs_are_many_and_of_one_seed_the_same(name: str) -> None:
    target = TARGETS[name]
    records = [seed for seed in target.seeds if seed]
    changed = [target.mutate(record, Random(seed)) for record in records for seed in range(20)]
    assert changed == [
        target.mutate(record, Random(seed)) for record in records for seed in range(20)
    ]
    assert len(set(changed)) > 10 * len(set(records))


def test_valid_inputs_break_no_law() -> None:
    for target in TARGETS.values():
        target.check(target.seeds, True)


@pytest.mark.parametrize(
    ("figures", "code", "wrong"),
    [
        ({"inputs": 9, "warm_mb": 200, "now_mb": 210}, 0, ""),
        ({"inputs": 8, "warm_mb": 200, "now_mb": 210}, 0, "only 8 inputs of 9"),
        ({"inputs": 9, "warm_mb": 200, "now_mb": 201 + MOST_GROWTH_MB}, 0, "memory grew by 301 MB"),
        ({"inputs": 1}, 70, "a run hung"),
        ({"inputs": 1}, 71, "too much memory"),
        ({"inputs": 1}, 77, "a law is broken"),
        ({}, 1, "exit code 1"),
    ],
)
def test_what_came_of_a_target_is_judged(
    figures: dict[str, float], code: int, wrong: str, tmp_path: Path
) -> None:
    if figures:
        (tmp_path / "figures.json").write_text(json.dumps(figures))
    (tmp_path / "log").write_text("#9\tDONE   cov: 31 ft: 40 corp: 7/1Kb\n")
    found = judged("t", 9, tmp_path, code)
    assert found.covered == (31, 40, 7)
    assert found.wrong.startswith(wrong)
    assert bool(found.wrong) == bool(wrong)


def test_the_table_has_a_line_for_each_target() -> None:
    outcomes = [
        Outcome("one", "", {"inputs": 5, "seconds": 2.0}, (1, 2, 3)),
        Outcome("two", "x", {}, (0, 0, 0)),
    ]
    assert told(outcomes).row_count == 2
