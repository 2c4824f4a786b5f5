"""A CGRateS tariff plan imported: charges to the last digit, and a note for all the rest."""

import datetime as dt
import io
import json
from collections.abc import Mapping, Sequence
from fractions import Fraction
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cli.price import price
from schemas.services import Service
from tallywire.catalog import Snapshot, read
from tallywire.catalog.imports import Imported, Kind, OperatorWords
from tallywire.catalog.imports.cgrates import import_cgrates
from tests.unit.tariffplan_walk import Walk

FOLDER = Path(__file__).with_name("tariffplan")
TEXTS = {path.name: path.read_text() for path in sorted(FOLDER.glob("*.csv"))}
SAID = OperatorWords("Fjordline AS", "EUR", "Europe/Oslo", "47")
WALK = Walk(FOLDER, "Europe/Oslo")


def _imported(texts: Mapping[str, str] = TEXTS, **services: Service) -> Imported:
    return import_cgrates(texts, SAID, services)


def _snapshot(imported: Imported) -> Snapshot:
    reading = read({name: text.encode() for name, text in imported.files.items()}, {})
    assert reading.problems == []
    assert reading.snapshot is not None
    return reading.snapshot


def _told(imported: Imported, *kinds: Kind) -> list[str]:
    return [str(note) for note in imported.notes if note.kind in kinds]


Usage = tuple[str, str, dt.datetime, str, int]
"""Service, offer, start, number, base units."""


def _charges(snapshot: Snapshot, usage: Sequence[Usage]) -> list[Fraction | None]:
    lines = [
        {
            "service": service,
            "offer_id": offer,
            "start_time": start.isoformat(),
            "b_number": number,
            "quantity": quantity,
        }
        for service, offer, start, number, quantity in usage
    ]
    source = io.BytesIO(b"\n".join(json.dumps(line).encode() for line in lines))
    rows = [json.loads(answer) if good else None for answer, good in price(snapshot, source)]
    return [
        Fraction(row["amount_numerator"]) / int(row["amount_denominator"]) if row else None
        for row in rows
    ]


@pytest.fixture(scope="module")
def snapshot() -> Snapshot:
    return _snapshot(_imported())


def _oslo(text: str) -> dt.datetime:
    return dt.datetime.fromisoformat(text)


@pytest.mark.parametrize(
    ("subject", "start", "number", "seconds", "charge"),
    [
        # Tuesday by day: 0.05 + 0.12 for the first minute, then 30 s at 0.08 a minute
        ("any", "2026-06-02T10:00:00+02:00", "4722000000", 90, "0.21"),
        # in the evening: 0.05 + 0.06, then 30 s at 0.03
        ("any", "2026-06-02T20:00:00+02:00", "4722000000", 90, "0.125"),
        # Saturday is the same
        ("any", "2026-06-06T10:00:00+02:00", "4722000000", 90, "0.125"),
        # mobile by day: 0.10 + 30 s and six steps of 6 s at 0.30 a minute
        ("any", "2026-06-02T10:00:00+02:00", "4741000000", 61, "0.43"),
        # … at lunch, of higher weight: the connection alone
        ("any", "2026-06-02T11:00:00+02:00", "4741000000", 600, "0.20"),
        # … on Christmas Eve, a Thursday, by the second
        ("any", "2026-12-24T10:00:00+01:00", "4741000000", 61, "0.7625"),
        # 4 s by day with a whole minute begun at 17:59:58
        ("any", "2026-06-02T17:59:58+02:00", "4722000000", 62, "0.171"),
        # half a minute of the day with its 0.10, then a minute of the evening without its own fee
        ("any", "2026-06-02T17:59:30+02:00", "4741000000", 90, "0.31"),
        # Germany: the fallback subject's plan, at most 1.50
        ("any", "2026-06-02T10:00:00+02:00", "4930000000", 60, "0.75"),
        ("any", "2026-06-02T10:00:00+02:00", "4930000000", 600, "1.50"),
        # the staff's second plan: 479 is in two destinations, the heavier is by the second
        ("staff", "2026-07-02T10:00:00+02:00", "4790000000", 90, "0.015"),
        ("staff", "2026-06-02T10:00:00+02:00", "4790000000", 61, "0.43"),
    ],
)  # fmt: skip
def test_charges_worked_out_by_hand(
    snapshot: Snapshot, subject: str, start: str, number: str, seconds: int, charge: str
) -> None:
    usage = ("voice", f"fjord:call:{subject}", _oslo(start), number, seconds * 1_000_000)
    assert _charges(snapshot, [usage]) == [Fraction(charge)]
    own = "*any" if subject == "any" else subject
    assert WALK.charge(own, _oslo(start), number, seconds) == Fraction(charge)


