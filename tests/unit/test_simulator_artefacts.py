"""Nothing that is only ours tells copies from other records: two thresholds are searched for that do."""

import re
from itertools import product

import numpy as np
import numpy.typing as npt
import pytest

from tests.simulated import SMALL, made

Floats = npt.NDArray[np.float64]
Flags = npt.NDArray[np.bool_]
LIMIT = 0.85
"""Labels dealt out at random reach some .66, for so few copies are easily told apart by chance."""


def _thresholds(values: Floats) -> list[float]:
    found = np.unique(np.quantile(values, np.linspace(0.05, 0.95, 13)))
    return [float(one) for one in found]


def _auc(scores: Floats, positive: Flags) -> float:
    """Give the chance that a positive scores more than a negative; ties are halves."""
    more = 0.0
    yes, no = scores[positive], np.sort(scores[~positive])
    for score in yes:
        less, upto = np.searchsorted(no, score, "left"), np.searchsorted(no, score, "right")
        more += (less + (upto - less) / 2) / len(no)
    return more / len(yes)


def _gini(positive: Flags) -> float:
    share = float(positive.mean()) if len(positive) else 0.0
    return len(positive) * share * (1 - share)


def _best(features: Floats, positive: Flags) -> tuple[int, float] | None:
    """Find the feature and the threshold after which both sides are purest."""
    found, least = None, _gini(positive)
    for column in range(features.shape[1]):
        for threshold in _thresholds(features[:, column]):
            low = features[:, column] <= threshold
            rest = _gini(positive[low]) + _gini(positive[~low])
            if rest < least - 1e-9:
                found, least = (column, threshold), rest
    return found


def best_auc(features: Floats, positive: Flags) -> float:
    """Give the best that any first threshold and the best second one on each side tell apart."""
    best = 0.5
    weights = np.where(positive, (~positive).sum() / positive.sum(), 1.0)
    for column in range(features.shape[1]):
        for threshold in _thresholds(features[:, column]):
            low = features[:, column] <= threshold
            scores = np.zeros(len(positive))
            for side in (low, ~low):
                if not side.any():
                    continue
                second = _best(features[side], positive[side])
                leaf = side.copy()
                if second is not None:
                    leaf &= features[:, second[0]] <= second[1]
                for part in (leaf, side & ~leaf):
                    if part.any():
                        scores[part] = (weights * positive)[part].sum() / weights[part].sum()
            best = max(best, _auc(scores, positive))
    return best


def _digits(text: str) -> list[float]:
    digits = [int(one, 36) for one in re.sub(r"[^0-9a-z]", "", text.lower())] or [0]
    return [digits[0], digits[-1], digits[len(digits) // 2], float(len(text))]


def _switch_lines() -> tuple[Floats, dict[tuple[str, str], list[int]]]:
    """Read what is raw of each record of the switch: ids, digits, places, names; and where it is."""
    rows: list[list[float]] = []
    places: dict[tuple[str, str], list[int]] = {}
    for order, path in enumerate(made(SMALL).usage("switch")):
        lines = [line for line in path.read_text().splitlines() if line.count(";") == 10]
        for place, line in enumerate(lines):
            _, node, record, call, caller, called, start, seconds, trunk, *_ = line.split(";")
            row = [float(order), float(path.stem[-2:]), place / len(lines), float(place), len(line)]
            row += [
                float(node[2:]),
                float(record),
                *_digits(record),
                *_digits(call),
                *_digits(caller),
            ]
            row += [*_digits(called), float(start[-2:]), float(start[-4:-2]), float(start[-6:-4])]
            row += [float(seconds[-1]), float(len(trunk))]
            places.setdefault((node, record), []).append(len(rows))
            rows.append(row)
    return np.array(rows), places


@pytest.fixture(scope="module")
def read() -> tuple[Floats, dict[tuple[str, str], list[int]]]:
    return _switch_lines()


@pytest.mark.parametrize("family", ["near_duplicate", "exact_duplicate"])
def test_two_thresholds_do_not_tell_copies_from_other_records(
    family: str, read: tuple[Floats, dict[tuple[str, str], list[int]]]
) -> None:
    features, places = read
    positive = np.zeros(len(features), dtype=bool)
    for row in made(SMALL).records:
        if row["feed"] == "switch" and row["class"] == family and row["written"]:
            found = places.get((row["keys"]["node"], row["keys"]["record"]), [])
            positive[found[-1:]] = True
    assert positive.sum() >= 20
    # a third of the others is enough to compare with
    kept = positive | (np.arange(len(positive)) % 3 == 0)
    assert best_auc(features[kept], positive[kept]) < LIMIT


def test_the_search_finds_what_two_thresholds_tell(
    read: tuple[Floats, dict[tuple[str, str], list[int]]],
) -> None:
    features, _ = read
    planted = (features[:, 0] <= np.median(features[:, 0])) & (features[:, 2] > 0.5)
    assert best_auc(features[::4], planted[::4]) > LIMIT
    both = np.array(list(product([0.0, 1.0], repeat=2)) * 20)
    assert best_auc(both, (both[:, 0] > 0) != (both[:, 1] > 0)) == 1
