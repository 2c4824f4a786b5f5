"""Classes of mistake that rating systems have made, each with the right answer given here.

They come from reading and running other systems; what each test says is the kind of mistake, in
general words. Where it matters the whole way is gone: bytes, mediation, rating, the real store.
"""

import json
import time
from dataclasses import replace
from decimal import Decimal, localcontext
from fractions import Fraction

import polars as pl
import pytest

from schemas.columns import from_arrow, micros_from_text, rows_to_frame, to_arrow
from schemas.rated import RatedEvent
from schemas.reasons import Reason
from schemas.usage import UsageEvent
from tallywire.catalog.snapshot import Group, Snapshot
from tallywire.catalog.terms import Tier, Tiers
from tallywire.mediation.decoders import DECODERS
from tallywire.mediation.framing import frame
from tallywire.mediation.lane import BatchContext, LaneState, Mediated, mediate
from tallywire.mediation.resolve import IdentifierIndex
from tallywire.money import rounded
from tallywire.rating.counters import Counters
from tallywire.rating.dispatch import Rater
from tests.conftest import Store
from tests.laws.feeds import SNAPSHOT
from tests.priced import SECOND, charges, exact, group, one_tariff, rate, usage, with_price
from warehouse.client import Client
from warehouse.insert import insert

INDEX = IdentifierIndex(SNAPSHOT.identifiers)
COLLECTED = micros_from_text("2026-10-26T00:00:00Z")
FREE = one_tariff(Group(0, 1, (Fraction(0),)), service="data")
KB, MB, GB = 2**10, 2**20, 2**30


def event(number: object, moment: str, **data: object) -> str:
    """A line of the platform's feed: a data session."""
    held = {"msisdn": "4790010002", **data}
    named = {"specversion": "1.0", "type": "data.session", "source": "p", "id": str(number)}
    return json.dumps({**named, "time": moment, "data": held}) + "\n"


def mediated(*lines: str, state: LaneState | None = None, backfill: bool = False) -> Mediated:
    """Lines of the platform's feed, decoded and mediated."""
    feed = replace(SNAPSHOT.feeds["platform"], backfill=backfill)
    decoder = DECODERS[feed.format]
    frames, _ = frame("".join(lines).encode(), decoder.framing(feed), at_end=True)
    context = BatchContext(
        feed=feed, snapshot=SNAPSHOT, index=INDEX, lane="platform", file_id="f", file_name="f",
        collected_at=int(str(COLLECTED)), frames=frames,
    )  # fmt: skip
    return mediate(state or LaneState(), decoder.decode(frames, feed).frame, context)


def rated(batch: pl.DataFrame, snapshot: Snapshot = SNAPSHOT) -> pl.DataFrame:
    return Rater(snapshot).rate(batch, Counters()).rated


def stored(store: Store, rows: pl.DataFrame) -> Client:
    """Put charges into a real store, booked today: it drops what is older than it keeps."""
    today = rows.with_columns(pl.lit(int(time.time()) * SECOND).alias("ledgered_at"))
    client = store.client()
    insert(client, "rated_events", to_arrow(today, RatedEvent), "token")
    return client


def test_d01_a_quantity_of_a_terabyte_is_not_nothing() -> None:
    """Twelve digits before the point fit a column, thirteen become zero without a word."""
    sizes = [999_999_999_999, 10**12, 2**40, 10**15]
    lines = [event(number, "2026-10-25T10:00:00Z", octets=size)
             for number, size in enumerate(sizes)]  # fmt: skip
    usage_rows = mediated(*lines).usage
    assert usage_rows["quantity"].to_list() == sizes
    stored = from_arrow(to_arrow(rated(usage_rows), RatedEvent), RatedEvent)
    assert stored["quantity"].to_list() == sizes
    assert all(amount > 0 for amount in stored["amount"])


@pytest.mark.store
def test_d02_a_sum_of_quantities_does_not_turn_negative(store: Store) -> None:
    """Each value fits, their sum wraps, and the negative total is then charged as nothing."""
    events = [usage(10**11, service="data", collected_at=COLLECTED) for _ in range(18)]
    events += [usage(10**15, service="data", collected_at=COLLECTED) for _ in range(2_000)]
    client = stored(store, rated(rows_to_frame(events, UsageEvent), FREE))
    for name, column in (("rated_events", "rated_quantity"), ("revenue_1h", "rated_quantity")):
        ((total,),) = client.query(f"SELECT sum({column}) FROM {name}").result_rows
        assert total == 18 * 10**11 + 2_000 * 10**15


