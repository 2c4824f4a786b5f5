"""Options of CloudEvents feeds: a rule for each type of event, an envelope for plain objects."""

from collections.abc import Iterator
from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator

from schemas.services import UNIT_OF_SERVICE, Direction, Service, Unit
from tallywire.mediation import values

ENVELOPE = ("specversion", "id", "source", "type", "subject", "time")
"""What is read of every CloudEvent."""


ATTRIBUTES = ("id", "source", "type", "subject", "time")
"""What usage is made of, whether an envelope says where they are or not."""


def _path(text: str) -> str:
    if not all(text.split(".")):
        msg = f"{text!r} is no path: write subject, or data.duration"
        raise ValueError(msg)
    return text


JsonPath = Annotated[str, AfterValidator(_path)]
AttributeName = Annotated[str, Field(pattern=values.ATTRIBUTE_NAME)]


class EventRule(BaseModel):
    """How one type of event becomes usage.

    Attributes:
        quantity: Path of the quantity; without it each event counts one.
        unit: `count`, `octets`, or the time unit of the quantity.
        fields: Canonical field to path.
        attributes: Further attributes by name, for prices that depend on them, to path.
        amount, currency: Paths of an amount that the event carries, and of its currency.
    """

    model_config = ConfigDict(extra="forbid")

    type: str
    service: Service
    direction: Direction = Direction.MO
    usage_type: str = ""
    quantity: JsonPath | None = None
    unit: Literal["count", "octets", "seconds", "milliseconds", "microseconds"] = "count"
    fields: dict[
        Literal[
            "a_raw", "b_raw", "c_raw", "user_name", "customer", "account_code", "partner", "imsi",
            "imei", "ip", "serving_plmn", "cell_id", "apn", "rat", "session_key", "usage_type",
        ],
        JsonPath,
    ] = {}  # fmt: skip
    attributes: dict[AttributeName, JsonPath] = {}
    amount: JsonPath | None = None
    currency: JsonPath | None = None

    @model_validator(mode="after")
    def _counts_what_its_service_counts(self) -> "EventRule":
        unit = UNIT_OF_SERVICE[self.service]
        counted = values.BASE_UNIT[self.unit]
        if counted is not unit:
            wanted = [name for name, base in values.BASE_UNIT.items() if base is unit]
            msg = (
                f"the rule of {self.type} counts {self.unit}, which is no unit of "
                f"{self.service.value}: write unit: {' or '.join(wanted)}"
            )
            raise ValueError(msg)
        if self.quantity is None and unit is not Unit.COUNT:
            msg = f"the rule of {self.type} has no quantity: write quantity: data.…"
            raise ValueError(msg)
        return self


class Place(BaseModel):
    """Where a text comes from, written as a path, or as `{constant: text}` that every event has."""

    model_config = ConfigDict(extra="forbid")

    path: JsonPath = ""
    constant: str = ""

    @model_validator(mode="before")
    @classmethod
    def _from_text(cls, value: object) -> object:
        return {"path": value} if isinstance(value, str) else value

    @model_validator(mode="after")
    def _is_one(self) -> "Place":
        if bool(self.path) == bool(self.constant):
            msg = "write a path, or {constant: TEXT}"
            raise ValueError(msg)
        return self


class Envelope(BaseModel):
    """Where a plain object holds what a CloudEvent's attributes say.

    Attributes:
        id: Names the object within its source, for ever; therefore no constant.
        time: RFC 3339 with an offset.
        subject: The customer, where no field of a rule says otherwise.
    """

    model_config = ConfigDict(extra="forbid")

    id: JsonPath
    source: Place
    type: Place
    time: JsonPath
    subject: Place | None = None

    def places(self) -> dict[str, Place]:
        """Give the place of every attribute that has one."""
        found = {"id": Place(path=self.id), "source": self.source, "type": self.type,
                 "time": Place(path=self.time)}  # fmt: skip
        return found | ({"subject": self.subject} if self.subject else {})


class CloudEventsOptions(BaseModel):
    """Options of a CloudEvents feed.

    Attributes:
        events: A rule for each type of event.
        envelope: The feed's objects are no CloudEvents; this is where they hold the attributes.
    """

    model_config = ConfigDict(extra="forbid")

    events: list[EventRule] = Field(min_length=1)
    envelope: Envelope | None = None

    @model_validator(mode="after")
    def _reads_what_there_can_be(self) -> "CloudEventsOptions":
        paths = paths_of(self)
        for path in paths:
            if self.envelope is None and "." in path and not path.startswith("data."):
                msg = (
                    f"{path!r} is no path of a CloudEvent: write subject, or data.duration; "
                    "plain objects need an envelope"
                )
                raise ValueError(msg)
        for path in sorted({*paths, *(() if self.envelope else ENVELOPE)}):
            below = next((other for other in paths if other.startswith(f"{path}.")), "")
            if below:
                msg = f"{path!r} cannot be a value and hold {below!r}: name one of the two"
                raise ValueError(msg)
        return self


def _of_rule(rule: EventRule) -> Iterator[str]:
    yield from rule.fields.values()
    yield from rule.attributes.values()
    yield from (path for path in (rule.quantity, rule.amount, rule.currency) if path)


def paths_of(options: CloudEventsOptions) -> list[str]:
    """Give every path that is read, but for the attributes of CloudEvents, which always are."""
    found = {path for rule in options.events for path in _of_rule(rule)}
    if options.envelope:
        found |= {place.path for place in options.envelope.places().values() if place.path}
    return sorted(found)
