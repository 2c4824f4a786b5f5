"""The declared format beyond columns by number: names, objects, units, ends."""

from dataclasses import replace
from typing import Any

import polars as pl
import pytest
from pydantic import ValidationError

from schemas.reasons import Reason
from tallywire.mediation import values
from tallywire.mediation.decoders import DECODERS
from tallywire.mediation.decoders.declared_options import DeclaredOptions
from tallywire.mediation.framing import frame
from tests.laws.feeds import (
    ELEMENTS,
    ELEMENTS_OPTIONS,
    NAMED,
    NAMED_OPTIONS,
    OBJECTS,
    OBJECTS_OPTIONS,
    SNAPSHOT,
)


def _decode(data: bytes, options: dict[str, Any], zone: str = "UTC") -> list[dict[str, Any]]:
    feed = replace(SNAPSHOT.feeds["roamers"], options=options, time_zone=zone)
    form = DECODERS[feed.format]
    framing = form.framing(feed)
    head = data[: framing.prologue(data, at_end=True) or 0]
    frames, _ = frame(data, framing, at_end=True, prologue=head)
    return form.decode(frames, feed).frame.rows(named=True)


def test_columns_are_found_by_the_names_of_the_first_line() -> None:
    rows = _decode(NAMED, NAMED_OPTIONS)
    assert [row["reason"] for row in rows] == [
        Reason.CONTROL_RECORD, None, None, Reason.NUMBER_INVALID, Reason.FIELD_MISSING,
        Reason.NOT_ANSWERED,
    ]  # fmt: skip
    assert [(row["natural_key"], row["quantity"], row["b_raw"]) for row in rows[1:3]] == [
        ("1", 90_000_000, "+4790010002"), ("2", 15_000_000, "+4790010003"),
    ]  # fmt: skip
    assert rows[3]["detail"] == "duration x is no number of minutes that makes whole microseconds"


def test_columns_may_come_in_any_order() -> None:
    lines = [line.split(",") for line in NAMED.decode().splitlines()]
    turned = "\n".join(",".join(reversed(line)) for line in lines).encode()
    kept = ("natural_key", "start_us", "quantity", "a_raw", "b_raw", "reason")
    straight, other = _decode(NAMED, NAMED_OPTIONS), _decode(turned, NAMED_OPTIONS)
    assert [[row[name] for name in kept] for row in other] == [
        [row[name] for name in kept] for row in straight
    ]


def test_a_file_without_a_column_that_is_read_has_no_usage() -> None:
    rows = _decode(NAMED.replace(b"minutes", b"length"), NAMED_OPTIONS)
    assert {row["reason"] for row in rows[1:]} == {Reason.FIELD_MISSING}
    assert rows[1]["detail"] == "the file's first line names no column minutes"


def test_objects_of_an_array_are_read_by_their_paths() -> None:
    rows = _decode(OBJECTS, OBJECTS_OPTIONS)
    assert [row["reason"] for row in rows] == [
        Reason.CONTROL_RECORD, None, None, Reason.TIME_INVALID, Reason.RECORD_UNREADABLE,
        Reason.FIELD_MISSING, Reason.CONTROL_RECORD,
    ]  # fmt: skip
    assert [(row["natural_key"], row["a_raw"], row["quantity"]) for row in rows[1:3]] == [
        ("a1", "+4790010001", 61_000_000), ("a2", "+4790010001", 1_000_000),
    ]  # fmt: skip


def test_elements_are_read_by_their_paths() -> None:
    rows = _decode(ELEMENTS, ELEMENTS_OPTIONS)
    assert [row["reason"] for row in rows] == [
        Reason.CONTROL_RECORD, None, None, Reason.TIME_INVALID, Reason.RECORD_UNREADABLE,
        Reason.FIELD_MISSING, Reason.CONTROL_RECORD,
    ]  # fmt: skip
    assert [(row["natural_key"], row["b_raw"], row["quantity"]) for row in rows[1:3]] == [
        ("x1", "+4790010002", 61_000_000), ("x2", "+4790010003", 7_000_000),
    ]  # fmt: skip


def test_a_path_of_xml_is_no_path_of_json() -> None:
    with pytest.raises(ValidationError, match="`a b` is no path in xml"):
        DeclaredOptions.model_validate({**ELEMENTS_OPTIONS, "key": [{"path": "a b"}]})


def test_objects_of_lines_are_the_same_objects() -> None:
    lines = b"\n".join(line.strip(b" ,") for line in OBJECTS.splitlines()[1:-1])
    rows = _decode(lines, {**OBJECTS_OPTIONS, "records": "lines", "records_at": ""})
    inner = _decode(OBJECTS, OBJECTS_OPTIONS)[1:-1]
    kept = ("natural_key", "quantity", "reason", "raw_hash")
    assert [[row[name] for name in kept] for row in rows] == [
        [row[name] for name in kept] for row in inner
    ]


@pytest.mark.parametrize(
    ("text", "unit", "value"),
    [
        ("1.5", "minutes", 90_000_000), ("0.1", "hours", 360_000_000), ("2", "kilooctets", 2_000),
        ("1.5", "kibioctets", 1_536), ("0.3", "kibioctets", None), ("0.000001", "megaoctets", 1),
        ("0.0000001", "megaoctets", None), ("-2", "mebioctets", -2_097_152), ("7", "count", 7),
        ("7.5", "octets", None), ("999999999999", "gibioctets", 10**15 + 1), ("", "hours", None),
    ],
)  # fmt: skip
def test_units_are_read_exactly_or_not_at_all(text: str, unit: str, value: int | None) -> None:
    assert pl.select(values.measured(pl.lit(text), unit)).item() == value


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"start": {"column": 1}}, "stands at a `path`, not `column`"),
        ({"separator": ";"}, "`separator` is an option of lines"),
        ({"element": "cdr"}, "`element` names the records of the layout `xml`"),
        ({"texts": {"a_raw": {"path": "from"}, "b_raw": {"path": "from.number"}}},
         "`from.number` lies below `from`"),
    ],
)  # fmt: skip
def test_options_of_another_layout_are_refused(change: dict[str, Any], told: str) -> None:
    with pytest.raises(ValidationError, match=told):
        DeclaredOptions.model_validate({**OBJECTS_OPTIONS, **change})


def test_names_need_a_line_that_gives_them() -> None:
    with pytest.raises(ValidationError, match="columns have names only where `header_lines`"):
        DeclaredOptions.model_validate({**NAMED_OPTIONS, "header_lines": 0})
