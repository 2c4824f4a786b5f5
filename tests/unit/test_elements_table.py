import time

import polars as pl
import pytest

from schemas.reasons import Reason
from tallywire.mediation.elements_table import element_frame
from tallywire.mediation.framing import Elements, frame

CALLS = Elements(("call",))


def table(text: str | bytes, *paths: str, encoding: str = "") -> pl.DataFrame:
    data = text.encode() if isinstance(text, str) else text
    head = data[: CALLS.prologue(data, at_end=True) or 0]
    frames, _ = frame(data, CALLS, at_end=True, prologue=head)
    return element_frame(frames, CALLS.names, paths, encoding)


def calls(found: pl.DataFrame, *paths: str) -> list[tuple[str, ...]]:
    return found.filter(pl.col("reason").is_null()).select(paths).rows()


def wrong(found: pl.DataFrame) -> list[tuple[str, str]]:
    kept = pl.col("reason").is_not_null() & (pl.col("reason") != Reason.CONTROL_RECORD.value)
    return found.filter(kept).select("reason", "detail").rows()


def test_texts_stand_at_paths_and_attributes_behind_an_at() -> None:
    paths = ("a/b", "a/b/@n", "@id", "a", "none")
    found = table(
        '<?xml version="1.0"?><all><call id="1"><a><b n="x"> 4&amp;7 </b><b>second</b>\n</a></call>'
        "<call id='2'><a/></call><call/></all>",
        *paths,
    )
    assert calls(found, *paths) == [
        ("4&7", "x", "1", "4&7 second", ""), ("", "", "2", "", ""), ("", "", "", "", "")
    ]  # fmt: skip
    assert found["reason"].to_list()[0] == found["reason"].to_list()[-1] == Reason.CONTROL_RECORD


def test_a_broken_record_is_told_alone() -> None:
    found = table(
        "<all><call><a>1</a></call><call><a>2</b></call><call><a>3</a></call>text<call><a>4</a></all>",
        "a",
    )
    assert calls(found, "a") == [("1",), ("3",)]
    reasons = [reason for reason, _ in wrong(found)]
    assert reasons == [Reason.RECORD_UNREADABLE, Reason.RECORD_UNREADABLE, Reason.RECORD_UNREADABLE]
    assert wrong(table("<all><call><a>1</a", "a")) == [
        (Reason.RECORD_TRUNCATED, "ends before its element does")
    ]


def test_two_broken_records_do_not_make_a_good_one() -> None:
    found = table(
        "<all><call><a>1<!--</a></call><call>--></a></call><call><a>2</a></call></all>", "a"
    )
    assert calls(found, "a") == [("2",)]
    assert len(wrong(found)) == 2


def test_a_record_that_brings_the_separators_of_the_table_is_read_all_the_same() -> None:
    found = table(
        "<all><call><a>\ue000\ue001</a><b>2</b></call><call><a>1</a></call></all>", "a", "b"
    )
    assert calls(found, "a", "b") == [("\ue000\ue001", "2"), ("1", "")]


BOMB = (
    '<?xml version="1.0"?><!DOCTYPE all [<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;">'
    '<!ENTITY c SYSTEM "file:///etc/hostname">]><all><call><a>&b;</a></call>'
    "<call><a>&c;</a></call><call><a>1</a></call></all>"
)


def test_entities_are_not_read_nor_what_they_name() -> None:
    found = table(BOMB, "a")
    assert calls(found, "a") == [("1",)]
    assert wrong(found) == [
        (Reason.RECORD_UNREADABLE, "declares entities, which are not read"),
        (Reason.RECORD_UNREADABLE, "is no XML: Entity 'b' not defined, line 1, column 18"),
        (Reason.RECORD_UNREADABLE, "is no XML: Entity 'c' not defined, line 1, column 18"),
    ]
    inside = table('<all><call><!DOCTYPE call [<!ENTITY a "ha">]><a>&a;</a></call></all>', "a")
    assert [reason for reason, _ in wrong(inside)] == [Reason.RECORD_UNREADABLE]


def test_a_record_nested_without_end_takes_no_time() -> None:
    began = time.process_time()
    found = table("<all><call>" + "<a>" * 100_000 + "</a>" * 100_000 + "</call></all>", "a")
    assert [reason for reason, _ in wrong(found)] == [Reason.RECORD_UNREADABLE]
    assert time.process_time() - began < 5


def test_prefixes_are_those_the_file_declares() -> None:
    text = '<x:all xmlns:x="urn:x" xmlns:y="urn:y"><call y:n="1"><x:a>7</x:a></call></x:all>'
    assert calls(table(text, "x:a", "@y:n"), "x:a", "@y:n") == [("7", "1")]
    undeclared = table("<all><call><z:a>7</z:a></call></all>", "a")
    assert [reason for reason, _ in wrong(undeclared)] == [Reason.RECORD_UNREADABLE]


@pytest.mark.parametrize("name", ["ISO-8859-1", "windows-1252", "utf-8"])
def test_the_file_says_how_its_texts_are_written(name: str) -> None:
    text = f'<?xml version="1.0" encoding="{name}"?><all><call><a>Bjørn</a></call></all>'
    assert calls(table(text.encode(name), "a"), "a") == [("Bjørn",)]


def test_bytes_that_are_no_text_and_encodings_that_are_not_read() -> None:
    latin = "<all><call><a>Bjørn</a></call></all>".encode("latin-1")
    assert wrong(table(latin, "a")) == [(Reason.ENCODING_INVALID, "is not utf-8 text")]
    assert calls(table(latin, "a", encoding="iso-8859-1"), "a") == [("Bjørn",)]
    other = '<?xml version="1.0" encoding="EBCDIC"?><all><call><a>1</a></call></all>'
    assert [reason for reason, _ in wrong(table(other, "a"))] == [Reason.ENCODING_INVALID]


def test_a_record_does_not_depend_on_how_many_are_read_at_once() -> None:
    record = "<call><a>" + "x" * 900 + "</a></call>"
    found = table("<all>" + record * 2_000 + "</all>", "a")
    assert found.filter(pl.col("reason").is_null())["a"].unique().to_list() == ["x" * 900]
    assert found.height == 2_002
