"""Rows of 3GPP charging data records: each type by its own table, all in the order of the file."""

from collections.abc import Callable, Mapping
from functools import partial

import numpy as np
import polars as pl

from schemas.reasons import Reason
from tallywire.catalog.snapshot import Feed
from tallywire.mediation.ber import Octets, Spans, framed
from tallywire.mediation.ber.elements import Flags, Ints
from tallywire.mediation.ber.reader import Reader, context, numbered, read
from tallywire.mediation.decoded import (
    MAX_RECORD_BYTES,
    Decoded,
    Frames,
    check_world,
    complete,
    in_prologue,
    places,
    refuse,
)
from tallywire.mediation.decoders.gpp import circuit, file_header, ims, packet
from tallywire.mediation.decoders.gpp.options import GppOptions
from tallywire.mediation.framing.cdr_file import record_header

_Read = Callable[[Octets, Reader], tuple[Ints, pl.DataFrame]]
_SET, _SEQUENCE = 0x31, 0x30
_BER = 1
_HEADER = 5


def _one_each(made: Callable[[Reader], pl.DataFrame]) -> _Read:
    def rows(_octets: Octets, record: Reader) -> tuple[Ints, pl.DataFrame]:
        return np.arange(len(record)), made(record)

    return rows


_IMS = {
    63: "s_cscf", 64: "p_cscf", 65: "i_cscf", 66: "mrfc", 67: "mgcf", 68: "bgcf", 69: "as",
    70: "e_cscf", 82: "ibcf",
}  # fmt: skip
_TYPES: Mapping[str, tuple[int, int, _Read]] = {
    "pgw": (79, 85, packet.packet),
    "sgw": (78, 84, packet.packet),
    "mo_call": (0, 0, _one_each(partial(circuit.call, at=circuit.MO_CALL))),
    "mt_call": (1, 1, _one_each(partial(circuit.call, at=circuit.MT_CALL))),
    "mo_sms": (6, 6, _one_each(partial(circuit.message, at=circuit.MO_SMS))),
    "mt_sms": (7, 7, _one_each(partial(circuit.message, at=circuit.MT_SMS))),
    "sc_mo_sms": (93, 93, _one_each(partial(circuit.centre_message, direction="mo"))),
    "sc_mt_sms": (94, 94, _one_each(partial(circuit.centre_message, direction="mt"))),
    **{
        name: (number, number, _one_each(partial(ims.session, kind=name)))
        for number, name in _IMS.items()
    },
}
"""Of each record: its tag among the records of its domain, its `recordType`, how it is read."""


def _contents(frames: Frames, head: Flags, options: GppOptions) -> tuple[Ints, Ints, Flags]:
    """Give place and length of each record without its header; and which are not in BER."""
    starts, lengths = frames.starts, frames.lengths
    other = np.zeros(len(frames), bool)
    if not options.file_header:
        return starts, lengths, other
    size = np.zeros(len(frames), np.int64)
    for row in np.flatnonzero(~head & (lengths >= _HEADER)).tolist():
        begin = int(starts[row])
        size[row] = record_header(frames.data, begin)
        other[row] = frames.data[begin + 3] >> 5 not in {0, _BER}
    return starts + size, lengths - size, other


def _types(octets: Octets, tag: Ints, value: Spans) -> tuple[pl.Series, Spans]:
    """Name the type of each record: by its tag, or, of a bare set, by its `recordType`."""
    numbers = {context(number, made=True): name for name, (number, _, _) in _TYPES.items()}
    names = np.array([numbers.get(one, "") for one in tag.tolist()], dtype=object)
    bare = np.flatnonzero((tag == _SET) | (tag == _SEQUENCE))
    if len(bare):
        kinds = {number: name for name, (_, number, _) in _TYPES.items()}
        found = read(octets, value.take(bare)).integer(context(0)).to_list()
        names[bare] = [kinds.get(-1 if one is None else one, "") for one in found]
    return pl.Series(names.tolist(), dtype=pl.String), value


