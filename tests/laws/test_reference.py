"""Laws of reference data: columns are the rows one by one, cuts do not matter, all is counted."""

from collections.abc import Mapping
from itertools import pairwise

import numpy as np
import polars as pl
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from polars.testing import assert_frame_equal

from tallywire.catalog.snapshot import Feed
from tallywire.mediation.decoded import Frames
from tallywire.mediation.decoders import DECODERS
from tallywire.mediation.dialled import numbers_by_node
from tallywire.mediation.dialled import written as written_column
from tallywire.mediation.lane import LaneState, Mediated, mediate
from tallywire.mediation.nodes import TrunkRules
from tallywire.numbering import Dated, PrefixBook, normalise, written
from tallywire.reference import BETWEEN, ReferenceTable
from tests.reference_feed import catalogue, context, lines

QUICK = settings(max_examples=30, deadline=None, suppress_health_check=list(HealthCheck))
PIECES = st.sampled_from(
    ["sip:", "SIPS:", "tel:", "<", ">", "@", "host", ";", ":", "?", "+", "47", "0", "90010001",
     "%2B", "%23", ";phone-context=", "+44", ";npdi", "F", "E+11", ".", "NULL", "anonymous", "-",
     " ", "#", "a", "\u0663", "\u017f", "\n"]
)  # fmt: skip
WRITTEN = st.lists(PIECES, max_size=7).map("".join)
NODES = (
    TrunkRules("47", "", ("00",)),
    TrunkRules("46", "0", ("00", "009")),
    TrunkRules("1", "1", ("011",)),
)


@given(raws=st.lists(WRITTEN, max_size=30), home=st.sampled_from(["47", "44"]))
def test_a_column_of_written_numbers_is_each_number(raws: list[str], home: str) -> None:
    found = written_column(pl.Series(raws, dtype=pl.String), home)
    assert list(zip(*found, strict=True)) == [written(raw, home_country=home) for raw in raws]


@given(st.lists(st.tuples(WRITTEN, st.integers(0, 2)), max_size=30))
def test_a_column_of_several_nodes_is_each_number_by_its_node(rows: list[tuple[str, int]]) -> None:
    raws = pl.Series([raw for raw, _ in rows], dtype=pl.String)
    which = np.array([node for _, node in rows], np.int64)
    found = numbers_by_node(raws, NODES, which)
    one_by_one = [
        normalise(
            raw, home_country=NODES[node].home_country, trunk_prefix=NODES[node].trunk_prefix,
            international_prefixes=NODES[node].international_prefixes,
        ) or ""
        for raw, node in rows
    ]  # fmt: skip
    assert found.digits.to_list() == one_by_one
    marks = [""] * len(rows) if found.marks is None else found.marks.to_list()
    assert marks == [written(raw, home_country=NODES[node].home_country)[1] for raw, node in rows]


PREFIXES = st.dictionaries(
    st.text("47", min_size=1, max_size=5),
    st.lists(st.integers(0, 9), min_size=2, max_size=4, unique=True).map(sorted),
    max_size=12,
)
"""A prefix, and the edges of the times in which its rows hold, one after another."""


def _rows(held: Mapping[str, list[int]]) -> list[tuple[str, int, int]]:
    return [(key, *edge) for key, edges in held.items() for edge in pairwise(edges)]


def _table(rows: list[tuple[str, int, int]], **more: list[str]) -> ReferenceTable:
    columns = {
        "number": pl.Series([row[0] for row in rows], dtype=pl.String),
        "valid_from_us": pl.Series([row[1] for row in rows], dtype=pl.Int64),
        "valid_to_us": pl.Series([row[2] for row in rows], dtype=pl.Int64),
    }
    return ReferenceTable("portability", ("number",), pl.DataFrame({**columns, **more}))


@QUICK
@given(
    held=PREFIXES,
    asked=st.lists(st.tuples(st.text("47", max_size=6), st.integers(0, 10)), max_size=20),
)
def test_the_longest_ported_prefix_is_that_of_a_book(
    held: dict[str, list[int]], asked: list[tuple[str, int]]
) -> None:
    rows = _rows(held)
    book = PrefixBook(Dated(key, str(no), 0, 0, *edge) for no, (key, *edge) in enumerate(rows))
    texts = pl.Series([text for text, _ in asked], dtype=pl.String)
    moments = np.array([moment for _, moment in asked], np.int64)
    found, known = _table(rows).find(texts, moments, key="number", longest=True)
    expected = [book.find(text, moment) for text, moment in asked]
    assert [None if row < 0 else str(row) for row in found.tolist()] == [
        entry.zone_id if entry else None for entry, _ in expected
    ]
    assert known.tolist() == [seen for _, seen in expected]


