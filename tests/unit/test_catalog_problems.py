import pytest

from tallywire.catalog import read
from tests.unit.catalog_files import FORMATS, changed, files, reading, said

VOICE = "tariffs/voice.yaml"
CALENDAR = "calendars/peak.yaml"
ZONES = "zones/dialled.yaml"
OFFER = "offers/basic.yaml"
PLAN = "plans/mobile.yaml"
FEED = "feeds/exchange.yaml"
ACCOUNTS = "accounts/all.yaml"
OPERATOR = "operator.yaml"


def test_the_small_catalogue_is_sound() -> None:
    assert reading().problems == []


@pytest.mark.parametrize(
    ("name", "old", "new", "key", "words"),
    [
        # what a key may be
        (VOICE, "rounding:", "roundign:", "roundign", "did you mean rounding?"),
        (VOICE, "zone: home,", "zone: home, colour: x,", "revisions[0].prices[0].colour", "known"),
        (OPERATOR, "currency: EUR", "", "currency", "is missing; add it"),
        # what a value may be
        (OPERATOR, "EUR", "EURO", "currency", "ISO 4217"),
        (OPERATOR, "Europe/Oslo", "Oslo", "time_zone", "IANA"),
        (VOICE, "0.30", "NO", "revisions[0].prices[1].rate", "not a price"),
        (VOICE, "high: 0.10", "high: 10 EUR", "revisions[0].prices[0].rate.high", "not a price"),
        (VOICE, "scale: 4", "scale: 10", "rounding.scale", "at most 9"),
        (VOICE, "half_up", "half", "rounding.mode", "must be"),
        (VOICE, "service: voice", "service: telex", "service", "must be"),
        (VOICE, "2026-01-01", "2026-02-30", "revisions[0].valid_from", "not a date"),
        (VOICE, "2026-01-01", "0000-01-01", "revisions[0].valid_from", "not a date"),
        (VOICE, "2026-01-01", "9999-01-01", "revisions[0].valid_from", "outside 1970"),
        (CALENDAR, '"08:00"', "480", "rules[0].from", "time of day"),
        (CALENDAR, "[low, high]", "low", "bands", "write a list"),
        (OPERATOR, "Small AS", "[a, b]", "legal_entity", "not a list"),
        # increments and groups
        (VOICE, "60/60", "0/0", "revisions[0].prices[0].increment", "greater than 0"),
        (VOICE, "60/6}", "60/0}", "revisions[0].prices[1].increment", "greater than 0"),
        (VOICE, "per: 60s, increment: 60/60", "per: 1 MB, increment: 60/60",
         "revisions[0].prices[0].per", "not in microseconds"),
        (VOICE, "rate: 0.30, per: 60s, increment: 60/6",
         "groups: [{from: 60s, step: 1s, rate: 1, per: 60s}]",
         "revisions[0].prices[1].groups[0].from", "begin at 0"),
        (VOICE, "rate: 0.30, per: 60s, increment: 60/6",
         "groups: [{from: 0s, step: 1s, rate: 1, per: 60s}, {from: 0, step: 1s, rate: 1, per: 1s}]",
         "revisions[0].prices[1].groups[1].from", "greater than that of the group above"),
        (VOICE, "zone: home,", "zone: home, free: 1 MB,", "revisions[0].prices[0].free", "is not in"),
        (VOICE, "zone: home,", "zone: home, minimum_charge: 2, maximum_charge: 1,",
         "revisions[0].prices[0].maximum_charge", "less than the minimum"),
        (VOICE, "calendar: peak", "calendar: peak\nstraddle: middle", "straddle", "must be"),
        # bands and calendars
        (VOICE, "{low: 0.04, high: 0.10}", "{low: 0.04}", "revisions[0].prices[0].rate", "'high'"),
        (VOICE, "high: 0.10", "high: 0.10, top: 1", "revisions[0].prices[0].rate.top", "a band"),
        (VOICE, "calendar: peak", "calendar: none", "calendar", "there is no calendar"),
        (CALENDAR, "band: high", "band: top", "rules[0].band", "not one of the bands"),
        (CALENDAR, "mon-fri", "mo-fr", "rules[0].days", "are not days"),
        (CALENDAR, '"18:00"', '"07:00"', "rules[0].to", "ends before it begins"),
        (CALENDAR, "holidays:", "  - {band: low, days: tue, from: '09:00', to: '10:00'}\nholidays:",
         "rules[1]", "never applies"),
        (CALENDAR, "[2026-12-25]", "[2026-12-25, 2026-12-25]", "holidays[1]", "given twice"),
        # zones
        (ZONES, "[any]", '[any, "47"]', "zones[1].prefixes[1]", "already in zone 'home'"),
        (ZONES, '["47"]', '["+47"]', "zones[0].prefixes[0]", "not a prefix"),
        (VOICE, "zone: abroad", "zone: mars", "revisions[0].prices[1].zone", "there is no zone"),
        (VOICE, "{zone: abroad",
         "{zone: home, rate: 1, per: 1s, increment: 1/1}\n      - {zone: abroad",
         "revisions[0].prices[1].zone", "priced twice"),
        (ZONES, "zones:", 'zones:\n  - {id: sea, prefixes: ["87"]}', "revisions[0].prices",
         "has no price for the zone 'sea'"),
        (VOICE, "zones: dialled", "zones: other", "revisions[0].zones", "there is no zone plan"),
        # references
        (PLAN, "tariff: voice", "tariff: speech", "tariffs[0].tariff", "there is no tariff"),
        (PLAN, "service: voice", "service: sms", "tariffs[0].service", "prices voice, not sms"),
        (OFFER, "[mobile]", "[fixed]", "plans[0]", "there is no plan"),
        (OFFER, "[home]", "[moon]", "allowances[0].zones[0]", "no tariff of these services"),
        (OFFER, "[voice], zones: [home], quantity: 100 min", "[sms], quantity: 5",
         "allowances[0].services[0]", "no plan of the offer prices sms"),
        (OFFER, "[voice]", "[voice, data]", "allowances[0].services", "one unit"),
        (OFFER, "100 min", "5 GB", "allowances[0].quantity", "microseconds"),
        (OFFER, "100 min}", "100 min}\n  - {id: minutes, services: [voice], quantity: 1h}",
         "allowances[1].id", "'minutes' is given twice"),
        (ACCOUNTS, "offer: basic", "offer: gold", "offer", "there is no offer 'gold'"),
        # feeds
        (FEED, "format: plain", "format: odd", "format", "use one of plain"),
        (FEED, 'path: "exchange/*.csv"', "path: x\noptions: {skip: no}", "options.skip", "integer"),
        (FEED, "id: exchange", "id: x\noptions: {delim: x}", "options.delim", "did you mean delimiter"),
        (FEED, "field: a_number", "field: nose", "served[0].field", "must be"),
        # accounts
        (ACCOUNTS, "parent: top", "parent: roof", "parent", "no account"),
        (ACCOUNTS, "- id: top", '- id: top\n  parent: "001"', "parent", "a cycle"),
        (ACCOUNTS, "4790000001", "+47 90000001", "identifier", "without + and spaces"),
        (ACCOUNTS, "valid_to: 2026-06-01", "valid_to: 2025-06-01",
         "subscriptions[0].identifiers[0].valid_to", "not after valid_from"),
    ],
)  # fmt: skip
def test_a_mistake_is_one_problem_with_key_and_advice(
    name: str, old: str, new: str, key: str, words: str
) -> None:
    found = said(name, old, new)
    assert len(found) == 1, found
    assert found[0].startswith(f"{key}: ")
    assert words in found[0]


