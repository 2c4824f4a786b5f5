"""Price lists imported: each cell read exactly or its row refused, with what that means."""

import io
import json
from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cli.price import price as price_lines
from tallywire.catalog import Snapshot, read
from tallywire.catalog.imports import Imported, Kind, OperatorWords
from tallywire.catalog.imports.astpp import import_astpp
from tallywire.catalog.imports.price_list import (
    MappingFault,
    import_list,
    mapping_file,
    mapping_of,
)
from tallywire.catalog.imports.price_list.cells import CellFault, date, price, steps
from tallywire.catalog.imports.price_list.codes import CodeFault, codes_of

SAID = OperatorWords("Carrier AS", "EUR", "Europe/Oslo", "47")
MAPPED = {"prefix": "Code", "rate": "Rate", "increment": "60/60", "id": "list"}


def _list(text: str, **more: str) -> Imported:
    return import_list("list.csv", text, mapping_of({**MAPPED, **more}), SAID)


def _snapshot(imported: Imported) -> Snapshot:
    reading = read({name: text.encode() for name, text in imported.files.items()}, {})
    assert reading.problems == []
    assert reading.snapshot is not None
    return reading.snapshot


def _told(imported: Imported, *kinds: Kind) -> list[str]:
    return [str(note) for note in imported.notes if note.kind in kinds]


def _charge(
    imported: Imported, number: str, seconds: int, start: str = "2026-06-01T10:00:00Z"
) -> Fraction | None:
    snapshot = _snapshot(imported)
    line = {
        "service": "voice",
        "offer_id": "list",
        "start_time": start,
        "b_number": number,
        "quantity": seconds * 1_000_000,
    }
    ((answer, good),) = price_lines(snapshot, io.BytesIO(json.dumps(line).encode()))
    row = json.loads(answer)
    return Fraction(row["amount_numerator"]) / int(row["amount_denominator"]) if good else None


@pytest.mark.parametrize(
    ("cell", "country", "codes"),
    [
        ("46", None, ["46"]),
        ("+4670", None, ["4670"]),
        ("4670, 4673; 46760-46762", None, ["4670", "4673", "46760", "46761", "46762"]),
        ("1787/1939", None, ["1787", "1939"]),
        ("4670 - 4671", None, ["4670", "4671"]),
        ("70, 73", "46", ["4670", "4673"]),
        ("08-10", "+46", ["4608", "4609", "4610"]),
        ("", "46", ["46"]),
        ("4670, 4670", None, ["4670"]),
    ],
)
def test_codes(cell: str, country: str | None, codes: list[str]) -> None:
    assert list(codes_of(cell, country)) == codes


@pytest.mark.parametrize(
    ("cell", "country", "said"),
    [
        ("", None, "the code is empty"),
        ("9.12E+11", None, "a spreadsheet has changed it"),
        ("12-Mar", None, "a spreadsheet has changed it"),
        ("46-Jan", None, "a spreadsheet has changed it"),
        ("2046-07-01", None, "a spreadsheet has changed it"),
        ("4670.0", None, "has a decimal point"),
        ("#REF!", None, "is an error of a spreadsheet"),
        ("004670", None, "begins with 0"),
        ("46 70", None, "has a space"),
        ("46-70", None, "may be a range, or a country and an area"),
        ("4670, 73", None, "begin differently"),
        ("4673-4670", None, "the lower first"),
        ("4670-46790", None, "two codes of one length"),
        ("1000000-1999999", None, "more than 2000 codes"),
        ("Sweden", None, "is no code"),
        ("70", "", "the country code is empty"),
        ("70", "0046", "begins with 0"),
        ("46" * 10, None, "is no code: write at most 18 digits"),
    ],
)
def test_codes_that_are_refused(cell: str, country: str | None, said: str) -> None:
    with pytest.raises(CodeFault, match=said):
        codes_of(cell, country)


@given(st.integers(1_000, 9_000), st.integers(0, 900))
def test_a_range_is_all_of_its_codes(low: int, more: int) -> None:
    assert codes_of(f"{low}-{low + more}", "46") == tuple(
        f"46{code}" for code in range(low, low + more + 1)
    )


@pytest.mark.parametrize(
    ("cell", "decimal", "value"),
    [("0.0120", "point", "0.012"), ("0,0120", "comma", "0.012"), ("3", "comma", "3")],
)
def test_prices(cell: str, decimal: str, value: str) -> None:
    assert price(cell, decimal) == value


@pytest.mark.parametrize(
    ("cell", "decimal", "said"),
    [
        ("", "point", "write it, 0 for what is free"),
        ("0,0120", "point", "say decimal comma"),
        ("0.0120", "comma", "has a point where a comma"),
        ("1,234.50", "point", "marks between thousands"),
        ("1.234,50", "comma", "marks between thousands"),
        ("-0.01", "point", "is negative"),
        ("$0.01", "point", "without sign or currency"),
        ("0.01 EUR", "point", "without sign or currency"),
        ("1.2E-05", "point", "is no price"),
        ("#N/A", "point", "error of a spreadsheet"),
        ("0.012000000000000001", "point", "more than 12 decimals"),
    ],
)
def test_prices_that_are_refused(cell: str, decimal: str, said: str) -> None:
    with pytest.raises(CellFault, match=said):
        price(cell, decimal)


