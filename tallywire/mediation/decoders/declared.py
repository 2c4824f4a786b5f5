"""The declared format: lines, objects or elements of any layout, described in YAML.

Header and trailer lines are recognised by how they begin; what they say of the file (sequence,
record count, hash total) is compared with what the file holds.
"""

import csv
from collections.abc import Mapping

import polars as pl

from schemas.reasons import Reason
from schemas.services import UNIT_OF_SERVICE, Unit
from tallywire.catalog.snapshot import Feed
from tallywire.mediation import values
from tallywire.mediation.decoded import (
    Decoded,
    Frames,
    check_world,
    complete,
    refuse,
)
from tallywire.mediation.decoders.declared_options import (
    Amount,
    Condition,
    DeclaredOptions,
    Partials,
    Place,
    TimePlace,
)
from tallywire.mediation.elements_table import element_frame
from tallywire.mediation.framing import LINES, Array, Elements, Framing, Lines
from tallywire.mediation.objects import array_frame, object_frame, schema_of, text_at
from tallywire.mediation.texts import split_fields, text_frame

_LARGEST_SMALL = 2**31 - 1
_NAMED, _AT, _WALL, _END = "n.", "p.", "w.", "w.end"
_ENCODINGS = {"utf-8": "utf-8", "latin-1": "iso-8859-1"}


def framing(feed: Feed) -> Framing:
    """Tell how the records of a declared feed are cut."""
    options = DeclaredOptions.model_validate(feed.options)
    if options.layout == "json" and options.records == "array":
        return Array(tuple(filter(None, options.records_at.split("."))))
    if options.layout == "xml":
        return Elements((options.element,))
    named = any(place.name for place in options.places())
    return Lines(options.header_lines) if named else LINES


def _at(place: Place) -> pl.Expr:
    if place.at is not None:
        text = pl.col("text").str.slice(place.at[0], place.at[1])
    elif place.path is not None:
        text = pl.col(f"{_AT}{place.path}")
    elif place.name is not None:
        text = pl.col(f"{_NAMED}{place.name}")
    else:
        text = pl.col(f"f{(place.column or 1) - 1}")
    text = text.str.strip_chars(" ")
    if place.values:
        text = text.replace_strict(list(place.values), list(place.values.values()), default=text)
    return text


def _is(condition: Condition) -> pl.Expr:
    return _at(condition.field).is_in(condition.equals).fill_null(value=False)


def _with_times(frame: pl.DataFrame, options: DeclaredOptions, feed: Feed) -> pl.DataFrame:
    """Read instants, offset and length, which other columns are made of, once."""
    places = {"start_us": options.start, "setup_us": options.setup, _END: options.end}
    given = {name: place for name, place in places.items() if place is not None}
    walls = {name: place for name, place in given.items() if _of_wall(place)}
    frame = frame.with_columns(
        values.wall_time(_at(place), place.pattern).alias(f"{_WALL}{name}")
        for name, place in walls.items()
    )
    frame = frame.with_columns(
        _instant(place, pl.col(f"{_WALL}{name}"), feed.time_zone).alias(name)
        for name, place in given.items()
    )
    if options.duration:
        return frame.with_columns(_number(options.duration).alias("duration_us"))
    if options.end:
        return frame.with_columns((pl.col(_END) - pl.col("start_us")).alias("duration_us"))
    return frame


def _of_wall(place: TimePlace) -> bool:
    return place.pattern != "rfc3339" and not place.pattern.startswith("epoch_")


def _instant(place: TimePlace, wall: pl.Expr, zone: str) -> pl.Expr:
    """Read an instant; `wall` is the time on the clock, where the text is one."""
    if place.pattern == "rfc3339":
        return values.instant(_at(place))
    if place.pattern.startswith("epoch_"):
        return values.epoch(_at(place), place.pattern.removeprefix("epoch_"))
    return values.from_wall(wall, zone)


