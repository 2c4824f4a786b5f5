"""XML elements read at a stroke are what a parser reads, whatever stands in them."""

import polars as pl
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from lxml import etree

from schemas.reasons import Reason
from tallywire.mediation.elements_reader import Reader
from tallywire.mediation.elements_shapes import _SEEN_BEFORE, quick_rows
from tallywire.mediation.elements_table import element_frame
from tallywire.mediation.framing import Elements, frame

CALLS = Elements(("call",))
PATHS = ("a", "b/c", "b", "@id", "b/@n", "none")
QUICK = settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))

texts = st.lists(
    st.sampled_from(
        ["1", " ", "\n", "\r", "\r\n", "ø", "&amp;", "&", "]]>", ">", "<!--x-->", "<![CDATA[<]]>",
         "<?p q?>", "\x01", "\ufffe", "'", "&#49;", "&none;", "", "7.", "0."]
    ),
    max_size=3,
).map("".join)  # fmt: skip
templates = st.sampled_from(
    ["<call><a>{0}</a></call>", "<call><a>{0}</a><b><c>{1}</c></b></call>",
     "<call id='7'><a>{0}</a></call>", "<call><b n='{0}'><c>{1}</c></b></call>",
     "<call><b>{0}<c>{1}</c></b></call>", "<call><a>{0}</a><a>{1}</a></call>", "<call/>",
     "<call><a/><b><c/></b>{0}</call>", "<call><a>{0}</b></call>", "<call ><a >{0}</a ></call>",
     "<call><a>{0}</a>{1}</call>", "<call><b><c>{0}</c></b><b><c>{1}</c></b></call>",
     "<call><a.b>{0}</a.b></call>", "<call><x:a>{0}</x:a></call>", "<call a=1><a>{0}</a></call>",
     "<call id='1' id='2'><a>{0}</a></call>", "<call><a<a>{0}</a></call>"]
)  # fmt: skip
records = st.tuples(templates, texts, texts).map(lambda one: one[0].format(*one[1:]))


def parsed(record: bytes) -> tuple[str, ...] | None:
    """What the parser alone reads, blanks around texts dropped."""
    reader = Reader(PATHS, "utf-8", ())
    try:
        found = reader.parse([record])
    except etree.XMLSyntaxError:
        return None
    return tuple(column[0].strip(" \t\r\n") for column in reader.texts(found))


@QUICK
@given(found=st.lists(records, min_size=1, max_size=5))
def test_elements_read_at_a_stroke_are_what_the_parser_reads(found: list[str]) -> None:
    data = ("\n".join(found) * (_SEEN_BEFORE + 2)).encode()
    frames, _ = frame(data, CALLS, at_end=True)
    rows = element_frame(frames, CALLS.names, PATHS)
    for piece, row in zip(frames.slices(), rows.iter_rows(named=True), strict=True):
        if not piece.startswith(b"<call"):
            assert row["reason"] in {Reason.RECORD_UNREADABLE, Reason.CONTROL_RECORD}
            continue
        expected = parsed(piece)
        if expected is None:
            assert row["reason"] in {Reason.RECORD_UNREADABLE, Reason.RECORD_TRUNCATED}
            assert all(row[path] == "" for path in PATHS)
        else:
            assert row["reason"] is None, row["detail"]
            assert tuple(row[path] for path in PATHS) == expected


def test_what_machines_write_is_read_at_a_stroke() -> None:
    """All but the first elements of a shape, so that this law is about something."""
    pieces = [f"<call><a>{number}</a><b n='x'><c>ø</c></b></call>".encode() for number in range(99)]
    read = dict(quick_rows(pieces, range(99), Reader(("a", "b/c", "b/@n"), "utf-8", ("unused",))))
    assert len(read) == 99 - _SEEN_BEFORE
    assert read[98] == ("98", "ø", "x")


def test_a_table_of_no_records_has_its_columns() -> None:
    frames, _ = frame(b"", CALLS, at_end=True)
    assert element_frame(frames, CALLS.names, PATHS).select(PATHS).schema == pl.Schema(
        dict.fromkeys(PATHS, pl.String())
    )