def test_d03_what_is_missing_unknown_or_long_is_not_made_a_number() -> None:
    """A missing field is read as zero, digits are lost, usage of nobody goes on as if rated."""
    largest = 10**15 - 1
    noon = "2026-10-25T10:00:00Z"
    made = mediated(
        event(1, noon), event(2, noon, octets=None), event(3, noon, octets="<nil>"),
        event(4, noon, octets=largest), event(5, noon, octets=str(largest)),
        event(6, noon, octets=1, msisdn="4790099999"), event(7, noon, octets=1.5),
        event(8, noon, octets="1e3"), event(9, noon, octets=-5),
        event(10, noon, octets=2**53 + 1),
    )  # fmt: skip
    assert made.usage["quantity"].to_list() == [largest, largest]
    told = dict(made.suspense.select("record_no", "reason").rows())
    assert {told[0], told[1]} <= {Reason.FIELD_MISSING, Reason.NUMBER_INVALID}
    assert told[2] == told[7] == Reason.NUMBER_INVALID
    assert told[5] == Reason.ACCOUNT_UNKNOWN
    assert told[9] == Reason.QUANTITY_OUT_OF_RANGE
    assert told.keys() == {0, 1, 2, 5, 6, 7, 8, 9}


def test_d04_small_increments_are_not_rounded_one_by_one() -> None:
    """Rounding each step's price makes cheap data free, and calls by the second dearer."""
    per_gb = one_tariff(Group(0, KB, (Fraction(1, GB),)), service="data")
    sizes = (512 * MB, GB, 100 * GB)
    assert [rate(per_gb, usage(size, service="data")).row["amount"] for size in sizes] == [
        Decimal("0.5"), 1, 100,
    ]  # fmt: skip
    for price in ("0.01", "0.005"):
        by_second = one_tariff(group(0, 1, price))
        assert exact(rate(by_second, usage(3_600 * SECOND))) == 60 * Fraction(price)


def test_d05_a_maximum_counts_every_part_once() -> None:
    """The running total is added to itself, so that a cap is reached too early, or invented."""
    minutes = [group(60 * number, 60, "1") for number in range(4)]
    found = {
        most: rate(one_tariff(*minutes, most=most), usage(240 * SECOND)).row["amount"]
        for most in ("7", "4", "3", "0.5")
    }
    assert found == {"7": 4, "4": 4, "3": 3, "0.5": Decimal("0.5")}


def test_d06_negative_amounts_are_rounded_as_positive_ones() -> None:
    """Rounding by floor makes what is given back larger than what was charged."""
    for mode in ("half_up", "half_even", "up", "down"):
        for text in ("0.14", "0.15", "0.16", "0.25", "1"):
            there = rounded(Fraction(text), mode=mode, scale=1)
            assert rounded(-Fraction(text), mode=mode, scale=1) == -there
    assert rounded(Fraction("-0.14"), mode="half_up", scale=1) == Fraction("-0.1")


def test_d07_a_large_session_is_priced() -> None:
    """A hidden limit on the size of one event leaves the largest ones without a price."""
    snapshot = one_tariff(Group(0, KB, (Fraction(1, GB),)), service="data")
    made = rated(rows_to_frame([usage(900 * GB, service="data")], UsageEvent), snapshot)
    assert made["amount"].to_list() == [900]


def test_d08_nothing_falls_between_two_tiers() -> None:
    """Tiers written as 0 to 99 and 100 on leave a gap for 99.5, which then costs nothing."""
    half = 5 * 10**5  # half a megabyte, of 10^6 octets
    steps = (
        Tier(0, Fraction(0), Fraction(2, 10**6)),
        Tier(99 * 10**6, Fraction(0), Fraction(1, 10**6)),
    )
    snapshot = with_price(FREE, tiers=Tiers("t", "volume", steps))
    for size, amount in ((99 * 10**6, "198"), (99 * 10**6 + half, "99.5"), (99 * 10**6 + 1, None)):
        made = exact(rate(snapshot, usage(size, service="data")))
        assert made == Fraction(amount) if amount else made > 0


@pytest.mark.store
def test_d09_large_quantities_and_amounts_fit_the_store(store: Store) -> None:
    """Nine digits before the point are too few for octets, and six for money."""
    snapshot = one_tariff(Group(0, 1, (Fraction(1),)), service="data")
    sizes = [10**9, 10**12 + 1, 10**15]
    events = [usage(size, service="data", collected_at=COLLECTED) for size in sizes]
    client = stored(store, rated(rows_to_frame(events, UsageEvent), snapshot))
    query = "SELECT quantity, amount, amount_numerator FROM rated_events ORDER BY quantity"
    assert client.query(query).result_rows == [
        (size, Decimal(size), Decimal(size)) for size in sizes
    ]


@pytest.mark.parametrize("mode", ["graduated", "volume"])
def test_d10_usage_beyond_the_last_tier_is_charged(mode: str) -> None:
    """A last tier that ends somewhere leaves everything beyond it free."""
    steps = (Tier(0, Fraction(0), Fraction(2)), Tier(10, Fraction(0), Fraction(1)))
    snapshot = with_price(FREE, tiers=Tiers("t", mode, steps))
    made = charges(snapshot, [usage(size, service="data") for size in (10, 10**6, 10**12)])
    beyond = {"graduated": 20 + 10**6 + 10**12, "volume": 10 + 10**6 + 10**12}[mode]
    assert sum(map(exact, made)) == beyond