def test_messages_and_numbers_without_price(snapshot: Snapshot) -> None:
    start = _oslo("2026-06-02T10:00:00+02:00")
    usage = [
        ("sms", "fjord:sms:any", start, "4741000000", 1),
        ("sms", "fjord:sms:any", start, "", 3),
        ("voice", "fjord:call:any", start, "8810000000", 60_000_000),
    ]
    assert _charges(snapshot, usage) == [Fraction("0.04"), Fraction("0.12"), None]


MOMENTS = st.one_of(
    st.integers(0, 3 * 365 * 86_400),
    st.integers(358 * 86_400, 360 * 86_400),  # the days around Christmas
    st.builds(  # less than four minutes before an edge of bands
        lambda day, edge, before: day * 86_400 + edge * 60 - before,
        st.integers(120, 140),
        st.sampled_from([7 * 60 + 30, 11 * 60, 12 * 60 + 30, 18 * 60, 24 * 60]),
        st.integers(1, 240),
    ).map(lambda second: second - 3_600),  # by summer time, an hour ahead of 1 January
).map(lambda second: _oslo("2025-01-01T00:00:00+01:00") + dt.timedelta(seconds=second))
CALLS = st.tuples(
    st.sampled_from(["*any", "staff"]),
    MOMENTS,
    st.sampled_from(["4722000000", "4741000000", "4790000000", "4930000000", "3512345678"]),
    st.integers(1, 900),
)


@settings(max_examples=8, deadline=None)
@given(st.lists(CALLS, min_size=20, max_size=40))
def test_every_call_costs_what_its_files_say(
    snapshot: Snapshot, calls: list[tuple[str, dt.datetime, str, int]]
) -> None:
    edge = _oslo("2026-07-01T00:00:00+02:00")
    within = [  # a call over a change of plan is told of: it keeps the plan of its start
        one
        for one in calls
        if one[0] != "staff" or not one[1] < edge <= one[1] + dt.timedelta(hours=2)
    ]
    usage = [
        ("voice", f"fjord:call:{subject.lstrip('*')}", start, number, seconds * 1_000_000)
        for subject, start, number, seconds in within
    ]
    assert _charges(snapshot, usage) == [WALK.charge(*one) for one in within]


def test_what_is_carried_over_in_another_way_is_told() -> None:
    imported = _imported()
    assert imported.complete
    assert _told(imported, Kind.LOST, Kind.REFUSED) == []
    different = " | ".join(_told(imported, Kind.DIFFERENT))
    assert "here the sum is exact and rounded once" in different
    assert "Destinations.csv:4: NORWAY_MOBILE: +479 matches numbers without +" in different
    assert "fjord call staff changes its plan" in different
    assert _told(imported, Kind.ASSUMED) == []
    assert [note.line for note in imported.notes if note.kind is Kind.UNUSED] == [8, 9]


def test_bands_are_named_by_timings_and_a_fixed_date_is_a_holiday() -> None:
    calendars = _snapshot(_imported()).calendars
    basic = calendars["RP_BASIC"]
    assert {"DAY", "NIGHT", "EVENING", "WEEKEND", "CHRISTMAS"} <= set(basic.bands)
    assert dt.date(2026, 12, 24) in basic.holidays
    assert dt.date(2099, 12, 25) in basic.holidays
    assert len(basic.holidays) == 2 * (2100 - 2024)


def _changed(file: str, old: str, new: str) -> dict[str, str]:
    assert old in TEXTS[file]
    return {**TEXTS, file: TEXTS[file].replace(old, new)}


_SET_ASIDE = "what it prices falls to a shorter prefix, or is set aside without price"


