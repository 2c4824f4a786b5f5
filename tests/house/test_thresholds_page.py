"""Every threshold is written down as it is."""

from pathlib import Path

import pytest

from assurance.following.thresholds import Thresholds, knobs

PAGE = Path(__file__).resolve().parents[2] / "docs/guides/tune-thresholds.md"


@pytest.mark.parametrize("name", knobs())
def test_a_threshold_stands_on_its_page(name: str) -> None:
    (line,) = [one for one in PAGE.read_text().splitlines() if one.startswith(f"| `{name}` |")]
    _, _, default, bounds, stricter, *_ = (cell.strip() for cell in line.split("|"))
    assert default == str(Thresholds().values()[name])
    assert stricter == knobs()[name].stricter
    least, _, most = bounds.partition(",")[0].partition(" to ")
    for value in (int(least), int(most)):
        Thresholds().with_value(name, value)
    for value in (int(least) - 1, int(most) + 1):
        with pytest.raises(ValueError, match=name.rpartition(".")[2]):
            Thresholds().with_value(name, value)