def _billed_once(first: str, second: str) -> None:
    """Within a batch, and over two with the state written down and read back between them."""
    assert mediated(first, second).usage.height == 1
    state, fresh = LaneState(), LaneState()
    assert mediated(first, state=state).usage.height == 1
    for piece in state.dump():
        fresh.apply(piece)
    again = mediated(second, state=fresh)
    assert again.usage.height == 0
    held = [*again.set_aside["reason"], *again.suspense["reason"]]
    assert held in ([Reason.DUPLICATE_RECORD], [Reason.RESTATEMENT])


def test_d11_the_same_id_a_millisecond_later_is_no_second_event() -> None:
    """A key with the time in it takes a repeated delivery for new usage."""
    times = "2026-10-25T10:00:00.000Z", "2026-10-25T10:00:00.001Z"
    _billed_once(*(event(1, moment, octets=5) for moment in times))


def test_d12_the_same_id_on_both_sides_of_a_months_edge_is_billed_once() -> None:
    """Looking for repeats within the period that is billed finds none across its edge."""
    times = "2026-09-30T23:59:59Z", "2026-10-01T00:00:01Z"
    _billed_once(*(event(1, moment, octets=5) for moment in times))


def test_d13_a_retry_with_a_new_time_is_billed_once() -> None:
    """A client that stamps each attempt anew is charged for each."""
    times = "2026-10-20T10:00:00Z", "2026-10-25T17:30:00+02:00"
    _billed_once(*(event(1, moment, octets=5) for moment in times))
    same = event(1, times[0], octets=5)
    _billed_once(same, same)


def test_d14_the_latest_of_one_second_is_the_later_and_digits_are_kept() -> None:
    """Times cut to seconds leave the latest value to chance; binary fractions lose digits."""
    steps = (Tier(0, Fraction(0), Fraction(1)),)
    snapshot = with_price(FREE, tiers=Tiers("t", "graduated", steps, "latest"))
    times = ["2026-01-15T12:00:00.000002Z", "2026-01-15T12:00:00.000001Z"]
    for order in (1, -1):
        events = [
            usage(size, time, service="data") for size, time in zip((9, 4), times, strict=True)
        ][::order]
        assert sum(map(exact, charges(snapshot, events))) == 9
    line = event(1, times[0].replace("01-15", "10-15"), octets=10**15 - 1)
    made = mediated(line).usage
    assert made["start_time"][0] % SECOND == 2
    assert made["quantity"][0] == 10**15 - 1


def test_d15_two_equal_messages_are_two_and_one_changed_is_one() -> None:
    """Hashing the row takes two equal messages for one, and one that was corrected for two."""
    noon = "2026-10-25T10:00:00Z"
    assert mediated(event(1, noon, octets=5), event(2, noon, octets=5)).usage.height == 2
    _billed_once(event(1, noon, octets=5), event(1, noon, octets=6))


def test_d16_late_usage_is_kept_and_told() -> None:
    """Usage older than what a queue keeps is deleted before anyone has seen it."""
    line = event(1, "2026-01-01T12:00:00Z", octets=5)
    state = LaneState()
    assert mediated(event(2, "2026-10-25T12:00:00Z", octets=5), state=state).usage.height == 1
    late = mediated(line, state=state)
    assert late.usage.height == 0
    assert late.suspense["reason"].to_list() == [Reason.EVENT_TOO_OLD]
    taken = mediated(line, state=state, backfill=True)
    assert taken.usage["quantity"].to_list() == [5]


@pytest.mark.store
def test_d17_the_store_adds_money_without_wrapping(store: Store) -> None:
    """A sum of decimals keeps as many digits as its column and wraps in silence."""
    snapshot = one_tariff(Group(0, 1, (Fraction(10**12),)), service="data")
    sizes = [10**7 + number for number in range(2_000)]
    events = [usage(size, service="data", collected_at=COLLECTED) for size in sizes]
    client = stored(store, rated(rows_to_frame(events, UsageEvent), snapshot))
    with localcontext(prec=60):
        total = sum(Decimal(size) * 10**12 for size in sizes)
    for name in ("rated_events", "revenue_1h", "v_margin"):
        column = "revenue" if name == "v_margin" else "amount"
        ((found,),) = client.query(f"SELECT sum({column}) FROM {name}").result_rows
        assert found == total
    largest = "SELECT sum(toDecimal128('99999999999999999999', 9)) FROM numbers(100000000)"
    ((found,),) = client.query(largest).result_rows
    assert found == Decimal(99999999999999999999) * 10**8