@pytest.mark.parametrize(
    ("file", "old", "new", "said"),
    [
        ("Timings.csv", "18:00:00", "18:00:30",
         "Timings.csv:4: EVENING: the start is moved to the whole minute 18:00. For money: calls in"),
        ("Timings.csv", "1;2;3;4;5,18:00:00", "mo,18:00:00",
         "Timings.csv:4: the timing EVENING (*any, *any, *any, mo, 18:00:00) cannot be read"),
        ("Timings.csv", "LUNCH,*any,*any", "LUNCH,*any,7",
         "Timings.csv:6: the timing CHRISTMAS cannot be a holiday (2024-12-24 to 2099-12-25, 152 dates)"),
        ("Timings.csv", "WEEKEND,*any,*any,*any,6;7", "WEEKEND,*any,*any,*any,6",
         "RatingPlans.csv:2: RP_BASIC: NORWAY has no price at some time"),
        ("Rates.csv", "R_OWN,0,0.01", "R_OWN,0,-0.01",
         "Rates.csv:13: the rate '-0.01' is no price of at most 12 decimals, 0 or more"),
        ("Rates.csv", "R_OWN,0,0.01,60s,1s,0s", "R_OWN,0,0.01,60s,1s,5s",
         "Rates.csv:13: R_OWN has no group from 0 on"),
        ("Rates.csv", "R_OWN,0,0.01,60s,1s,0s", "R_OWN,0,0.01,60s,1x,0s",
         "Rates.csv:13: the sizes 60s, 1x, 0s are no whole number of microseconds"),
        ("Destinations.csv", "EUROPE,3", "EUROPE,x3",
         "Destinations.csv:6: EUROPE: the prefix 'x3' is not digits"),
        ("DestinationRates.csv", "DR_OWN,OWN", "DR_OWN,NOWHERE",
         "DestinationRates.csv:10: there is no destination 'NOWHERE'"),
        ("DestinationRates.csv", "OWN,R_OWN", "OWN,R_NONE",
         f"DestinationRates.csv:10: there is no rate 'R_NONE'; add or correct it. For money: {_SET_ASIDE}"),
        ("DestinationRates.csv", "1.5,*free", "1.5,*disconnect",
         "DestinationRates.csv:9: DR_EUROPE: *disconnect ends a call at 1.5; rating ends no calls"),
        ("DestinationRates.csv", "R_EVENING,*up,4,0,", "R_EVENING,*up,4,2,*free",
         "DestinationRates.csv:4: DR_LOW: a price has one maximum for all bands, and NORWAY has several"),
        ("DestinationRates.csv", "DR_OWN,OWN,R_OWN,*up,4", "DR_OWN,OWN,R_OWN,*down,2",
         "DestinationRates.csv:10: DR_OWN: rounding *down, 2 decimals; a tariff has one: up to 4"),
        ("RatingPlans.csv", "DR_LUNCH,LUNCH,20", "DR_LUNCH,LUNCHEON,20",
         "RatingPlans.csv:6: RP_BASIC: the timing 'LUNCHEON' is missing or cannot be read"),
        ("RatingPlans.csv", "RP_OWN,DR_OWN,*any,20", "RP_OWN,DR_OWN,*any,10",
         "RatingPlans.csv:10: RP_OWN: the prefix 479 is in NORWAY_MOBILE and in OWN with one weight"),
        ("RatingPlans.csv", "DR_HOLIDAY,CHRISTMAS,30", "DR_LUNCH,LUNCH,20\nRP_BASIC,DR_DAY,LUNCH,20",
         "RatingPlans.csv:8: RP_BASIC: DR_DAY and line 6 hold at one time with one weight"),
        ("RatingProfiles.csv", "RP_OWN,abroad", "RP_NONE,abroad",
         "RatingProfiles.csv:5: there is no rating plan 'RP_NONE'"),
        ("RatingProfiles.csv", "RP_BASIC,abroad\nfjord,call,abroad", "RP_BASIC,x\nfjord,call,abroad",
         "RatingProfiles.csv:2: there is no profile of the fallback subject 'x'"),
        ("RatingProfiles.csv", "fjord,sms", "fjord,mail",
         "RatingProfiles.csv:6: the category mail does not say which service it is"),
        ("RatingProfiles.csv", "2026-07-01T00:00:00+02:00", "soon",
         "RatingProfiles.csv:5: 'soon' is no instant between 1970 and 2099"),
        ("RatingProfiles.csv", "fjord,sms", "other,sms", "RatingProfiles.csv: a catalogue has one tenant"),
        ("RatingProfiles.csv", "RP_SMS,", "RP_SMS", "RatingProfiles.csv:6: 5 cells where the layout has 6"),
        ("RatingProfiles.csv", "#Tenant,Category,Subject", "#Tenant,Colour,Category,Subject",
         "RatingProfiles.csv:1: the column colour is not of the documented layout"),
    ],
)  # fmt: skip
def test_what_cannot_be_carried_over_is_told_with_its_line(
    file: str, old: str, new: str, said: str
) -> None:
    imported = _imported(_changed(file, old, new))
    assert not imported.complete
    assert any(one.startswith(said) for one in _told(imported, Kind.LOST, Kind.REFUSED)), _told(
        imported, Kind.LOST, Kind.REFUSED
    )
    if imported.files:
        _snapshot(imported)


