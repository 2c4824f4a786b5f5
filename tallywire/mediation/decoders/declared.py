"""The declared format: delimited or fixed-width lines, with header and trailer, described in YAML.

Header and trailer lines are recognised by how they begin; what they say of the file (sequence,
record count, hash total) is compared with what the file holds.
"""

from collections.abc import Mapping
from typing import Annotated, Literal

import polars as pl
from pydantic import BaseModel, ConfigDict, Field, model_validator

from schemas.reasons import Reason
from schemas.services import UNIT_OF_SERVICE, Direction, Service, Unit
from tallywire.catalog.snapshot import Feed
from tallywire.mediation import values
from tallywire.mediation.decoded import Decoded, Frames, check_world, complete, refuse
from tallywire.mediation.texts import split_fields, text_frame

TextField = Literal[
    "a_raw", "b_raw", "c_raw", "user_name", "customer", "account_code", "partner", "imsi", "imei",
    "ip", "cause", "serving_plmn", "cell_id", "apn", "rat", "trunk_in", "trunk_out", "session_key",
    "usage_type", "service", "direction", "source_currency", "node",
]  # fmt: skip
NumberField = Literal["quantity", "up_octets", "down_octets", "cause_q850", "partial_no"]
AttributeName = Annotated[str, Field(pattern=values.ATTRIBUTE_NAME)]


_LARGEST_SMALL = 2**31 - 1


class Strict(BaseModel):
    """Unknown keys are refused."""

    model_config = ConfigDict(extra="forbid")


class Place(Strict):
    """Where a field stands: a column counted from 1, or an offset counted from 0 and a length."""

    column: int | None = Field(default=None, ge=1, le=256)
    at: tuple[int, int] | None = None
    values: dict[str, str] = {}

    @model_validator(mode="after")
    def _one(self) -> "Place":
        if (self.column is None) == (self.at is None):
            msg = "give either `column` or `at: [offset, length]`"
            raise ValueError(msg)
        return self


class TimePlace(Place):
    """Where a time stands and how it is written: strftime pattern, `rfc3339` or an epoch."""

    pattern: str = "%Y-%m-%d %H:%M:%S"


class Amount(Place):
    """Where a number stands and what it counts; without `unit`, octets or pieces."""

    unit: Literal["count", "octets", "seconds", "milliseconds", "microseconds"] | None = None


class Duration(Amount):
    """Where a time stands that something lasted, and in what it is measured."""

    unit: Literal["seconds", "milliseconds", "microseconds"]


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
    """Which records are parts of a session, and which are its first and last."""

    part: Condition
    first: Condition | None = None
    last: Condition | None = None


class DeclaredOptions(Strict):
    """Options of a declared feed."""

    layout: Literal["delimited", "fixed"]
    separator: str = Field(default=",", min_length=1, max_length=1)
    quoted: bool = False
    columns: int | None = Field(default=None, ge=1, le=256)
    encoding: Literal["utf-8", "latin-1"] = "utf-8"
    header_lines: int = Field(default=0, ge=0, le=10)
    header: Header | None = None
    trailer: Trailer | None = None
    record_starts_with: str = ""
    key: list[Place] = Field(min_length=1)
    start: TimePlace
    setup: TimePlace | None = None
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
    idle_minutes: int = Field(default=240, ge=1)
    max_open_minutes: int = Field(default=1_440, ge=1)


def _at(place: Place) -> pl.Expr:
    if place.at is not None:
        text = pl.col("text").str.slice(place.at[0], place.at[1])
    else:
        text = pl.col(f"f{(place.column or 1) - 1}")
    text = text.str.strip_chars(" ")
    if place.values:
        text = text.replace_strict(list(place.values), list(place.values.values()), default=text)
    return text


def _is(condition: Condition) -> pl.Expr:
    return _at(condition.field).is_in(condition.equals).fill_null(value=False)


