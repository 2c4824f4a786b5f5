"""Parameters of a run: those that are documented in `default.toml`, or a file of one's own over them."""

import json
import tomllib
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

from benchmarks.simulator.clock import Run

DEFAULTS = Path(__file__).with_name("default.toml")


class WrongParametersError(ValueError):
    """A parameter is not known, or is no such value; the message says which."""


@dataclass(frozen=True, slots=True)
class FeedShape:
    """How a feed works: elements, hours a file is open, events by thousandths, delay and grace."""

    nodes: int
    period_hours: int
    rate: int
    late_s: int
    grace_s: int


@dataclass(frozen=True, slots=True)
class Parameters:
    """Everything that a run depends on, besides its seed."""

    run: Run
    subscribers: int
    plans: int
    carriers: int
    change_day: int
    spike_day: int
    hard_negatives: bool
    classes: dict[str, int]
    feeds: dict[str, FeedShape]
    faults: dict[str, int]
    text: str

    def count(self, family: str) -> int:
        """How many faults of a family are wanted: none in a null run."""
        return self.faults.get(family, 0)


def read(path: Path | None) -> Parameters:
    """Read a file of parameters over the defaults.

    Raises:
        WrongParametersError: If a key is not known, a value of another kind, or the file no TOML.
    """
    content: dict[str, Any] = tomllib.loads(DEFAULTS.read_text())
    if path is not None:
        try:
            own = tomllib.loads(path.read_text())
        except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as wrong:
            msg = f"{path}: {wrong}; give a TOML file like {DEFAULTS.name}"
            raise WrongParametersError(msg) from wrong
        _lay_over(content, own, str(path))
    return _made(content)


def _lay_over(content: dict[str, Any], own: dict[str, Any], place: str) -> None:
    for key, value in own.items():
        if key not in content:
            msg = f"{place}: {key}: not known; use one of {', '.join(sorted(content))}"
            raise WrongParametersError(msg)
        if type(content[key]) is not type(value):
            msg = f"{place}: {key}: {value!r} is no {type(content[key]).__name__}"
            raise WrongParametersError(msg)
        if isinstance(value, dict):
            _lay_over(content[key], value, f"{place}: {key}")
        else:
            content[key] = value


def _made(content: dict[str, Any]) -> Parameters:
    run = content["run"]
    for name, least, most in (
        ("days", 2, 400), ("subscribers", 60, 500_000), ("plans", 2, 40), ("carriers", 1, 8),
    ):  # fmt: skip
        if not least <= run[name] <= most:
            msg = f"run: {name}: {run[name]} is not between {least} and {most}"
            raise WrongParametersError(msg)
    if sum(content["classes"].values()) != 1000 or min(content["classes"].values()) < 0:
        msg = "classes: they are of a thousand, and must add up to 1000"
        raise WrongParametersError(msg)
    for name, count in content["faults"].items():
        if count < 0:
            msg = f"faults: {name}: {count} is less than nothing; write 0 for none"
            raise WrongParametersError(msg)
    for name, shape in content["feeds"].items():
        if shape["nodes"] < 1 or 24 % shape["period_hours"] or min(shape.values()) < 0:
            msg = f"feeds: {name}: nodes must be 1 or more, and period_hours divide 24"
            raise WrongParametersError(msg)
    return Parameters(
        run=Run(_day(run["first"]), run["days"]),
        subscribers=run["subscribers"], plans=run["plans"], carriers=run["carriers"],
        change_day=run["change_day"], spike_day=run["spike_day"],
        hard_negatives=run["hard_negatives"], classes=content["classes"],
        feeds={name: FeedShape(**shape) for name, shape in content["feeds"].items()},
        faults=content["faults"] if run["injections"] else {},
        text=json.dumps(content, sort_keys=True),
    )  # fmt: skip


def _day(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        msg = f"run: first: {text!r} is no date; write it as 2026-10-12"
        raise WrongParametersError(msg) from None