@pytest.mark.parametrize(
    ("start", "end", "words"),
    [("2026-07-01", "2026-06-01", "leaves a gap"), ("2026-05-01", "2026-06-01", "overlaps")],
)
def test_revisions_neither_leave_gaps_nor_overlap(start: str, end: str, words: str) -> None:
    first = f"valid_from: 2026-01-01\n    valid_to: {end}"
    text = changed(VOICE, "valid_from: 2026-01-01", first)[VOICE]
    block = text[text.index("    zones: dialled") :]
    text += f"  - revision: 2\n    valid_from: {start}\n{block}"
    (problem,) = reading({VOICE: text}).problems
    assert problem.key == "revisions[1].valid_from"
    assert words in problem.message
    assert problem.line == text[: text.index(start)].count("\n") + 1


def test_a_short_gap_of_revisions_says_how_long_it_is() -> None:
    first = "valid_from: 2026-01-01\n    valid_to: 2026-06-30T23:59:59.999+02:00"
    text = changed(VOICE, "valid_from: 2026-01-01", first)[VOICE]
    block = text[text.index("    zones: dialled") :]
    text += f"  - revision: 2\n    valid_from: 2026-07-01\n{block}"
    (problem,) = reading({VOICE: text}).problems
    assert "leaves a gap of 1000 us (an end does not count" in problem.message


