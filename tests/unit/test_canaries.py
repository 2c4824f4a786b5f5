"""Canaries: declared, signed, marked, charged on a side of their own, and nobody else's for free."""

import stat
from dataclasses import replace
from decimal import Decimal
from fractions import Fraction
from pathlib import Path

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from assurance.canary_runs import not_sent
from assurance.following.control import World
from assurance.following.fold import Fold
from assurance.following.volume import Volume
from assurance.planted import usage as calls_of_a_week
from assurance.reconciling.canaries import Canaries
from dataflows.canaries.key import CanaryMisuse, canary_key
from dataflows.canaries.rehearsal import rehearsed
from dataflows.settings import Home
from schemas.canaries import CANARY, UNSIGNED
from schemas.columns import rows_to_frame
from schemas.usage import UsageEvent
from tallywire.catalog import read
from tallywire.catalog.canaries import Canary
from tallywire.mediation.canaries import holds, marked, signed_id
from tallywire.mediation.decoders import DECODERS
from tallywire.mediation.lane import LaneState, mediate
from tallywire.rating.counters import Counters
from tallywire.rating.dispatch import Rater
from tests.canary_catalogue import texts
from tests.priced import group, one_tariff, rate, usage
from tests.reference_feed import COLUMNS, catalogue, context
from tests.unit.catalog_files import FEED, reading, snapshot

KEY = b"0123456789abcdef0123456789abcdef"
_START = 1_792_490_400_000_000
_MINUTE = 60_000_000
ACCOUNTS = """
- id: canary
  subscriptions:
    - {id: c1, offer: basic, identifiers: [{type: msisdn, value: "4790099999"}]}
"""
DECLARED = """
id: home-call
feed: exchange
account: canary
record: '"$id","$start","$end",60'
b_number: "4722000100"
quantity: 60s
expect: {amount: "0.10"}
every: 1min
within: 30s
"""
FILES = {"accounts/canary.yaml": ACCOUNTS, "canaries/home.yaml": DECLARED}


def signed(key: bytes = KEY, **changes: object) -> str:
    said = {
        "account_id": "canary", "start_us": _START, "quantity": _MINUTE, "b_number": "4722000100",
    } | changes  # fmt: skip
    return signed_id(key, "home-call", 7, **said)  # type: ignore[arg-type]  # names of its fields


def event(session_id: str, **changes: object) -> UsageEvent:
    said = {
        "service": "voice", "account_id": "canary", "start_time": _START, "quantity": _MINUTE,
        "b_number": "4722000100", "session_id": session_id,
    }  # fmt: skip
    return UsageEvent.model_validate(said | changes)


def flags(*events: UsageEvent, key: bytes = KEY) -> list[str]:
    frame = rows_to_frame(list(events), UsageEvent)
    return marked(frame, snapshot(FILES), key)["quality_flags"].to_list()


# declared


def test_a_canary_is_compiled_with_what_a_person_wrote() -> None:
    assert snapshot(FILES).canaries == {
        "home-call": Canary(
            "home-call", "exchange", "canary", '"$id","$start","$end",60', "exchange/*.csv",
            _MINUTE, _MINUTE, "4722000100", Fraction(1, 10), "EUR", _MINUTE, _MINUTE // 2,
        )
    }  # fmt: skip


@pytest.mark.parametrize(
    ("old", "new", "key", "words"),
    [
        ("feed: exchange", "feed: other", "feed", "there is no feed 'other'"),
        ("account: canary", "account: nobody", "account", "there is no account 'nobody'"),
        ("account: canary", 'account: "001"', "account", "shares its counters with top"),
        ("account: canary", "account: top", "account", "shares its counters with 001"),
        ("$id", "mine", "record", "does not say where $id stands"),
        ("$start", "now", "record", "does not say where $start stands"),
        ("every: 1min", "every: 1 MB", "every", "is no time"),
        ("within: 30s", "within: 48h", "within", "at most 24h"),
        ("quantity: 60s", "quantity: 25h", "quantity", "more than 24h"),
        ('"0.10"', '"0.0000000001"', "expect.amount", "more than nine decimals"),
        ("id: home-call", 'id: "home:call"', "id", "has a colon"),
    ],
)
def test_a_canary_that_cannot_be_sent_or_judged_is_refused(
    old: str, new: str, key: str, words: str
) -> None:
    problems = reading({**FILES, "canaries/home.yaml": DECLARED.replace(old, new)}).problems
    assert [one.key for one in problems] == [key]
    assert words in problems[0].message


