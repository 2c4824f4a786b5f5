"""A check as it is written in YAML: every scalar is text, and is converted by what it means."""

import re
from decimal import Decimal, InvalidOperation
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, model_validator

from assurance.families import Area

_ID = r"^[a-z][a-z0-9_]{0,62}$"
_TIME = re.compile(r"(\d{1,9}) ?(ms|s|min|h|d)")
_MICROS = {"ms": 1_000, "s": 10**6, "min": 60 * 10**6, "h": 3_600 * 10**6, "d": 86_400 * 10**6}


def _micros(value: object) -> object:
    """Read a length of time such as `2 s`."""
    if not isinstance(value, str):
        return value
    found = _TIME.fullmatch(value.strip())
    if found is None:
        msg = f"{value!r} is no length of time; write for example 2 s, 5 min, 1 h, 1 d"
        raise ValueError(msg)
    return int(found[1]) * _MICROS[found[2]]


Micros = Annotated[int, BeforeValidator(_micros)]


class Tolerance(BaseModel):
    """How far two values may lie apart: by a number, or by a share of the greater one."""

    model_config = ConfigDict(frozen=True)

    amount: Decimal
    percent: bool

    def allows(self, left: Decimal, right: Decimal) -> bool:
        """Tell whether two values are near enough."""
        limit = self.amount
        if self.percent:
            limit = self.amount * max(abs(left), abs(right)) / 100
        return abs(left - right) <= limit


def _tolerance(value: object) -> object:
    """Read `0.01` or `2 %`."""
    if not isinstance(value, str):
        return value
    text = value.strip()
    percent = text.endswith("%")
    try:
        amount = Decimal(text.removesuffix("%").strip())
    except InvalidOperation as error:
        msg = f"{value!r} is no tolerance; write for example 0.01 or 2 %"
        raise ValueError(msg) from error
    if not amount.is_finite() or amount < 0 or (percent and amount > 100):
        msg = f"tolerance {value!r} is out of range; write 0 or more, a share up to 100 %"
        raise ValueError(msg)
    return Tolerance(amount=amount, percent=percent)


class Part(BaseModel):
    """What all parts of a check have in common: nothing else is in them."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class SourceEntry(Part):
    """One side: files, or a question to the store.

    Attributes:
        name: What people call it: `ours`, `carrier`.
        file: CSV files, relative to the check; `*` for any part of a name.
        sql: A question to the store, asked as its reader.
    """

    name: str
    file: str = ""
    sql: str = ""

    @model_validator(mode="after")
    def _one(self) -> "SourceEntry":
        if bool(self.file) == bool(self.sql):
            msg = f"{self.name}: give either `file` or `sql`"
            raise ValueError(msg)
        return self


class KeyEntry(Part):
    """Columns by which rows of both sides belong together.

    Attributes:
        within: The one key that is a time, and how far its two values may lie apart.
        strip: Texts that are cut from the beginning of both: `+`, `00`.
    """

    left: str
    right: str
    within: Micros | None = None
    strip: tuple[str, ...] = ()


class CompareEntry(Part):
    """Columns that must agree."""

    left: str
    right: str
    tolerance: Annotated[Tolerance, BeforeValidator(_tolerance)] = Tolerance(
        amount=Decimal(0), percent=False
    )


class ExplainEntry(Part):
    """Rows that may differ, and why: `where` gives the value of each column."""

    side: Literal["left", "right"]
    where: dict[str, str]
    because: str


class MoneyEntry(Part):
    """Columns that say what a row is worth; one of them may be empty."""

    left: str = ""
    right: str = ""
    currency: str = Field(pattern=r"^[A-Z]{3}$")


class Check(Part):
    """A check.

    Attributes:
        unmatched: Which rows without a partner are findings.
        most_percent: Share of differing rows up to which nothing is found.
        every: How often it runs by itself, microseconds; by its verb alone without.
    """

    id: Annotated[str, Field(pattern=_ID)]
    title: str
    area: Area
    owner: str
    severity: Literal["info", "warning", "critical"] = "warning"
    action: str
    left: SourceEntry
    right: SourceEntry
    keys: tuple[KeyEntry, ...] = Field(min_length=1)
    compare: tuple[CompareEntry, ...] = ()
    explain: tuple[ExplainEntry, ...] = ()
    unmatched: Literal["both", "left", "right", "none"] = "both"
    money: MoneyEntry | None = None
    most_percent: Annotated[Decimal, Field(ge=0, le=100)] = Decimal(0)
    every: Annotated[Micros, Field(ge=60 * 10**6)] | None = None

    @model_validator(mode="after")
    def _keys(self) -> "Check":
        timed = [one for one in self.keys if one.within is not None]
        if len(timed) > 1:
            msg = "only one key may have `within`"
            raise ValueError(msg)
        if len(timed) == len(self.keys):
            msg = "a time alone is no key: give another one beside it"
            raise ValueError(msg)
        return self


def problems_of(errors: list[Any]) -> list[str]:
    """Tell what is wrong with a check, by its place."""
    return [
        f"{'.'.join(str(part) for part in one['loc'])}: {one['msg'].removeprefix('Value error, ')}"
        for one in errors
    ]