def _offset(place: TimePlace) -> pl.Expr:
    """Give the offset of the start, minutes."""
    if place.pattern == "rfc3339":
        return values.offset_minutes(_at(place))
    if place.pattern.startswith("epoch_"):
        return pl.lit(0)
    return values.offset_of(pl.col(f"{_WALL}start_us"), pl.col("start_us"))


def _number(place: Amount) -> pl.Expr:
    return values.measured(_at(place), place.unit or "count")


def decode(frames: Frames, feed: Feed) -> Decoded:
    """Decode records as the feed's options describe them."""
    options = DeclaredOptions.model_validate(feed.options)
    frame, control = _READERS[options.layout](frames, options)
    frame = _with_times(frame, options, feed)
    frame = _checked(frame.with_columns(_columns(options, feed)), options)
    record = pl.col("reason").ne_missing(pl.lit(Reason.CONTROL_RECORD.value))
    frame = complete(frame).with_columns(pl.when(record).then("node_sequence"))
    frame = check_world(frame)
    return Decoded(frame, {**control, **_counted(frame, options)})


_Read = tuple[pl.DataFrame, dict[str, int]]


def _lines(frames: Frames, options: DeclaredOptions) -> _Read:
    """Read lines: fields by their places, and what header and trailer lines say."""
    frame = text_frame(frames, options.encoding)
    texts = frame["text"].fill_null("")
    frame = _lines_by_type(frame, options)
    if options.layout == "delimited":
        counts = (options.columns,) if options.columns else ()
        others = frame.with_columns(pl.when(pl.col("reason").is_null()).then("text").alias("text"))
        frame = split_fields(others, options.separator, counts, quoted=options.quoted)
        frame = frame.with_columns(pl.col("^f[0-9]+$").fill_null(""))
        frame = _named(frame, frames, options)
    frame = frame.with_columns(pl.col("text").fill_null("").alias("text"))
    return frame, _control(frame.with_columns(texts.alias("text")), options)


def column_names(prologue: bytes, options: DeclaredOptions) -> list[str]:
    """Read the names of columns out of a file's first line."""
    lines = prologue.decode(options.encoding, errors="replace").removeprefix("\ufeff").splitlines()
    rows = csv.reader(lines[:1], delimiter=options.separator, skipinitialspace=True)
    try:
        return [name.strip() for name in next(rows, [])]
    except csv.Error:
        return []


def _named(frame: pl.DataFrame, frames: Frames, options: DeclaredOptions) -> pl.DataFrame:
    """Give columns their names; a file without one that is read has no readable record."""
    wanted = sorted({place.name for place in options.places() if place.name})
    if not wanted:
        return frame
    names = column_names(frames.prologue, options)
    for name in wanted:
        number = names.index(name) if name in names else -1
        known = pl.col(f"f{number}") if f"f{number}" in frame.columns else pl.lit("")
        frame = frame.with_columns(known.alias(f"{_NAMED}{name}"))
        if number < 0:
            text = f"the file's first line names no column {name}"
            frame = refuse(frame, pl.lit(value=True), Reason.FIELD_MISSING, pl.lit(text))
    return frame


def _objects(frames: Frames, options: DeclaredOptions) -> _Read:
    """Read JSON objects; what stands around an array of them is no record."""
    paths = sorted({place.path for place in options.places() if place.path})
    read = array_frame if options.records == "array" else object_frame
    frame = read(frames, schema_of(paths))
    return frame.with_columns(
        text_at(path).fill_null("").alias(f"{_AT}{path}") for path in paths
    ), {}


def _elements(frames: Frames, options: DeclaredOptions) -> _Read:
    """Read XML elements; what stands around them is no record."""
    paths = sorted({place.path for place in options.places() if place.path})
    encoding = _ENCODINGS[options.encoding] if "encoding" in options.model_fields_set else ""
    return element_frame(frames, [options.element], paths, encoding, _AT), {}


