"""What the columns of a price list mean, as said by the person who imports it."""

import re
from collections.abc import Iterator, Mapping
from typing import Literal

from pydantic import ValidationError

from schemas.services import UNIT_OF_SERVICE, Service
from tallywire.catalog.models_terms import Entry
from tallywire.catalog.pricing import in_units
from tallywire.catalog.sources import model_problems
from tallywire.catalog.values import Day, Id, Scale, Size, Whole, Words, YesNo
from tallywire.catalog.yaml_text import Tree, read_yaml

STEPS = re.compile(r"([0-9]{1,9})\s*[/+]\s*([0-9]{1,9})")
"""Increments as price lists write them: 60/60, 1+1."""

COLUMNS = (
    "prefix", "rate", "destination", "country_code", "connect_fee", "minimum_charge", "increment",
    "initial", "subsequent", "included", "valid_from", "valid_to",
)  # fmt: skip


class ListMapping(Entry):
    """Columns of a price list by name, and what holds for all of its rows.

    Attributes:
        increment: A column, or increments of all rows such as `60/60`.
        country_code: A column; the cells of `prefix` are then area codes after it.
        valid_to_included: The last date is one on which the price still holds.
    """

    prefix: Words
    rate: Words
    destination: Words | None = None
    country_code: Words | None = None
    connect_fee: Words | None = None
    minimum_charge: Words | None = None
    increment: Words | None = None
    initial: Words | None = None
    subsequent: Words | None = None
    included: Words | None = None
    valid_from: Words | None = None
    valid_to: Words | None = None
    valid_to_included: YesNo = False
    date_format: Words = "%Y-%m-%d"
    decimal: Literal["point", "comma"] = "point"
    separator: Literal[",", ";", "|", "tab"] = ","
    skip_lines: Whole = 0
    service: Service = Service.VOICE
    per: Words = "1 min"
    rounding: Literal["up", "down", "half_up", "half_even"] = "half_up"
    decimals: Scale = 6
    id: Id = "price_list"
    start: Words | None = None

    @property
    def steps(self) -> tuple[int, int] | None:
        """Increments of all rows, where they are no column."""
        found = STEPS.fullmatch(self.increment or "")
        return (int(found[1]), int(found[2])) if found else None

    def columns(self) -> dict[str, str]:
        """Give our name of each mapped column to the list's own name."""
        found = {name: getattr(self, name) for name in COLUMNS if getattr(self, name) is not None}
        if self.steps is not None:
            del found["increment"]
        return found


class _Checked(Entry):
    """Values that are kept as text and must be readable."""

    per: Size
    start: Day | None = None


class MappingFault(ValueError):  # noqa: N818  it says what is the case
    """The mapping cannot be used: every fault, one a line."""


def _faults(mapping: ListMapping) -> Iterator[str]:
    increments = [name for name in ("increment", "initial") if getattr(mapping, name)]
    if len(increments) != 1:
        yield "increment: say one column or 60/60, or initial and subsequent, not both"
    if (mapping.initial is None) != (mapping.subsequent is None):
        yield "initial and subsequent belong together; say both"
    if mapping.steps is not None and not all(mapping.steps):
        yield "increment: steps must be greater than 0"
    try:
        checked = _Checked(per=mapping.per, start=mapping.start)
        unit = UNIT_OF_SERVICE[mapping.service]
        if not in_units(checked.per, unit):
            counts = f"{unit}s, in which {mapping.service} counts"
            yield f"per: {mapping.per!r} is not more than 0 {counts}"
    except ValidationError as error:
        for one in error.errors(include_url=False):
            yield f"{one['loc'][0]}: {str(one['msg']).removeprefix('Value error, ')}"


def mapping_of(said: Mapping[str, str]) -> ListMapping:
    """Make a mapping of what was said by key.

    Raises:
        MappingFault: With every fault.
    """
    try:
        mapping = ListMapping.model_validate(dict(said))
    except ValidationError as error:
        lines = []
        for one in error.errors(include_url=False):
            name = ".".join(str(step) for step in one["loc"])
            words = "is missing; say it" if one["type"] == "missing" else str(one["msg"])
            lines.append(f"{name}: {words.removeprefix('Value error, ')}")
        raise MappingFault("\n".join(lines)) from error
    faults = list(_faults(mapping))
    if faults:
        raise MappingFault("\n".join(faults))
    return mapping


def mapping_file(name: str, data: bytes) -> dict[str, str]:
    """Read a mapping file: keys and plain values.

    Raises:
        MappingFault: If it is no such file, or has a key that there is not.
    """
    document, problems = read_yaml(name, data)
    tree: Tree = document.tree if document else {}
    if problems or document is None or not isinstance(tree, dict):
        raise MappingFault("\n".join(str(one) for one in problems) or f"{name}: not a mapping")
    found = {key: value for key, value in tree.items() if isinstance(value, str)}
    try:
        ListMapping.model_validate({"prefix": "-", "rate": "-", **tree})
    except ValidationError as error:
        wrong = model_problems(ListMapping, error, name, document, ())
        raise MappingFault("\n".join(str(one) for one in wrong)) from error
    return found