def _time(place: TimePlace, zone: str) -> tuple[pl.Expr, pl.Expr]:
    """Give the instant and its offset in minutes."""
    text = _at(place)
    if place.pattern == "rfc3339":
        return values.instant(text), values.offset_minutes(text)
    if place.pattern.startswith("epoch_"):
        return values.epoch(text, place.pattern.removeprefix("epoch_")), pl.lit(0)
    wall = values.wall_time(text, place.pattern)
    moment = values.from_wall(wall, zone)
    return moment, values.offset_of(wall, moment)


def _number(place: Amount) -> pl.Expr:
    text = _at(place)
    if place.unit in values.UNIT_US:
        return values.duration(text, place.unit)
    return values.integer(text)


def decode(frames: Frames, feed: Feed) -> Decoded:
    """Decode lines as the feed's options describe them."""
    options = DeclaredOptions.model_validate(feed.options)
    frame = text_frame(frames, options.encoding)
    texts = frame["text"].fill_null("")
    frame = _lines_by_type(frame, options)
    if options.layout == "delimited":
        counts = (options.columns,) if options.columns else ()
        others = frame.with_columns(pl.when(pl.col("reason").is_null()).then("text").alias("text"))
        frame = split_fields(others, options.separator, counts, quoted=options.quoted)
        frame = frame.with_columns(pl.col("^f[0-9]+$").fill_null(""))
    frame = frame.with_columns(pl.col("text").fill_null("").alias("text"))
    control = _control(frame.with_columns(texts.alias("text")), options)
    frame = frame.with_columns(_columns(options, feed))
    frame = _checked(frame, options)
    frame = check_world(complete(frame))
    return Decoded(frame, {**control, **_counted(frame, options)})


def _lines_by_type(frame: pl.DataFrame, options: DeclaredOptions) -> pl.DataFrame:
    control = pl.col("record_no") < options.header_lines
    for part in (options.header, options.trailer):
        if part is not None:
            control |= pl.col("text").str.starts_with(part.starts_with)
    frame = refuse(frame, control, Reason.CONTROL_RECORD, pl.lit("header or trailer line"))
    if options.record_starts_with:
        frame = refuse(
            frame, ~pl.col("text").str.starts_with(options.record_starts_with),
            Reason.RECORD_TYPE_UNKNOWN,
            pl.format("begins {}, which is no type of line of this format",
                      pl.col("text").str.slice(0, 3)),
        )  # fmt: skip
    return frame


def _counted_in(options: DeclaredOptions, service: pl.Expr) -> pl.Expr:
    """Tell what the quantity counts: a plain number is octets where the service counts octets."""
    place = options.quantity or options.duration
    if place is not None and place.unit is not None:
        return pl.lit(values.BASE_UNIT[place.unit].value)
    of_octets = [one.value for one, unit in UNIT_OF_SERVICE.items() if unit is Unit.OCTET]
    plain = pl.when(service.is_in(of_octets)).then(pl.lit(Unit.OCTET.value))
    return plain.otherwise(pl.lit(Unit.COUNT.value))


def _columns(options: DeclaredOptions, feed: Feed) -> list[pl.Expr]:
    start, offset = _time(options.start, feed.time_zone)
    service = options.service.value if options.service else feed.service
    columns = {
        "natural_key": pl.concat_str([_at(place) for place in options.key], separator="\x1f"),
        "start_us": start,
        "utc_offset_minutes": offset.cast(pl.Int32),
        "clock_quality": pl.lit("explicit_zone" if options.start.pattern == "rfc3339" else "derived"
                                if options.start.pattern.startswith("epoch_") else "assumed"),
        "service": pl.lit(service),
        "direction": pl.lit(options.direction.value),
        "quantity": pl.lit(1, dtype=pl.Int64),
    }  # fmt: skip
    columns |= {name: pl.lit(text) for name, text in options.constants.items()}
    columns |= {name: _at(place) for name, place in options.texts.items()}
    columns |= {name: values.integer(_at(place)) for name, place in options.numbers.items()}
    if options.attributes:
        columns["attributes"] = values.attributes(
            {name: _at(place) for name, place in options.attributes.items()}
        )
    if options.setup:
        columns["setup_us"] = _time(options.setup, feed.time_zone)[0]
    if options.duration:
        columns["duration_us"] = _number(options.duration)
        columns["end_us"] = start + _number(options.duration)
        columns["quantity"] = _number(options.duration)
    if options.quantity:
        columns["quantity"] = _number(options.quantity)
    if options.source_amount:
        columns["source_amount"] = values.amount(_at(options.source_amount))
    if options.partials:
        parts = options.partials
        columns["kind"] = (
            pl.when(_is(parts.part)).then(pl.lit("partial")).otherwise(pl.lit("complete"))
        )
        columns["is_first"] = _is(parts.first) if parts.first else pl.lit(value=True)
        columns["is_last"] = _is(parts.last) if parts.last else pl.lit(value=False)
        if "session_key" not in columns:
            columns["session_key"] = columns["natural_key"]
    columns["unit"] = _counted_in(options, columns["service"])
    return [expression.alias(name) for name, expression in columns.items()]