def test_increments_and_dates() -> None:
    assert [steps("60/1"), steps("1+1"), steps("6")] == [("60", "1"), ("1", "1"), ("6", "6")]
    assert date("01.07.2026", "%d.%m.%Y") == "2026-07-01"
    assert date("31.12.2026", "%d.%m.%Y", included=True) == "2027-01-01"
    for cell, said in (("60/0", "a step of 0"), ("min", "are no increments")):
        with pytest.raises(CellFault, match=said):
            steps(cell)
    for cell, said in (("07/01/2026", "is no date written as"), ("1901-01-01", "outside 1970")):
        with pytest.raises(CellFault, match=said):
            date(cell, "%Y-%m-%d")


CARRIER = """Price list of June;;;;
Country;Code;Name;Rate;Fee
46;;Sweden;0,012;0
46;"70, 73, 760-765";Sweden, mobile;0,045;0,01
47;;Norway;0,009;0
47;4;Norway, mobile;1.234,5;0
47;9;Norway, mobile;;0,5x
44;2E+3;United Kingdom;0,01;0
44;;United Kingdom;0,011;0
49;;Germany;0,01
"""


def test_a_list_of_countries_and_areas_with_commas() -> None:
    imported = _list(
        CARRIER, separator=";", skip_lines="1", decimal="comma", country_code="Country",
        destination="Name", connect_fee="Fee",
    )  # fmt: skip
    assert _told(imported, Kind.REFUSED) == [
        (
            "list.csv:6: Rate: '1.234,5' has marks between thousands: write it without them. "
            "For money: calls to 474 are priced as 47, at 0.009"
        ),
        (
            "list.csv:7: Rate: '' is no price: write it, 0 for what is free; Fee: '0,5x' is no price: "
            "write the number alone, such as 0.0125, without sign or currency. "
            "For money: calls to 479 are priced as 47, at 0.009"
        ),
        (
            "list.csv:8: Code: '2E+3' is no code; a spreadsheet has changed it: make the column text, "
            "correct the cell, export again. For money: the numbers it prices fall to a shorter "
            "prefix, or are set aside without price"
        ),
        (
            "list.csv:10: 4 cells where the first line has 5: correct the row. For money: the numbers "
            "it prices fall to a shorter prefix, or are set aside without price"
        ),
    ]
    assert not imported.complete
    assert _charge(imported, "4670123456", 61) == Fraction("0.10")
    assert _charge(imported, "4676312345", 60) == Fraction("0.055")
    assert _charge(imported, "4681234567", 61) == Fraction("0.024")
    assert _charge(imported, "4930123456", 60) is None


DATED = """Code,Rate,First,Next,From,To
46,0.010,1,1,,2026-06-30
46,0.020,60,1,2026-07-01,
46,0.020,60,1,2026-07-01,
47,0.010,1,1,,2026-06-30
47,0.020,1,1,2026-08-01,
48,0.010,1,1,,
48,0.011,1,1,,
49,0.010,1,1,2026-08-01,2026-07-01
"""


def test_dates_follow_one_another_or_are_refused() -> None:
    columns = {"initial": "First", "subsequent": "Next", "valid_from": "From", "valid_to": "To"}
    mapping = {**MAPPED, **columns, "valid_to_included": "yes", "start": "2026-01-01"}
    del mapping["increment"]
    imported = import_list("list.csv", DATED, mapping_of(mapping), SAID)
    assert [one.partition(". For")[0] for one in _told(imported, Kind.REFUSED)] == [
        "list.csv:5: 47 has no price between lines 5 and 6: close the gap",
        "list.csv:6: 47 has no price between lines 5 and 6: close the gap",
        "list.csv:7: 48 has two prices at one time, lines 7 and 8: keep one, or give them dates",
        "list.csv:8: 48 has two prices at one time, lines 7 and 8: keep one, or give them dates",
        "list.csv:9: it ends before it begins: correct the dates",
    ]
    assert "list.csv:4: 46 is given twice with one price. For money: none" in _told(
        imported, Kind.UNUSED
    )
    last, first = "2026-06-30T21:59:59Z", "2026-06-30T22:00:00Z"  # midnight in Oslo
    assert _charge(imported, "461", 30, last) == Fraction("0.005")
    assert _charge(imported, "461", 30, first) == Fraction("0.02")


def test_what_nobody_said_is_told() -> None:
    told = " | ".join(_told(_list("Code,Rate,Peak\n46,0.01,0.02\n"), Kind.ASSUMED, Kind.UNUSED))
    assert "half_up to 6 decimals" in told
    assert "the prices hold from 2000-01-01 on" in told
    assert "list.csv:1: these columns are not mapped: Peak" in told
    bare = import_list("x.csv", "Code,Rate\n46,0.01\n", mapping_of(MAPPED), OperatorWords())
    assert "currency is USD; say another with --currency" in " ".join(_told(bare, Kind.ASSUMED))


