"""Reading a list of test calls: what was called when, for how long, and what it must cost."""

import csv
import io
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from fractions import Fraction
from zoneinfo import ZoneInfo

COLUMNS = ("a_number", "b_number", "start", "seconds", "amount", "currency", "within")
"""Columns that a list must have."""
_SECOND = 1_000_000
_DECIMALS = 10**9


@dataclass(frozen=True)
class TestCall:
    """A call that was made.

    Attributes:
        line: Its number in the file, from 1.
        amount: What it must cost, in `currency`.
        within_us: How soon after its end it must be charged.
    """

    __test__ = False  # no test of ours

    line: int
    a_number: str
    b_number: str
    start_us: int
    duration_us: int
    amount: Fraction
    currency: str
    within_us: int

    @property
    def due_us(self) -> int:
        """The instant by which it must be charged."""
        return self.start_us + self.duration_us + self.within_us


def read_calls(text: str, zone: str) -> tuple[list[TestCall], list[str]]:
    """Read a list; give its calls, and what is wrong with other lines.

    Args:
        text: CSV with the head `a_number,b_number,start,seconds,amount,currency,within`.
        zone: IANA zone of starts that name no offset.
    """
    rows = csv.DictReader(io.StringIO(text))
    missing = [name for name in COLUMNS if name not in (rows.fieldnames or ())]
    if missing:
        return [], [f"line 1: the columns {', '.join(missing)} are missing"]
    calls: list[TestCall] = []
    problems, lines = [], dict[tuple[str, str, int], int]()
    for number, row in enumerate(rows, start=2):
        try:
            call = _call(number, row, ZoneInfo(zone))
        except (ValueError, ZeroDivisionError) as error:
            problems.append(f"line {number}: {error}")
            continue
        key = call.a_number, call.b_number, call.start_us
        if key in lines:
            problems.append(f"line {number}: the same call as line {lines[key]}")
        else:
            lines[key] = number
            calls.append(call)
    return calls, problems


def _call(line: int, row: Mapping[str, str | None], zone: ZoneInfo) -> TestCall:
    said = {name: (row.get(name) or "").strip() for name in COLUMNS}
    empty = [name for name, value in said.items() if not value]
    if empty:
        msg = f"{', '.join(empty)} must be given"
        raise ValueError(msg)
    return TestCall(
        line, _number(said, "a_number"), _number(said, "b_number"), _instant(said["start"], zone),
        _micros(said, "seconds"), _amount(said["amount"]), said["currency"],
        _micros(said, "within"),
    )  # fmt: skip


def _number(said: Mapping[str, str], name: str) -> str:
    text = said[name].removeprefix("+")
    if not (text.isascii() and text.isdigit()):
        msg = f"{name} {said[name]!r} is no number; write digits, with the country code"
        raise ValueError(msg)
    return text


def _instant(text: str, zone: ZoneInfo) -> int:
    moment = datetime.fromisoformat(text)
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=zone)
    whole = moment.replace(microsecond=0)
    return int(whole.timestamp()) * _SECOND + moment.microsecond


def _micros(said: Mapping[str, str], name: str) -> int:
    micros = _plain(said[name], name) * _SECOND
    if micros.denominator != 1:
        msg = f"{name} {said[name]!r} is finer than a millionth of a second"
        raise ValueError(msg)
    return micros.numerator


def _amount(text: str) -> Fraction:
    amount = _plain(text, "amount")
    if (amount * _DECIMALS).denominator != 1:
        msg = f"amount {text!r} has more than nine decimals"
        raise ValueError(msg)
    return amount


def _plain(text: str, name: str) -> Fraction:
    try:
        value = Fraction(text)
    except ValueError:
        msg = f"{name} {text!r} is no number"
        raise ValueError(msg) from None
    if value < 0:
        msg = f"{name} {text} is below nothing"
        raise ValueError(msg)
    return value
