"""How the lines of a bill are written: a small declarative map, or the product's own names."""

from pathlib import Path
from typing import Literal

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from schemas.services import Service
from tallywire.mediation.decoders.declared_options import UnitName

Field_ = Literal[
    "key", "account", "calling", "called", "service", "start", "quantity", "unit", "amount",
    "currency", "invoice",
]  # fmt: skip
FIELDS: tuple[Field_, ...] = (
    "key", "account", "calling", "called", "service", "start", "quantity", "unit", "amount",
    "currency", "invoice",
)  # fmt: skip
REQUIRED: tuple[Field_, ...] = ("start", "amount")


class BillMapWrong(ValueError):  # noqa: N818  it says what is the case
    """A map or a bill cannot be understood: what, where, what to do."""


class BillMap(BaseModel):
    """How a bill is written.

    Attributes:
        columns: Field to the name of its column in the first line.
        constants: Field to what all lines have.
        separator: Between columns.
        encoding: Of the file.
        start: strftime pattern of a time without zone, `rfc3339`, or an epoch.
        zone: IANA zone of times that say none; the catalogue's without it.
        decimal: Between whole and part of numbers.
        services: Text of the bill to service.
        units: Text of the bill to unit.
        units_by_service: Unit of quantities of lines that name none.
        numbers: Numbers stand in full, with their country, or as they are dialled from home.
        party: Whether lines are found by `account` or by `calling` number.
        account_identifier: The account column holds identifiers of this type, such as `customer`.
        key_in_usage: Field of usage that equals the key of the bill.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    columns: dict[Field_, str] = Field(default_factory=dict)
    constants: dict[Field_, str] = Field(default_factory=dict)
    separator: str = Field(default=",", min_length=1, max_length=1)
    encoding: Literal["utf-8", "latin-1"] = "utf-8"
    start: str = "rfc3339"
    zone: str = ""
    decimal: Literal[".", ","] = "."
    services: dict[str, Service] = Field(default_factory=dict)
    units: dict[str, UnitName] = Field(default_factory=dict)
    units_by_service: dict[Service, UnitName] = Field(default_factory=dict)
    numbers: Literal["e164", "dialled"] = "e164"
    party: Literal["account", "calling"] = "account"
    account_identifier: str = ""
    key_in_usage: str = Field(default="session_id", pattern=r"^(attributes\.)?[A-Za-z_0-9]+$")

    @model_validator(mode="after")
    def _enough(self) -> "BillMap":
        given = {*self.columns, *self.constants}
        lacking = [name for name in (*REQUIRED, self.party) if name not in given]
        if lacking:
            msg = f"name the column of {', '.join(lacking)} under `columns`"
            raise ValueError(msg)
        return self

    def has(self, field: Field_) -> bool:
        """Tell whether lines say this of themselves."""
        return field in self.columns or field in self.constants


def default_map(header: list[str]) -> BillMap:
    """Read a bill whose columns have the product's own names.

    Raises:
        BillMapWrong: If it has not those that are needed.
    """
    columns = {name: name for name in FIELDS if name in header}
    party = "account" if "account" in columns or "calling" not in columns else "calling"
    try:
        return BillMap.model_validate({"columns": columns, "party": party})
    except ValidationError as error:
        text = (
            f"its first line names no column {_first(error)}; the names are {', '.join(FIELDS)}: "
            "use them, or say with --map how the bill is written"
        )
        raise BillMapWrong(text) from error


def _first(error: ValidationError) -> str:
    text = str(error.errors()[0]["msg"])
    return text.partition("column of ")[2].partition(" under")[0]


def read_map(path: Path) -> BillMap:
    """Read a map.

    Raises:
        BillMapWrong: If it is none.
        OSError: If the file cannot be read.
    """
    try:
        content = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        text = f"{path}: it is no YAML: {str(error).splitlines()[0]}; correct it"
        raise BillMapWrong(text) from error
    if not isinstance(content, dict):
        text = f"{path}: write a mapping with `columns`, such as `columns: {{amount: Price}}`"
        raise BillMapWrong(text)
    try:
        return BillMap.model_validate(content)
    except ValidationError as error:
        wrong = [
            f"{'.'.join(str(part) for part in item['loc']) or 'map'}: {item['msg']}"
            for item in error.errors(include_url=False, include_input=False)
        ]
        raise BillMapWrong("\n".join(f"{path}: {one}" for one in wrong)) from error