def test_a_plan_that_is_missing_ends_the_offer_there() -> None:
    imported = _imported(_changed("RatingProfiles.csv", "RP_OWN,abroad", "RP_NONE,abroad"))
    usage = [
        ("voice", "fjord:call:staff", _oslo(start), "4722000000", 60_000_000)
        for start in ("2026-06-30T23:00:00+02:00", "2026-07-01T00:00:00+02:00")
    ]
    assert _charges(_snapshot(imported), usage) == [Fraction("0.11"), None]


def test_a_destination_that_is_not_priced_at_all_times_is_never_half_priced() -> None:
    """Nor does it cost what a shorter prefix does."""
    texts = _changed("Timings.csv", "WEEKEND,*any,*any,*any,6;7", "WEEKEND,*any,*any,*any,6")
    imported = _imported(texts)
    lost = " | ".join(_told(imported, Kind.LOST))
    assert "all usage to NORWAY is set aside without price" in lost
    usage = [
        ("voice", "fjord:call:any", _oslo("2026-06-02T10:00:00+02:00"), number, 60_000_000)
        for number in ("4722000000", "3930000000")
    ]
    assert _charges(_snapshot(imported), usage) == [None, Fraction("0.75")]


def test_the_category_says_the_service_when_told() -> None:
    texts = _changed("RatingProfiles.csv", "fjord,sms", "fjord,Mail")
    assert "fjord:Mail:any" in _snapshot(_imported(texts, mail=Service.MMS)).offers


def test_headers_may_be_missing_renamed_or_older() -> None:
    texts = dict(TEXTS)
    texts["Rates.csv"] = texts["Rates.csv"].partition("\n")[2]
    texts["Timings.csv"] = "# our hours\n" + texts["Timings.csv"]
    rows = texts["RatingProfiles.csv"].splitlines()[1:]
    head = "#Direction,Tenant,Category,Subject,ActivationTime,RatingPlanTag,RatesFallbackSubject"
    texts["RatingProfiles.csv"] = "\n".join([head, *(f"*out,{row}" for row in rows)])
    assert _imported(texts).files == _imported().files


def test_other_files_of_the_folder_are_named() -> None:
    texts = {**TEXTS, "Actions.csv": "#Id\nTOPUP,*topup\n", "Odd.csv": "a,b\n", "Empty.csv": "#x\n"}
    lost = _told(_imported(texts), Kind.LOST)
    assert [one.partition(":")[0] for one in lost] == ["Actions.csv", "Odd.csv"]


def test_a_missing_file_is_named() -> None:
    texts = {name: text for name, text in TEXTS.items() if name != "Rates.csv"}
    imported = _imported(texts)
    assert imported.files == {}
    assert "Rates.csv: the file is missing; a tariff plan has six files" in " ".join(
        _told(imported, Kind.LOST)
    )


@settings(max_examples=40, deadline=None)
@given(st.data())
def test_broken_files_never_raise_and_what_is_written_lints(data: st.DataObject) -> None:
    name = data.draw(st.sampled_from(sorted(TEXTS)))
    lines = TEXTS[name].splitlines()
    place = data.draw(st.integers(0, len(lines) - 1))
    cells = lines[place].split(",")
    cell = data.draw(st.integers(0, len(cells) - 1))
    cells[cell] = data.draw(
        st.one_of(
            st.sampled_from(
                ["", "*any", "-1", "0", "1e400", "NaN", '"', "*up", "25:00:00", "9" * 40]
            ),
            st.text(max_size=8),
        )
    )
    lines[place] = ",".join(cells)
    imported = _imported({**TEXTS, name: "\n".join(lines)})
    if imported.files:
        _snapshot(imported)