_READERS = {"delimited": _lines, "fixed": _lines, "json": _objects, "xml": _elements}


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
    if options.partials and options.partials.join == "span":
        return pl.lit(Unit.MICROSECOND.value)
    if place is not None and place.unit is not None:
        return pl.lit(values.BASE_UNIT[place.unit].value)
    if place is None and options.end is not None:
        return pl.lit(Unit.MICROSECOND.value)
    of_octets = [one.value for one, unit in UNIT_OF_SERVICE.items() if unit is Unit.OCTET]
    plain = pl.when(service.is_in(of_octets)).then(pl.lit(Unit.OCTET.value))
    return plain.otherwise(pl.lit(Unit.COUNT.value))


def _columns(options: DeclaredOptions, feed: Feed) -> list[pl.Expr]:
    service = options.service.value if options.service else feed.service
    columns = {
        "natural_key": pl.concat_str([_at(place) for place in options.key], separator="\x1f"),
        "utc_offset_minutes": _offset(options.start).cast(pl.Int32),
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
    columns |= _lengths(options)
    if options.quantity:
        columns["quantity"] = _number(options.quantity)
    if options.source_amount:
        columns["source_amount"] = values.amount(_at(options.source_amount))
    if options.partials:
        columns |= _parts(options.partials, columns)
    columns["unit"] = _counted_in(options, columns["service"])
    return [expression.alias(name) for name, expression in columns.items()]


_KIND = {"sum": "partial", "span": "partial", "none": "delta"}


def _parts(parts: Partials, columns: Mapping[str, pl.Expr]) -> dict[str, pl.Expr]:
    """Tell which records are parts of a session, and what becomes of them."""
    part = _is(parts.part)
    found = {
        "kind": pl.when(part).then(pl.lit(_KIND[parts.join])).otherwise(pl.lit("complete")),
        "is_first": _is(parts.first) if parts.first else pl.lit(parts.join == "sum"),
        "is_last": _is(parts.last) if parts.last else pl.lit(value=False),
        "session_key": columns.get("session_key", columns["natural_key"]),
    }
    if parts.join == "span":
        found |= {
            "join": pl.lit("span"), "quantity": pl.lit(0, dtype=pl.Int64),
            "end_us": pl.col("start_us"),
        }  # fmt: skip
    return found


def _lengths(options: DeclaredOptions) -> dict[str, pl.Expr]:
    """Tell how long it lasted: as the record says, else from its start to its end."""
    if not options.duration and not options.end:
        return {}
    length = pl.col("duration_us")
    end = pl.col(_END) if options.end else pl.col("start_us") + length
    return {"end_us": end, "quantity": length}


def _wanted(unit: str | None) -> str:
    """Say what a number in some unit must be."""
    if unit in {None, "count", "octets", "milliseconds", "microseconds"}:
        return "no whole number of 64 bits"
    if unit == "seconds":
        return "no number of seconds with six decimals at most"
    return f"no number of {unit} that makes whole {values.BASE_UNIT[unit or 'count']}s"


def _checked(frame: pl.DataFrame, options: DeclaredOptions) -> pl.DataFrame:
    for condition in options.keep_only:
        frame = refuse(
            frame,
            ~_is(condition),
            Reason.NOT_ANSWERED,
            pl.lit("not kept by the feed's `keep_only`"),
        )
    nameless = pl.all_horizontal(_at(place) == "" for place in options.key)
    frame = refuse(
        frame, nameless, Reason.FIELD_MISSING, pl.lit("the fields of the feed's `key` are empty")
    )
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
                pl.format(name.removesuffix("_us") + " {} is " + _wanted(place.unit), _at(place)),
            )  # fmt: skip
    for field, where in options.numbers.items():
        small = field in {"partial_no", "cause_q850"}
        wrong = pl.col(field).is_null() | (pl.col(field).abs() > _LARGEST_SMALL if small else False)
        frame = refuse(
            frame,
            wrong,
            Reason.NUMBER_INVALID,
            pl.format(field + " {} is " + _wanted(None), _at(where)),
        )
    if options.end is not None:
        frame = refuse(
            frame, pl.col("end_us").is_null(), Reason.TIME_INVALID,
            pl.format("end {} is not written as " + options.end.pattern.replace("{", "{{"),
                      _at(options.end)),
        )  # fmt: skip
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
