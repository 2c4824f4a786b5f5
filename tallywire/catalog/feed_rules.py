"""What a feed does with records beside reading them: nodes, field maps, enrichment, filters.

Compiled, immutable; `str` of each is what a comparison of catalogues tells.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

ATTRIBUTE = "attributes."
"""Before the name of a usage attribute, where it stands for a field."""

ATTRIBUTE_PATTERN = r"attributes\.[A-Za-z][A-Za-z0-9_]{0,63}"

DECODED_FIELDS = (
    "a_raw", "account_code", "apn", "b_raw", "c_raw", "cause", "cell_id", "customer", "direction",
    "imei", "imsi", "ip", "linked_id", "node", "partner", "rat", "service", "serving_plmn",
    "source_currency", "trunk_in", "trunk_out", "usage_type", "user_name",
)  # fmt: skip
"""Text fields that every record is decoded into, and that a field map may read and fill."""

NUMBER_FIELDS = ("a_number", "b_number", "c_number")
"""E.164 digits, made of the raw numbers."""

READ_FIELDS = (*DECODED_FIELDS, *NUMBER_FIELDS, "home_plmn")
"""What look-ups and filters read."""

FILLED_FIELDS = (
    *NUMBER_FIELDS, "account_code", "apn", "cell_id", "customer", "direction", "home_plmn",
    "partner", "rat", "serving_plmn", "usage_type", "user_name",
)  # fmt: skip
"""What look-ups fill."""

MEASURES = {"duration": "duration_us", "quantity": "quantity", "up": "up_octets",
            "down": "down_octets"}  # fmt: skip
"""What filters measure, and its column."""


class Dialling(Protocol):
    """How numbers are dialled where a record was written."""

    @property
    def home_country(self) -> str:
        """E.164 country code, for example "49"."""

    @property
    def trunk_prefix(self) -> str:
        """National prefix; empty where the country has none."""

    @property
    def international_prefixes(self) -> tuple[str, ...]:
        """What is dialled before a country code."""


@dataclass(frozen=True)
class Skew:
    """By how much a clock is ahead, for some time.

    Attributes:
        offset_us: Microseconds that its times are later than they should be; negative: earlier.
    """

    valid_from_us: int
    valid_to_us: int
    offset_us: int


@dataclass(frozen=True)
class Node:
    """A network element with dialling rules and a clock of its own.

    Attributes:
        field: Decoded field that names it: `node`, `trunk_in` or `trunk_out`.
        values: Texts that are it.
        prefixes: Texts that begin so are it, too.
        clock: Measured skew, by date; outside of them the clock is right.
    """

    node_id: str
    field: str
    values: tuple[str, ...]
    prefixes: tuple[str, ...]
    home_country: str
    trunk_prefix: str
    international_prefixes: tuple[str, ...]
    time_zone: str
    clock: tuple[Skew, ...] = ()

    def __str__(self) -> str:
        where = ", ".join([*self.values, *(f"{one}…" for one in self.prefixes)])
        dialled = f"+{self.home_country} {self.trunk_prefix or 'no trunk prefix'}"
        clocks = "".join(f", clock {one.offset_us // 1000} ms ahead" for one in self.clock)
        return f"{self.node_id} ({self.field} {where}: {dialled}, {self.time_zone}{clocks})"


@dataclass(frozen=True)
class FieldCopy:
    """A decoded field that takes what another one holds.

    Attributes:
        target, source: Decoded text fields, or `attributes.NAME`.
        values: Translation of texts; empty to take each as it is.
        otherwise: For a text that is not among `values`; none leaves the target as it is.
    """

    target: str
    source: str
    values: Mapping[str, str]
    otherwise: str | None = None

    def __str__(self) -> str:
        words = ", ".join(f"{one} as {other}" for one, other in self.values.items())
        rest = "" if self.otherwise is None else f", else {self.otherwise}"
        return f"{self.target} from {self.source}{f' ({words}{rest})' if words else ''}"


@dataclass(frozen=True)
class Enrichment:
    """A look-up in a reference table, and the fields it fills.

    Attributes:
        table: Name of the table.
        by: Field that is looked up.
        key: Column of the table it is looked up in.
        longest: The longest key that the field begins with, instead of an equal one.
        lead: Put before the field's text: the kinds of an alias.
        sets: (field, column of the table), in order.
        replace: Fields that hold something are filled, too.
        required: Usage whose key is not there goes to suspense.
        flag: Told in the quality flags where the key is not there; empty to tell nothing.
    """

    table: str
    by: str
    key: str
    longest: bool
    lead: str
    sets: tuple[tuple[str, str], ...]
    replace: bool
    required: bool
    flag: str

    def __str__(self) -> str:
        filled = ", ".join(f"{field} = {column}" for field, column in self.sets)
        more = ", replacing" * self.replace + ", required" * self.required
        return f"{self.table} by {self.by}: {filled}{more}"


@dataclass(frozen=True)
class Condition:
    """What a filter asks of one field.

    Attributes:
        field: A field, or `attributes.NAME`.
        test: `is`, `is_not`, `starts_with`, `in`, `prefix_in`, `below` or `at_least`.
        values: Texts it is held against.
        table: Reference table of `in` and `prefix_in`.
        limit: Base units of `below` and `at_least`.
        unit: What they are; of a quantity only usage that is counted in it is compared.
    """

    field: str
    test: str
    values: tuple[str, ...] = ()
    table: str = ""
    limit: int = 0
    unit: str = ""

    def __str__(self) -> str:
        held = self.table or " or ".join(self.values) or str(self.limit)
        return f"{self.field} {self.test.replace('_', ' ')} {held}"


@dataclass(frozen=True)
class Filter:
    """Usage that is set aside on purpose; all conditions must hold."""

    name: str
    when: tuple[Condition, ...]

    def __str__(self) -> str:
        return f"{self.name} ({' and '.join(str(one) for one in self.when)})"