KEYS = st.tuples(st.sampled_from(["sip", "code"]), st.sampled_from("ab"), st.sampled_from("xyz"))


@QUICK
@given(
    held=st.dictionaries(KEYS, st.lists(st.integers(0, 9), min_size=2, max_size=4, unique=True)),
    asked=st.lists(st.tuples(KEYS, st.integers(0, 10)), max_size=20),
)
def test_an_alias_is_that_of_a_dictionary(
    held: dict[tuple[str, str, str], list[int]], asked: list[tuple[tuple[str, str, str], int]]
) -> None:
    rows = [(key, *edge) for key, edges in held.items() for edge in pairwise(sorted(edges))]
    frame = pl.DataFrame(
        [(*key, since, until) for key, since, until in rows],
        schema={"kind": pl.String, "to_kind": pl.String, "value": pl.String,
                "valid_from_us": pl.Int64, "valid_to_us": pl.Int64}, orient="row",
    )  # fmt: skip
    texts = pl.Series([BETWEEN.join(key) for key, _ in asked], dtype=pl.String)
    moments = np.array([moment for _, moment in asked], np.int64)
    found, _ = ReferenceTable("aliases", ("value",), frame).find(texts, moments, key="value")
    expected = [
        next((no for no, (one, since, until) in enumerate(rows)
              if one == key and since <= moment < until), -1)
        for key, moment in asked
    ]  # fmt: skip
    assert found.tolist() == expected


SNAPSHOT = catalogue(
    """
nodes:
  - {id: sweden, home_country: "46", trunk_prefix: "0", time_zone: Europe/Helsinki}
  - {id: fast, clock_offset_ms: [{offset_ms: 90000, valid_from: 2026-10-20}]}
map: {usage_type: {from: cause, values: {"16": answered}}}
enrich:
  - {from: trunks, by: trunk_in, set: {partner: partner, attributes.way: direction}, required: yes}
  - {from: portability, by: b_number, set: {attributes.b_operator: operator}}
filters:
  - {name: lab, when: {a_number: {in: lab}}}
  - {name: short, when: {quantity: {below: 2s}, cause: {is_not: "16"}}}
""",
    {
        "trunks": "trunk,partner,direction,home_country,valid_from\nS,NORDVIK,in,46,2026-10-20\nN,,out,,\n",
        "portability": "number,operator\n4741,Telia\n4741234567,Ice\n",
        "lab": "number\n4790010002\n",
    },
)
FEED: Feed = SNAPSHOT.feeds["hub"]
RECORD = st.fixed_dictionaries(
    {
        "id": st.integers(0, 9).map(str),
        "start": st.sampled_from(["2026-10-19 23:59:59", "2026-10-20 10:00:00",
                                  "2026-10-25 02:30:00"]),
        "seconds": st.sampled_from(["1", "60"]),
        "a_raw": st.sampled_from(["+4790010001", "+4790010002", "4.79E+9", "sip:90010001@h"]),
        "b_raw": st.sampled_from(["+4741234567", "0701234567", "9.1E+11", "41999999", "NULL"]),
        "node": st.sampled_from(["", "sweden", "fast"]),
        "trunk_in": st.sampled_from(["", "S", "N", "X"]),
        "cause": st.sampled_from(["", "16", "17"]),
    }
)  # fmt: skip


def _work(state: LaneState, frames: Frames) -> Mediated:
    decoded = DECODERS[FEED.format].decode(frames, FEED)
    return mediate(state, decoded.frame, context(SNAPSHOT, b"\n", frames))


@QUICK
@given(
    records=st.lists(RECORD, min_size=1, max_size=12),
    cuts=st.lists(st.integers(0, 12), max_size=3),
)
def test_cuts_do_not_matter_and_everything_is_counted_once(
    records: list[dict[str, str]], cuts: list[int]
) -> None:
    frames = context(SNAPSHOT, lines(*records)).frames
    assert frames is not None
    whole = _work(LaneState(), frames)
    edges = [0, *sorted(min(cut, len(frames)) for cut in cuts), len(frames)]
    state = LaneState()
    parts = [
        _work(state, Frames(frames.data, frames.starts[a:b], frames.lengths[a:b], a, 0))
        for a, b in pairwise(edges)
    ]
    for name in ("usage", "set_aside", "suspense"):
        together = pl.concat([getattr(part, name) for part in parts])
        every = getattr(whole, name)
        assert_frame_equal(together.sort("record_no"), every.sort("record_no"))
    assert whole.usage.height + whole.set_aside.height + whole.suspense.height == len(records)