def test_one_identifier_has_one_holder_at_a_time() -> None:
    table = (
        "account_id,subscription_id,offer_id,identifier_type,identifier,valid_from,valid_to\n"
        "a,s2,basic,msisdn,4790000001,2026-05-31,\n"
    )
    (problem,) = reading({"accounts/more.csv": table}).problems
    assert str(problem).startswith("accounts/more.csv:2: identifier: msisdn 4790000001 is held by")
    assert "accounts/all.yaml:9" in problem.message


def test_bulk_accounts_are_as_strict_as_written_ones() -> None:
    table = (
        "account_id,parent_id,subscription_id,offer_id,identifier_type,identifier,valid_from,valid_to\n"
        "a,nobody,s2,gold,msisdn,479000A,2026-13-01,\n"
        "\n"
        "b,,,,,,,\n"
        "b c,,s3,basic,imsi,1,2026-02-01,2026-01-01\n"
        "c,,s2,basic,user_name,u,,\n"
    )
    found = {(one.line, one.key) for one in reading({"accounts/more.csv": table}).problems}
    assert found == {
        (2, "parent"),
        (2, "offer"),
        (2, "identifier"),
        (2, "valid_from"),
        (5, "account_id"),
        (5, "identifier"),
        (5, "valid_to"),
        (6, "subscription"),
    }


@pytest.mark.parametrize(
    ("table", "line", "words"),
    [
        (b"account_id,colour\n", 1, "missing"),
        (b"", 1, "empty"),
        (b"a,a\n1,2\n", 1, "given twice"),
        (b"a,*\n1,2\n", 1, "cannot be used"),
        (b"\xff\xfe", 1, "UTF-8"),
        (b"a,b\n1,\x00\n", 2, "NUL"),
        (b"a,b\n1,2\n1,2,3\n", 3, "3 fields"),
        (b"a,b\n1\n", 2, "1 fields"),
        (b'a,b\n1,"2\n', 2, "not CSV"),
        (b'a,b\n1,"2\n3"\n', 2, "line break"),
        (b",".join(b"c%d" % n for n in range(1_000_000)), 1, "columns"),
    ],
)
def test_a_table_that_is_none_is_named(table: bytes, line: int, words: str) -> None:
    found = reading({"accounts/more.csv": table}).problems
    assert (found[0].file, found[0].line) == ("accounts/more.csv", line)
    assert any(words in one.message for one in found)


def test_all_problems_come_at_once() -> None:
    changes = {
        OPERATOR: files()[OPERATOR].decode().replace("EUR", "EURO"),
        VOICE: files()[VOICE].decode().replace("0.30", "ten").replace("zone: home", "zoen: home"),
        CALENDAR: files()[CALENDAR].decode().replace("mon-fri", "mo-fr"),
        OFFER: files()[OFFER].decode().replace("[mobile]", "[fixed]"),
        ACCOUNTS: files()[ACCOUNTS].decode().replace("4790000001", "none"),
    }
    found = reading(changes)
    assert found.snapshot is None
    assert [(one.file, one.key) for one in found.problems] == [
        (ACCOUNTS, "identifier"),
        (CALENDAR, "rules[0].days"),
        (OFFER, "plans[0]"),
        (OPERATOR, "currency"),
        (VOICE, "revisions[0].prices[0].zoen"),
        (VOICE, "revisions[0].prices[1].rate"),
    ]


def test_a_refused_entry_makes_no_second_problem_where_it_is_named() -> None:
    assert len(said(VOICE, "half_up", "half")) == 1
    assert len(said(ZONES, "[any]", "[x]")) == 1
    assert len(said(CALENDAR, "2026-12-25", "christmas")) == 1


def test_ids_are_unique_in_their_kind() -> None:
    (problem,) = reading({"plans/again.yaml": files()[PLAN].decode()}).problems
    assert "already the id of an entry in plans/again.yaml:2" in problem.message
    assert problem.file == PLAN


def test_files_that_nothing_reads_are_named() -> None:
    found = reading({"tarifs/x.yaml": "a: b", "feeds/x.yml": "a: b"}).problems
    assert [one.file for one in found] == ["feeds/x.yml", "tarifs/x.yaml"]


def test_nothing_at_all_is_a_problem_too() -> None:
    (problem,) = read({}, FORMATS).problems
    assert str(problem) == "operator.yaml:1: the file is missing; write it"
