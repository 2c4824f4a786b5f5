"""A backtest as a picture: revenue by service, and how far the totals of accounts move."""

import io
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import polars as pl

from cli.backtest_report import Frames, signed
from cli.printed import money
from dataflows.files import write_atomic
from tallywire.rating.shock import BUCKETS

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_NOW, _DRAFT, _FALL, _RISE, _SAME = "#9aa5b1", "#2f5d8a", "#3c8d5a", "#b5533c", "#9aa5b1"
_WIDTH, _HEIGHT = 12.0, 4.6
"""Inches of one currency's row."""


def _bare(axes: "Axes") -> None:
    for side in ("top", "right", "bottom"):
        axes.spines[side].set_visible(False)
    axes.tick_params(bottom=False, labelbottom=False, left=False)


def _lengths(frame: pl.DataFrame, name: str) -> list[float]:
    """Give the lengths of bars: for the eye; the numbers beside them are exact."""
    return [float(value) for value in frame[name]]


def _services(axes: "Axes", frame: pl.DataFrame, currency: str) -> None:
    places = list(range(frame.height))
    now, draft = _lengths(frame, "now"), _lengths(frame, "draft")
    axes.barh([one - 0.18 for one in places], now, 0.34, color=_NOW, label="now")
    axes.barh([one + 0.18 for one in places], draft, 0.34, color=_DRAFT, label="draft")
    longest = max([*now, *draft, 0.0]) or 1.0
    words = frame.select("now", "draft", "percent").iter_rows()
    for place, (before, after, percent) in enumerate(words):
        change = f" ({signed(percent)} %)" if percent is not None else ""
        text = money(before) if before == after else f"{money(before)} → {money(after)}{change}"
        end = max(now[place], draft[place]) + longest * 0.02
        axes.text(end, place, text, va="center", fontsize=8)
    axes.set_yticks(places, frame["service"].to_list())
    axes.set_xlim(0, longest * 1.75)
    axes.invert_yaxis()
    axes.set_title(f"Revenue by service, {currency}", loc="left", fontsize=10)
    axes.legend(frameon=False, loc="lower right", fontsize=8)
    _bare(axes)


def _shock(axes: "Axes", frame: pl.DataFrame, currency: str) -> None:
    counts = frame["accounts"].to_list()
    middle = BUCKETS.index("unchanged")
    colours = [
        _FALL if number < middle else _SAME if number == middle else _RISE
        for number in range(len(BUCKETS))
    ]
    places = list(range(len(BUCKETS)))
    axes.barh(places, counts, 0.7, color=colours)
    longest = max([*counts, 0]) or 1
    rows = zip(counts, frame["difference"], strict=True)
    for place, (count, difference) in enumerate(rows):
        if count:
            text = f"{count:,} ({signed(difference)} {currency})"
            axes.text(count + longest * 0.02, place, text, va="center", fontsize=8)
    axes.set_yticks(places, frame["bucket"].to_list())
    axes.set_xlim(0, longest * 1.6)
    axes.invert_yaxis()
    axes.set_title("Accounts by the change of their total", loc="left", fontsize=10)
    _bare(axes)


def figure(found: Frames, title: str) -> "Figure":
    """Draw a backtest, one row for each currency.

    Raises:
        ImportError: If matplotlib is not installed.
    """
    from matplotlib.figure import Figure  # noqa: PLC0415  slow, and only pictures need it

    currencies: Sequence[str] = found["services"]["currency"].unique().sort().to_list()
    height = _HEIGHT * max(len(currencies), 1)
    made = Figure(figsize=(_WIDTH, height), layout="constrained")
    made.suptitle(title, fontsize=12, x=0.01, ha="left")
    panels = made.subplots(max(len(currencies), 1), 2, squeeze=False)
    for row, currency in zip(panels, currencies, strict=False):
        here = pl.col("currency") == currency
        _services(row[0], found["services"].filter(here), currency)
        _shock(row[1], found["bill_shock"].filter(here), currency)
    return made


def write_picture(found: Frames, title: str, path: Path) -> None:
    """Write a backtest as SVG; the same backtest gives the same bytes.

    Raises:
        ImportError: If matplotlib is not installed.
        OSError: If the file cannot be written.
    """
    import matplotlib as mpl  # noqa: PLC0415  slow, and only pictures need it

    drawn = io.BytesIO()
    with mpl.rc_context({"svg.hashsalt": "tallywire", "svg.fonttype": "none"}):
        figure(found, title).savefig(drawn, format="svg", metadata={"Date": None})
    write_atomic(path, drawn.getvalue())
