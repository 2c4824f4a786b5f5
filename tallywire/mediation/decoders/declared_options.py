"""Options of the declared format: where the fields of a record stand, and what they mean."""

import itertools
import re
from collections.abc import Iterator
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

from schemas.services import Direction, Service
from tallywire.mediation import values
from tallywire.mediation.patience import OfSessions

Layout = Literal["delimited", "fixed", "json", "xml"]
TextField = Literal[
    "a_raw", "b_raw", "c_raw", "user_name", "customer", "account_code", "partner", "imsi", "imei",
    "ip", "cause", "serving_plmn", "cell_id", "apn", "rat", "trunk_in", "trunk_out", "session_key",
    "linked_id", "usage_type", "service", "direction", "source_currency", "node",
]  # fmt: skip
NumberField = Literal[
    "quantity", "up_octets", "down_octets", "cause_q850", "partial_no", "node_sequence"
]
AttributeName = Annotated[str, Field(pattern=values.ATTRIBUTE_NAME)]
UnitName = Literal[
    "count", "octets", "kilooctets", "megaoctets", "gigaoctets", "kibioctets", "mebioctets",
    "gibioctets", "hours", "minutes", "seconds", "milliseconds", "microseconds",
]  # fmt: skip
TimeUnitName = Literal["hours", "minutes", "seconds", "milliseconds", "microseconds"]
_WHERE = {"delimited": ("column", "name"), "fixed": ("at",), "json": ("path",), "xml": ("path",)}
_JSON_PATH = re.compile(r"[^.]+(\.[^.]+)*")
_XML_PATH = re.compile(r"(?:[A-Za-z_][\w.:-]*/)*@?[A-Za-z_][\w.:-]*")
_XML_NAME = r"^([A-Za-z_][\w.:-]*)?$"
_NAMED_PATTERNS = ("rfc3339", *(f"epoch_{unit}" for unit in values.EPOCH_UNITS))
_OF_LINES = (
    "header", "trailer", "record_starts_with", "columns", "header_lines", "quoted", "separator",
)  # fmt: skip


class Strict(BaseModel):
    """Unknown keys are refused."""

    model_config = ConfigDict(extra="forbid")


class Place(Strict):
    """Where a field stands.

    Attributes:
        column: Of a delimited line, counted from 1.
        name: Of a delimited line: the column to which the file's first line gives this name.
        at: Of a fixed line: offset, counted from 0, and length, both in characters.
        path: Of an object: names joined by dots; of an element: names joined by slashes, a last
            one with `@` an attribute.
        values: Texts that stand for others.
    """

    column: int | None = Field(default=None, ge=1, le=256)
    name: str | None = Field(default=None, min_length=1)
    at: tuple[int, int] | None = None
    path: str | None = Field(default=None, min_length=1)
    values: dict[str, str] = {}

    @property
    def way(self) -> str:
        """Name the way in which the place is given."""
        return next(
            way for way in ("column", "name", "at", "path") if getattr(self, way) is not None
        )

    @model_validator(mode="after")
    def _one(self) -> "Place":
        given = [way for way in (self.column, self.name, self.at, self.path) if way is not None]
        if len(given) != 1:
            msg = "give one of `column`, `name`, `at: [offset, length]` and `path`"
            raise ValueError(msg)
        return self


class TimePlace(Place):
    """Where a time stands and how it is written: strftime pattern, `rfc3339` or an epoch."""

    pattern: str = "%Y-%m-%d %H:%M:%S"

    @model_validator(mode="after")
    def _of_a_time(self) -> "TimePlace":
        if self.pattern not in _NAMED_PATTERNS and not values.reads_times(self.pattern):
            msg = (
                f"`{self.pattern}` reads no date and time: give a strftime pattern of a time "
                f"without zone, or one of {', '.join(_NAMED_PATTERNS)}"
            )
            raise ValueError(msg)
        return self


class Amount(Place):
    """Where a number stands and what it counts; without `unit`, octets or pieces."""

    unit: UnitName | None = None


class Duration(Amount):
    """Where a time stands that something lasted, and in what it is measured."""

    unit: TimeUnitName


class Condition(Strict):
    """A field equals one of some texts."""

    field: Place
    equals: list[str] = Field(min_length=1)


class Header(Strict):
    """Lines that begin a file."""

    starts_with: str
    sequence: Place | None = None


class Trailer(Strict):
    """Lines that end a file.

    Attributes:
        total: Hash total over `duration` or `quantity`, in `total_unit`.
    """

    starts_with: str
    sequence: Place | None = None
    records: Place | None = None
    total: Place | None = None
    total_of: Literal["duration", "quantity"] = "duration"
    total_unit: Literal["count", "octets", "seconds", "milliseconds", "microseconds"] = "seconds"