def test_a_list_of_nothing_good_gives_no_catalogue() -> None:
    for rows in ("46,free\n", ""):
        imported = _list("Code,Rate\n" + rows)
        assert (imported.files, imported.complete) == ({}, False)


@pytest.mark.parametrize(("service", "per"), [("sms", "1"), ("data", "1 MB"), ("api", "1000")])
def test_other_services_have_their_own_units(service: str, per: str) -> None:
    imported = _list("Code,Rate\n46,0.01\n", service=service, per=per, increment="1/1")
    assert _snapshot(imported).tariffs["list"].service == service


@pytest.mark.parametrize(
    ("said", "fault"),
    [
        ({"rate": "Rat"}, "rate: list.csv has no column 'Rat'; did you mean 'Rate'"),
        ({"prefix": "Twice"}, "prefix: there are 2 columns 'Twice'; rename one"),
        ({"increment": "60/0"}, "increment: steps must be greater than 0"),
        ({"initial": "Rate"}, "increment: say one column or 60/60"),
        ({"per": "1 furlong"}, "per: 'furlong' is not a unit"),
        ({"service": "sms"}, "per: '1 min' is not more than 0 counts, in which sms counts"),
        ({"decimal": "dot"}, "decimal: "),
        ({"start": "soon"}, "start: 'soon' is not a day; write"),
        ({"skip_lines": "9"}, "no line with names of columns after 9 lines"),
        ({"colour": "red"}, "colour: "),
    ],
)
def test_a_mapping_that_cannot_be_used(said: dict[str, str], fault: str) -> None:
    with pytest.raises(MappingFault, match=fault):
        _list("Code,Rate,Twice,Twice\n46,0.01,,\n", **said)


def test_a_mapping_file() -> None:
    text = b"prefix: Code\nrate: Rate\nincrement: 60/1\nskip_lines: 1\n"
    assert mapping_file("m.yaml", text)["increment"] == "60/1"
    with pytest.raises(MappingFault, match=r"m.yaml:2: prefixx: unknown key; did you mean prefix"):
        mapping_file("m.yaml", b"rate: Rate\nprefixx: Code\n")
    with pytest.raises(MappingFault, match="not a mapping"):
        mapping_file("m.yaml", b"- prefix\n")


ORIGINATION = """Code,Destination,Connect Cost(USD),Included Seconds,Per Minute Cost(USD),Initial Increment,Increment
^46.*,Sweden,0.01,0,0.06,60,1
4670,"Sweden, mobile",0,10,0.12,0,6
47,Norway,0,0,0.03,30,0,
"""
TERMINATION = """"Code","Prepend","Destination","Connection Cost","Grace Time","Cost/Min","Increment","Priority","Effective Date","Status"
46,00,Sweden,0,0,0.06,60,0,2026-01-01 00:00:00,Active
47,00,Norway,0,0,0.03,60,0,0000-00-00 00:00:00,Inactive
48,00,Poland,0,0,0.03,60,0,2026-01-01 12:00:00,Active
"""


def test_an_origination_deck() -> None:
    imported = import_astpp("deck.csv", ORIGINATION, SAID, {"id": "list"})
    assert imported.complete
    assert _charge(imported, "4680000000", 61) == Fraction("0.071")
    assert _charge(imported, "4670000000", 13) == Fraction("0.012")  # 10 s free, then 6 s
    assert _charge(imported, "4720000000", 31) == Fraction("0.0155")
    told = " | ".join(str(note) for note in imported.notes)
    assert "deck.csv:3: 2 increments are 0 or empty" in told
    assert "1 rows have free seconds that are no whole number of first steps" in told


def test_a_termination_deck_has_routing_that_is_not_carried_over() -> None:
    imported = import_astpp("deck.csv", TERMINATION, SAID, {"id": "list"})
    assert [one.partition(". For")[0] for one in _told(imported, Kind.LOST, Kind.REFUSED)] == [
        "deck.csv:1: the column Prepend: digits put before the number when it is routed",
        "deck.csv:1: the column Priority: order of trunks",
        (
            "deck.csv:4: Effective Date: '2026-01-01 12:00:00' is no date written as %Y-%m-%d: "
            "correct it, or say another date format"
        ),
    ]
    assert "deck.csv:3: the rate is inactive. For money: none" in _told(imported, Kind.UNUSED)
    assert _charge(imported, "461", 1, "2025-12-31T22:00:00Z") is None
    assert _charge(imported, "461", 1, "2025-12-31T23:00:00Z") == Fraction("0.06")


def test_a_deck_without_its_columns_is_refused() -> None:
    with pytest.raises(MappingFault, match=r"deck\.csv has no column Per Minute Cost, Increment"):
        import_astpp("deck.csv", "Code,Destination\n46,Sweden\n", SAID)


@settings(max_examples=50, deadline=None)
@given(st.text(max_size=200))
def test_no_text_makes_an_import_raise_anything_else(text: str) -> None:
    try:
        imported = _list("Code,Rate\n46,0.01\n" + text)
    except MappingFault:
        return
    if imported.files:
        _snapshot(imported)