@pytest.mark.parametrize(
    "path",
    ["exchange/[a]*.csv", "exchange/*/*.csv", "exchange/a.csv", "../*.csv", "/var/usage/*.csv"],
)
def test_a_feed_of_which_a_file_name_cannot_be_made_takes_no_canary(path: str) -> None:
    feed = FEED.replace("exchange/*.csv", path)
    problems = reading({**FILES, "feeds/exchange.yaml": feed}).problems
    assert "cannot be sent to" in str(problems)


# signed

words = st.text(st.characters(codec="utf-8", exclude_characters="\x1f"), max_size=8)


@given(words, st.integers(0, 2**62), st.integers(0, 10**15), words, st.binary(min_size=32))
def test_an_id_holds_for_its_own_usage_and_for_no_other(
    account: str, start: int, quantity: int, number: str, key: bytes
) -> None:
    own = signed(key, account_id=account, start_us=start, quantity=quantity, b_number=number)
    assert holds(key, own, account, start, quantity, number)
    for other in (
        (key + b"x", own, account, start, quantity, number),
        (key, own, account + "x", start, quantity, number),
        (key, own, account, start + 1, quantity, number),
        (key, own, account, start, quantity + 1, number),
        (key, own, account, start, quantity, number + "1"),
        (key, own.replace(":7:", ":8:"), account, start, quantity, number),
        (key, own[:-1], account, start, quantity, number),
        (b"", own, account, start, quantity, number),
    ):
        assert not holds(*other)


@given(st.text(max_size=60))
def test_no_text_is_taken_for_a_signature(text: str) -> None:
    assert not holds(KEY, text, "canary", _START, _MINUTE, "4722000100")


def test_signed_usage_is_marked_and_other_usage_of_its_account_is_told() -> None:
    own = signed()
    assert flags(event(own), event(own, quantity=_MINUTE + 1), event("")) == [
        CANARY, UNSIGNED, UNSIGNED,
    ]  # fmt: skip
    assert flags(event(own), key=b"") == [UNSIGNED]
    assert flags(event("", account_id="001")) == [""]
    assert flags(event(signed(account_id="001"), account_id="001")) == [""]


def test_usage_is_marked_on_its_way_through_a_lane() -> None:
    made = catalogue()
    canary = replace(
        snapshot(FILES).canaries["home-call"], account_id="hansen-anna", b_number="4741234567"
    )
    made = replace(made, canaries={"home-call": canary})
    start = 1_792_490_400_000_000
    own = signed(account_id="hansen-anna", start_us=start, b_number="4741234567")
    line = {"start": "2026-10-20 12:00:00", "seconds": "60", "a_raw": "+4790010001",
            "b_raw": "+4741234567", "service": "voice"}  # fmt: skip
    feed = made.feeds["hub"]
    options = {**feed.options, "texts": {**feed.options["texts"], "session_key": {"column": 11}}}  # type: ignore[dict-item]  # as the feed is written
    made = replace(made, feeds={"hub": replace(feed, options=options)})
    rows = [{**line, "id": "1", "user_name": own}, {**line, "id": "2", "user_name": "another"}]
    data = "\n".join("|".join(row.get(name, "") for name in COLUMNS) for row in rows) + "\n"
    place = replace(context(made, data.encode()), canary_key=KEY)
    assert place.frames is not None
    decoded = DECODERS[place.feed.format].decode(place.frames, place.feed)
    usage_made = mediate(LaneState(), decoded.frame, place).usage
    assert usage_made.select("session_id", "quality_flags").rows() == [
        (own, CANARY), ("another", UNSIGNED),
    ]  # fmt: skip


# charged


def test_its_charge_is_neither_revenue_nor_cost_by_either_rater() -> None:
    made = one_tariff(group(0, 60, "0.10"))
    events = [
        usage(_MINUTE, quality_flags=one)
        for one in ("", CANARY, UNSIGNED, f"{CANARY},clock_corrected")
    ]
    wanted = ["revenue", CANARY, "revenue", CANARY]
    assert [rate(made, one).row["side"] for one in events] == wanted
    rated = Rater(made).rate(rows_to_frame(events, UsageEvent), Counters()).rated
    assert rated["side"].to_list() == wanted
    assert set(rated["rater"]) == {"columnar"}
    assert rated["amount"].to_list() == [Decimal("0.1")] * 4


def test_what_is_usual_is_not_of_canaries() -> None:
    taken: list[int] = []

    class Counted(Volume):
        def take(self, rows: pl.DataFrame) -> list[object]:  # type: ignore[override]
            taken.append(rows.height)
            return []

    def none(name: str) -> object:
        raise AssertionError(name)

    rows = calls_of_a_week(1, 2).with_columns(
        pl.when(pl.int_range(pl.len()) < 5).then(pl.lit(CANARY)).otherwise("side").alias("side")
    )
    Fold(World(none), [Counted]).take(rows, lambda _: [])  # type: ignore[arg-type]  # none is asked for
    assert taken == [rows.height - 5]