def _rows(
    octets: Octets, names: pl.Series, value: Spans, options: GppOptions
) -> tuple[list[pl.DataFrame], Flags]:
    """Read the records of each type; give their rows, and which are broken inside."""
    parts = []
    broken = np.zeros(len(names), bool)
    for name in names.unique(maintain_order=True).to_list():
        if not name:
            continue
        rows = np.flatnonzero((names == name).to_numpy())
        reader = read(octets, value.take(rows))
        broken[rows] = reader.broken
        owner, made = _TYPES[name][2](octets, reader)
        made = made.with_columns(
            pl.Series("row", rows[owner]), pl.Series("item_no", numbered(owner)).cast(pl.Int32)
        )
        if name not in options.records:
            made = refuse(
                _reasoned(made), pl.lit(value=True), Reason.NOT_BILLABLE,
                pl.lit(f"the feed's `records` does not name {name}"),
            )  # fmt: skip
        parts.append(made)
    return parts, broken


def _reasoned(frame: pl.DataFrame) -> pl.DataFrame:
    absent = [
        pl.lit(default, dtype=pl.String).alias(name)
        for name, default in (("reason", None), ("detail", ""), ("natural_key", None))
        if name not in frame.columns
    ]
    return frame.with_columns(absent)


def decode(frames: Frames, feed: Feed) -> Decoded:
    """Decode charging data records."""
    options = GppOptions.model_validate(feed.options)
    base = places(frames)
    if not len(frames):
        return Decoded(complete(base))
    octets = Octets(frames.data)
    head = base.select(in_prologue(frames)).to_series().to_numpy()
    starts, lengths, other = _contents(frames, head, options)
    tag, value, short = framed(octets, starts, lengths)
    value = value.take(np.where(head, -1, np.arange(len(frames))))
    names, value = _types(octets, np.where(head | other, 0, tag), value)
    parts, broken = _rows(octets, names, value, options)
    place = base.with_columns(
        pl.int_range(pl.len()).alias("row"), pl.Series("head", head), pl.Series("short", short),
        pl.Series("broken", broken), pl.Series("tag", tag), pl.Series("other", other),
        names.alias("record_name"),
    )  # fmt: skip
    frame = place if not parts else place.join(
        pl.concat(parts, how="diagonal_relaxed"), on="row", how="left", maintain_order="left_right",
        suffix="_of_record",
    )  # fmt: skip
    told = file_header.sentence(frames.prologue) if frames.prologue else ""
    frame = check_world(complete(_judged(_flagged(_reasoned(frame)), told)))
    control = {"counted_records": int((~head).sum()), "counted_octets": int(frames.lengths.sum())}
    if options.file_header and head.any():
        control.update(file_header.said(frames.prologue))
    unnamed = pl.col("natural_key").is_null()
    frame = refuse(
        frame, unnamed, Reason.FIELD_MISSING, pl.lit("it lacks what names it: node, session")
    )
    return Decoded(frame, control if options.file_header else {})


def _flagged(frame: pl.DataFrame) -> pl.DataFrame:
    absent = [
        pl.lit(value=False).alias(name)
        for name in ("bad_number", "bad_time")
        if name not in frame.columns
    ]
    return frame.with_columns(absent)


def _judged(frame: pl.DataFrame, told: str) -> pl.DataFrame:
    """Refuse what is no record, or none that is read."""
    unnamed = pl.col("natural_key").is_null() & (pl.col("record_name") != "")
    unsure = pl.any_horizontal("broken", "short", "bad_number", "bad_time", unnamed)
    frame = frame.with_columns(
        pl.when(~unsure.fill_null(value=False)).then("reason").alias("reason")
    )
    hidden = pl.col("head")
    for wrong, reason, detail in (
        (hidden, Reason.CONTROL_RECORD, pl.lit(told)),
        (pl.col("byte_length") > MAX_RECORD_BYTES, Reason.RECORD_TOO_LONG,
         pl.format("{} bytes are more than any record has", "byte_length")),
        (pl.col("other"), Reason.RECORD_TYPE_UNKNOWN,
         pl.lit("the record's header says that it is not in BER")),
        (pl.col("short"), Reason.RECORD_TRUNCATED, pl.lit("the file ends inside this record")),
        ((pl.col("tag") == 0) | pl.col("broken"), Reason.RECORD_UNREADABLE,
         pl.lit("its bytes are no BER")),
        (pl.col("bad_time"), Reason.TIME_INVALID, pl.lit("a time in it is none")),
        (pl.col("bad_number"), Reason.NUMBER_INVALID, pl.lit("a number in it is too long")),
        (pl.col("record_name") == "", Reason.RECORD_TYPE_UNKNOWN,
         pl.format("a record with tag {} is of no type that is read", "tag")),
    ):  # fmt: skip
        frame = refuse(frame, wrong, reason, detail)
    return frame