class Partials(Strict):
    """Which records are parts of a session, and which are its first and last.

    Attributes:
        join: `sum`: parts are added up and charged once; `span`: usage lasts from the first part to
            the last; `none`: each is charged by itself, and the numbers of a session must be whole.
    """

    part: Condition
    first: Condition | None = None
    last: Condition | None = None
    join: Literal["sum", "span", "none"] = "sum"

    @model_validator(mode="after")
    def _both_ends(self) -> "Partials":
        if self.join == "span" and (self.first is None or self.last is None):
            msg = "usage that spans from one record to another needs `first` and `last`"
            raise ValueError(msg)
        return self


class DeclaredOptions(OfSessions, Strict):
    """Options of a declared feed.

    Attributes:
        records: Of `json`: objects are `lines`, or elements of an `array` in a document.
        records_at: Names, joined by dots, that lead to that array; none where it is the document.
        element: Of `xml`: name of the elements that are records, with its prefix if it has one.
    """

    layout: Layout
    separator: str = Field(default=",", min_length=1, max_length=1)
    quoted: bool = False
    columns: int | None = Field(default=None, ge=1, le=256)
    encoding: Literal["utf-8", "latin-1"] = "utf-8"
    header_lines: int = Field(default=0, ge=0, le=10)
    header: Header | None = None
    trailer: Trailer | None = None
    record_starts_with: str = ""
    records: Literal["lines", "array"] = "lines"
    records_at: str = ""
    element: str = Field(default="", pattern=_XML_NAME)
    key: list[Place] = Field(min_length=1)
    start: TimePlace
    setup: TimePlace | None = None
    end: TimePlace | None = None
    duration: Duration | None = None
    quantity: Amount | None = None
    texts: dict[TextField, Place] = {}
    numbers: dict[NumberField, Place] = {}
    attributes: dict[AttributeName, Place] = {}
    source_amount: Place | None = None
    service: Service | None = None
    direction: Direction = Direction.MO
    constants: dict[TextField, str] = {}
    keep_only: list[Condition] = []
    partials: Partials | None = None

    def places(self) -> Iterator[Place]:
        """Give every place of a record's field."""
        single = (
            self.start,
            self.setup,
            self.end,
            self.duration,
            self.quantity,
            self.source_amount,
        )
        yield from self.key
        yield from (place for place in single if place is not None)
        for named in (self.texts, self.numbers, self.attributes):
            yield from named.values()
        conditions = list(self.keep_only)
        if self.partials is not None:
            parts = (self.partials.part, self.partials.first, self.partials.last)
            conditions += [part for part in parts if part is not None]
        yield from (condition.field for condition in conditions)

    @model_validator(mode="after")
    def _of_one_layout(self) -> "DeclaredOptions":
        ways = _WHERE[self.layout]
        for place in self.places():
            if place.way not in ways:
                wanted = " or ".join(f"`{way}`" for way in ways)
                msg = f"a field of a {self.layout} record stands at a {wanted}, not `{place.way}`"
                raise ValueError(msg)
        if any(place.name for place in self.places()) and not self.header_lines:
            msg = "columns have names only where `header_lines` says that the first line gives them"
            raise ValueError(msg)
        if self.layout in {"json", "xml"} and (given := set(_OF_LINES) & self.model_fields_set):
            msg = f"`{min(given)}` is an option of lines, not of {self.layout}"
            raise ValueError(msg)
        if (self.layout == "xml") != bool(self.element):
            msg = "`element` names the records of the layout `xml`, and only of that"
            raise ValueError(msg)
        if self.layout != "json" and {"records", "records_at"} & self.model_fields_set:
            msg = "`records` and `records_at` are options of the layout `json`"
            raise ValueError(msg)
        return self

    @model_validator(mode="after")
    def _with_good_parts(self) -> "DeclaredOptions":
        join = self.partials.join if self.partials else "sum"
        if join == "none" and "partial_no" not in self.numbers:
            msg = "parts that are charged by themselves need their number: `numbers.partial_no`"
            raise ValueError(msg)
        if join == "span" and (self.quantity or self.duration or self.end):
            msg = (
                "usage that spans from one record to another lasts as long as that: "
                "it has no `quantity`, `duration` or `end`"
            )
            raise ValueError(msg)
        if join != "sum" and "session_key" not in {*self.texts, *self.constants}:
            msg = f"parts that are joined by `{join}` need their session: `texts.session_key`"
            raise ValueError(msg)
        return self

    @model_validator(mode="after")
    def _with_good_paths(self) -> "DeclaredOptions":
        shape = _XML_PATH if self.layout == "xml" else _JSON_PATH
        for place in self.places():
            if place.path and not shape.fullmatch(place.path):
                msg = f"`{place.path}` is no path in {self.layout}"
                raise ValueError(msg)
        if self.layout == "xml":
            return self
        paths = sorted({f"{place.path}." for place in self.places() if place.path})
        for path, below in itertools.pairwise(paths):
            if below.startswith(path):
                msg = f"`{below[:-1]}` lies below `{path[:-1]}`, which is read as a value"
                raise ValueError(msg)
        return self