_WANTED = {
    True: "no number of seconds with six decimals at most",
    False: "no whole number of 64 bits",
}


def _checked(frame: pl.DataFrame, options: DeclaredOptions) -> pl.DataFrame:
    unread = pl.col("start_us").is_null()
    text = _at(options.start)
    frame = refuse(
        frame, unread, Reason.TIME_INVALID,
        pl.format("time {} is not written as " + options.start.pattern.replace("{", "{{"), text),
    )  # fmt: skip
    for name, place in (("duration_us", options.duration), ("quantity", options.quantity)):
        if place is not None:
            frame = refuse(
                frame, pl.col(name).is_null(), Reason.NUMBER_INVALID,
                pl.format(name.removesuffix("_us") + " {} is " + _WANTED[place.unit == "seconds"],
                          _at(place)),
            )  # fmt: skip
    for field, where in options.numbers.items():
        small = field in {"partial_no", "cause_q850"}
        wrong = pl.col(field).is_null() | (pl.col(field).abs() > _LARGEST_SMALL if small else False)
        frame = refuse(
            frame,
            wrong,
            Reason.NUMBER_INVALID,
            pl.format(field + " {} is " + _WANTED[False], _at(where)),
        )
    for condition in options.keep_only:
        frame = refuse(
            frame,
            ~_is(condition),
            Reason.NOT_ANSWERED,
            pl.lit("not kept by the feed's `keep_only`"),
        )
    return frame


def _control(frame: pl.DataFrame, options: DeclaredOptions) -> dict[str, int]:
    """Read what header and trailer lines say."""
    found: dict[str, int] = {}
    for part, names in (
        (options.header, ("sequence",)), (options.trailer, ("sequence", "records", "total")),
    ):  # fmt: skip
        if part is None:
            continue
        lines = frame.filter(pl.col("text").str.starts_with(part.starts_with))
        if lines.is_empty():
            continue
        if part is options.trailer:
            found["trailer_found"] = 1
        for name in names:
            place = getattr(part, name)
            if place is not None and place.at is not None:
                number = lines.select(values.integer(_at(place))).to_series()[-1]
            elif place is not None:
                texts = lines["text"].str.split(options.separator)
                field = texts.list.get((place.column or 1) - 1, null_on_oob=True).to_frame("t")
                number = field.select(values.integer(pl.col("t"))).to_series()[-1]
            else:
                continue
            if number is not None:
                found[name if name == "sequence" else f"declared_{name}"] = int(number)
    return found


_UNIT_SIZE = {"count": 1, "octets": 1, **values.UNIT_US}


def _counted(frame: pl.DataFrame, options: DeclaredOptions) -> Mapping[str, int]:
    """Count what the trailer's totals are about, over lines that are no header or trailer."""
    if options.trailer is None:
        return {}
    records = frame.filter(pl.col("reason").ne_missing(pl.lit(Reason.CONTROL_RECORD.value)))
    name = "duration_us" if options.trailer.total_of == "duration" else "quantity"
    total = int(records[name].fill_null(0).sum()) // _UNIT_SIZE[options.trailer.total_unit]
    return {"counted_records": records.height, "counted_total": total}