def rehearsal(name: str = "", old: str = "", new: str = "") -> list[str]:
    """Try the canary of a catalogue of which one file says something else."""
    said = texts()
    if name:
        assert old in said[name]
        said[name] = said[name].replace(old, new)
    made = read({name: text.encode() for name, text in said.items()}, DECODERS).snapshot
    assert made is not None
    return rehearsed(made.canaries["home-call"], made, KEY, _START + 2 * _MINUTE)


def test_what_would_keep_a_canary_from_being_known_is_said_before_it_is_sent() -> None:
    assert rehearsal() == []
    [text] = rehearsal("canaries/home.yaml", '"4722000100"\n', '"4722000101"\n')
    assert text == "b_number is 4722000100, and must be 4722000101"
    assert rehearsal("canaries/home.yaml", '"seconds":60', '"seconds":61') == [
        "quantity is 61000000, and must be 60000000"
    ]
    [text] = rehearsal("feeds/canaries.yaml", "session_key: id, ", "")
    assert text.startswith("session_id is empty, and must be canary:home-call:0:")
    [text] = rehearsal("canaries/home.yaml", '"type":"call"', '"type":"other"')
    assert text.startswith("its record is suspended, record_type_unknown: ")


def test_a_file_that_another_feed_would_take_is_no_canary() -> None:
    said = texts()
    other = said["feeds/canaries.yaml"].replace("id: canaries", "id: aaa")
    said["feeds/aaa.yaml"] = other.replace("path: canaries/*.jsonl", 'path: "*.jsonl"')
    made = read({name: text.encode() for name, text in said.items()}, DECODERS).snapshot
    assert made is not None
    with pytest.raises(CanaryMisuse, match="taken by feed aaa, not by canaries"):
        rehearsed(made.canaries["home-call"], made, KEY, _START)


# kept


def test_a_secret_is_made_once_for_this_user_alone(tmp_path: Path) -> None:
    home = Home(tmp_path)
    made = canary_key(home, {})
    assert len(made) == 64
    assert canary_key(home, {}) == made
    assert stat.S_IMODE((home.canaries / "key").stat().st_mode) == 0o600
    assert [one.name for one in home.canaries.iterdir()] == ["key"]
    assert canary_key(home, {"TALLYWIRE_CANARY_KEY": KEY.decode()}) == KEY


def test_a_secret_that_is_too_short_is_refused(tmp_path: Path) -> None:
    with pytest.raises(CanaryMisuse, match="TALLYWIRE_CANARY_KEY is too short"):
        canary_key(Home(tmp_path), {"TALLYWIRE_CANARY_KEY": "guess"})


@given(st.sets(st.integers(0, 40), min_size=1), st.integers(1, 3))
def test_runs_that_did_not_happen_are_the_times_without_a_sending(
    slots: set[int], times: int
) -> None:
    now = max(slots)
    sent = [slot * _MINUTE + extra for slot in slots for extra in range(times)]
    missed = [slot for slot in range(min(slots), now) if slot not in slots]
    assert not_sent(sent, _MINUTE, now * _MINUTE + 5) == len(missed)


def test_what_is_open_is_looked_back_to_and_at_most_for_35_days() -> None:
    control, day = Canaries("t"), 86_400_000_000
    now = 100 * day
    row = {
        "tenant_id": "t", "canary_id": "home-call", "feed": "exchange", "currency": "EUR",
        "fault": "missing", "day_no": 90, "canaries": 1, "first_no": 7, "last_no": 7,
        "first_us": now - 10 * day, "last_us": now - 10 * day, "wanted": Decimal("0.1"),
        "got": Decimal(0), "got_in": "", "wanted_units": _MINUTE, "got_units": 0, "took_us": 0,
        "within_us": _MINUTE, "files": ["exchange/canary-home-call-7.csv"],
    }  # fmt: skip
    assert control.parameters(now)["since"] == now - 2 * day
    [told] = control.judge([row], now)
    assert told.explanation == "Sent and not charged within 60 s: home-call 7."
    again = Canaries("t")
    again.load(control.dump())
    assert again.parameters(now)["since"] == now - 10 * day
    assert again.parameters(now + 30 * day)["since"] == now - 5 * day
    [closed] = again.judge([], now)
    assert (closed.state, closed.alert_id) == ("auto_closed", told.alert_id)
