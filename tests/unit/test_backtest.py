"""Usage under two catalogues: sums that anybody can add up again, and who pays what."""

import random
from dataclasses import replace
from decimal import ROUND_HALF_UP, Decimal
from fractions import Fraction
from typing import Any

import polars as pl
import pytest

from dataflows.catalogs import example_folder, read_folder
from schemas.columns import rows_to_frame
from schemas.usage import UsageEvent
from tallywire.catalog import Snapshot, read
from tallywire.catalog.snapshot import Partner
from tallywire.catalog.terms import Spend
from tallywire.mediation.decoders import DECODERS
from tallywire.rating.backtest import Backtest
from tallywire.rating.samples import samples
from tallywire.rating.shock import (
    BUCKETS,
    MONEY,
    bill_shock,
    bucket,
    by_price,
    compared,
    most_moved,
    percent,
    sides,
)

JUNE = 1_780_300_000_000_000
"""1 June 2026, 07:46:40 UTC."""
ON_NET, MOBILE, DENMARK = "4790010002", "4741234567", "4587654321"
SMS = {ON_NET: Decimal("0.02"), MOBILE: Decimal("0.05"), DENMARK: Decimal("0.08")}
ANNA, BO = "msisdn:4790010001", "msisdn:4790010002"
FREE_MESSAGES = 50
"""Anna's offer includes so many a month, to numbers at home; Bo's none."""


def catalogue(*changes: tuple[str, str, str]) -> Snapshot:
    """Compile the example with texts replaced: (file, old, new)."""
    files = read_folder(example_folder())
    for name, old, new in changes:
        assert old.encode() in files[name]
        files[name] = files[name].replace(old.encode(), new.encode())
    reading = read(files, DECODERS)
    assert reading.snapshot is not None, reading.problems
    return reading.snapshot


DEARER_SMS = tuple(
    ("tariffs/messages.yaml", f'{zone}, rate: "{old}"', f'{zone}, rate: "{new}"')
    for zone, old, new in (
        ("on_net", "0.02", "0.022"), ("domestic_mobile", "0.05", "0.055"),
        ("domestic_fixed", "0.05", "0.055"), ("premium", "0.50", "0.55"),
        ("nordics", "0.08", "0.088"), ("eu", "0.08", "0.088"), ("europe_other", "0.12", "0.132"),
        ("north_america", "0.12", "0.132"), ("caribbean", "0.20", "0.22"),
        ("asia_pacific", "0.15", "0.165"), ("rest_of_world", "0.20", "0.22"),
    )
)  # fmt: skip


def messages(count: int, seed: int = 7) -> list[UsageEvent]:
    chance = random.Random(seed)
    return [
        UsageEvent(
            service="sms", unit="count", quantity=1, served_identifier=chance.choice([ANNA, BO]),
            b_number=chance.choice(sorted(SMS)), start_time=JUNE + number,
        )
        for number in range(count)
    ]  # fmt: skip


def sessions(count: int, seed: int = 8) -> list[UsageEvent]:
    chance = random.Random(seed)
    return [
        UsageEvent(
            service="data", unit="octet", quantity=chance.randrange(1, 50_000_000),
            served_identifier=BO, start_time=JUNE + number,
        )
        for number in range(count)
    ]  # fmt: skip


def backtest(now: Snapshot, draft: Snapshot, events: list[UsageEvent], size: int = 97) -> Backtest:
    made, usage = Backtest(now, draft), rows_to_frame(events, UsageEvent)
    for start in range(0, usage.height, size):
        made.take(usage[start : start + size])
    return made


def rows(frame: pl.DataFrame) -> list[dict[str, Any]]:
    return frame.to_dicts()


def test_ten_percent_on_messages_is_what_anybody_adds_up() -> None:
    """Added up here from the price list and the count of free messages alone."""
    events = messages(2_000)
    now = {ANNA: Decimal(0), BO: Decimal(0)}
    left = FREE_MESSAGES
    for event in events:
        free = event.served_identifier == ANNA and event.b_number != DENMARK and left > 0
        left -= free
        now[event.served_identifier] += 0 if free else SMS[event.b_number]
    made = backtest(catalogue(), catalogue(*DEARER_SMS), events)
    (service,) = rows(compared(made.services))
    assert (service["service"], service["events_now"], service["events_draft"]) == (
        "sms", 2_000, 2_000,
    )  # fmt: skip
    assert service["now"] == sum(now.values())
    assert service["draft"] == sum(now.values()) * Decimal("1.1")
    assert service["percent"] == Decimal("10.00")
    accounts = {row["account_id"]: row for row in rows(made.accounts)}
    for account, party in (("hansen-anna", ANNA), ("hansen-bo", BO)):
        assert accounts[account]["now"] == now[party]
        assert accounts[account]["draft"] == now[party] * Decimal("1.1")
    assert sum(row["events"] for row in rows(made.changes)) == 2_000 - FREE_MESSAGES


def test_what_closing_a_month_charges_is_compared_where_it_is_asked_for() -> None:
    """The draft has a minimum of 20 a month for Bo; two of his sessions cost less."""
    now = catalogue()
    (offer_id,) = now.identifiers.filter(pl.col("identifier") == BO.partition(":")[2])["offer_id"]
    bill = Spend("bill", "EUR", minimum=Fraction(20))
    offer = replace(now.offers[offer_id], spends=(bill,))
    draft = replace(now, offers={**now.offers, offer_id: offer})
    made = backtest(now, draft, sessions(2))
    (before,) = [row for row in rows(made.accounts) if row["account_id"] == "hansen-bo"]
    assert 0 < before["now"] == before["draft"] < 20
    made.close_months()
    after = {row["account_id"]: row for row in rows(made.accounts)}["hansen-bo"]
    assert (after["now"], after["draft"]) == (before["now"], Decimal(20))
    charged = [row for row in rows(made.services) if row["service"] == "commitment"]
    assert sum(row["events_draft"] - row["events_now"] for row in charged) == 1
    made.close_months()
    assert {row["account_id"]: row for row in rows(made.accounts)}["hansen-bo"] == after


def test_ten_percent_on_data_is_rounded_event_by_event() -> None:
    """0.005 a MB by the kB begun, six decimals: the draft is not 1.1 times the sum."""
    events = sessions(500)
    sums = [
        sum(
            (
                Decimal(-(-event.quantity // 1_000))
                * Decimal(rate) / 1_000
            ).quantize(Decimal("0.000001"), ROUND_HALF_UP)
            for event in events
        )
        for rate in ("0.005", "0.0055")
    ]  # fmt: skip
    draft = catalogue(("tariffs/data.yaml", 'rate: "0.005"', 'rate: "0.0055"'))
    (service,) = rows(backtest(catalogue(), draft, events).services)
    assert [service["now"], service["draft"]] == sums
    assert service["draft"] != service["now"] * Decimal("1.1")


def test_a_draft_that_equals_the_base_changes_nothing() -> None:
    made = backtest(catalogue(), catalogue(), [*messages(300), *sessions(300)])
    assert made.events == 600
    for frame in (compared(made.services), compared(made.accounts), bill_shock(made.accounts)):
        assert set(frame["difference"]) == {Decimal(0)}
    for frame in (made.refused, made.priced, made.changes, most_moved(made.accounts, 10)):
        assert frame.is_empty()
    assert [row["side"] for row in rows(sides(made.accounts))] == ["pays the same"]
    assert made.services["now"].sum() > 0


@pytest.mark.parametrize("size", [1, 7, 10_000])
def test_cuts_into_batches_do_not_matter(size: int) -> None:
    events = [*messages(200), *sessions(50)]
    pair = (catalogue(), catalogue(*DEARER_SMS))
    one, other = backtest(*pair, events), backtest(*pair, events, size)
    for name in ("services", "costs", "accounts", "refused", "priced", "changes"):
        assert getattr(one, name).equals(getattr(other, name)), name


def test_what_the_draft_refuses_is_counted_by_reason_with_the_money_lost() -> None:
    without = catalogue(
        ("plans/plans.yaml", "    - {service: sms, tariff: sms_home}\n", ""),
        ("offers/offers.yaml", "    - {id: messages_50, services: [sms], zones: [on_net, domestic_mobile, domestic_fixed], quantity: 50}\n", ""),
    )  # fmt: skip
    events = [*messages(100), *sessions(10)]
    made = backtest(catalogue(), without, events)
    lost = made.services.filter(pl.col("service") == "sms")["now"].sum()
    assert rows(made.refused) == [
        {"reason": "tariff_missing", "run": "", "currency": "EUR", "events": 100, "now": lost}
    ]
    again = backtest(without, catalogue(), events)
    assert rows(again.priced) == [
        {"reason": "tariff_missing", "run": "", "currency": "EUR", "events": 100, "draft": lost}
    ]
    assert again.refused.is_empty()
    assert made.changes["now"].sum() == lost


def test_usage_that_both_refuse_is_no_difference() -> None:
    stranger = UsageEvent(
        service="sms", unit="count", quantity=1, served_identifier="msisdn:0", b_number=ON_NET,
        start_time=JUNE,
    )  # fmt: skip
    made = backtest(catalogue(), catalogue(*DEARER_SMS), [stranger])
    assert (made.events, made.refused.height, made.services.height) == (1, 0, 0)


def test_an_account_that_the_draft_moves_to_another_offer_is_priced_there() -> None:
    moved = catalogue(
        ("accounts/people.csv", "hansen-bo-mobile,fjord_basic,msisdn", "hansen-bo-mobile,fjord_mobile,msisdn"),
        ("accounts/people.csv", "hansen-bo-mobile,fjord_basic,user_name", "hansen-bo-mobile,fjord_mobile,user_name"),
    )  # fmt: skip
    made = backtest(catalogue(), moved, sessions(20))
    (service,) = rows(made.services)
    assert service["now"] > 0
    assert service["draft"] == 0  # within the 5 GB of the other offer
    (change,) = rows(by_price(made.changes, offers=True))
    assert (change["offer_id"], change["accounts"]) == ("fjord_basic", 1)
    assert bill_shock(made.accounts).filter(pl.col("accounts") > 0)["bucket"].to_list() == [
        "-50 % or less"
    ]


def test_currencies_are_kept_apart() -> None:
    other = catalogue(
        ("tariffs/messages.yaml", "service: sms\n", "service: sms\n  currency: NOK\n")
    )
    made = backtest(catalogue(), other, messages(100))
    found = {(row["currency"], row["service"]): row for row in rows(compared(made.services))}
    assert found["EUR", "sms"]["draft"] == found["NOK", "sms"]["now"] == 0
    assert found["EUR", "sms"]["now"] == found["NOK", "sms"]["draft"] > 0
    shock = bill_shock(made.accounts).filter(pl.col("accounts") > 0)
    assert rows(shock.select("currency", "bucket", "accounts")) == [
        {"currency": "EUR", "bucket": "-50 % or less", "accounts": 2},
        {"currency": "NOK", "bucket": "new charge from zero", "accounts": 2},
    ]
    assert sum(row["events"] for row in rows(made.changes)) == 200  # gone in one, new in the other


def _with_partners(snapshot: Snapshot) -> Snapshot:
    """Messages that carry a partner cost what the list says once more, and bring it once more."""
    tariffs = {("sms", "mo"): "sms_home"}
    legs = (("carrier", "wholesale", "cost"), ("reseller", "resale", "revenue"))
    return replace(snapshot, partners=tuple(
        Partner(name, run, side, "partner_id", frozenset({"P"}), tariffs) for name, run, side in legs
    ))  # fmt: skip


def test_costs_and_what_partners_owe_are_on_nobodys_bill() -> None:
    events = [event.model_copy(update={"partner_id": "P"}) for event in messages(300)]
    now, draft = _with_partners(catalogue()), _with_partners(catalogue(*DEARER_SMS))
    alone = backtest(catalogue(), catalogue(*DEARER_SMS), events)
    made = backtest(now, draft, events)
    listed = sum(SMS[event.b_number] for event in events)
    (cost,) = rows(made.costs)
    assert (cost["now"], cost["draft"]) == (listed, listed * Decimal("1.1"))
    accounts = {row["account_id"]: row for row in rows(made.accounts)}
    assert accounts.pop("reseller")["now"] == listed
    assert list(accounts.values()) == rows(alone.accounts)
    (service,) = rows(made.services)
    assert service["now"] == listed + alone.services["now"].sum()
    assert set(made.changes["side"]) == {"cost", "revenue"}


def test_a_leg_that_only_the_draft_refuses_is_told_by_its_run() -> None:
    events = [event.model_copy(update={"partner_id": "P"}) for event in messages(50)]
    now = _with_partners(catalogue())
    draft = replace(
        now,
        partners=tuple(replace(one, tariffs={("sms", "mo"): "data_home"}) for one in now.partners),
    )
    made = backtest(now, draft, events)
    found = {(row["run"], row["events"], row["now"]) for row in rows(made.refused)}
    listed = sum(SMS[event.b_number] for event in events)
    assert found == {("wholesale", 50, Decimal(0)), ("resale", 50, listed)}
    assert set(made.refused["reason"]) == {"unit_mismatch"}


@pytest.mark.parametrize(
    ("now", "draft", "name"),
    [
        (100, 0, "-50 % or less"), (100, 50, "-50 % or less"), (10_000, 5_001, "-50 to -20 %"),
        (100, 80, "-50 to -20 %"), (10_000, 8_001, "-20 to -5 %"), (100, 95, "-20 to -5 %"),
        (10_000, 9_501, "-5 to 0 %"), (10**18, 10**18 - 1, "-5 to 0 %"), (100, 100, "unchanged"),
        (0, 0, "unchanged"), (10**18, 10**18 + 1, "0 to 5 %"), (100, 105, "0 to 5 %"),
        (10_000, 10_501, "5 to 20 %"), (100, 120, "5 to 20 %"), (10_000, 12_001, "20 to 50 %"),
        (100, 150, "20 to 50 %"), (10_000, 15_001, "over 50 %"), (0, 1, "new charge from zero"),
        (-100, -110, "-20 to -5 %"), (0, -1, "-50 % or less"),
    ],
)  # fmt: skip
def test_the_edges_of_the_buckets(now: int, draft: int, name: str) -> None:
    assert BUCKETS[bucket(now, draft)] == name


def test_percents_are_exact_and_none_from_nothing() -> None:
    pairs = [(3, 4), (3, 2), (0, 0), (0, 5), (-4, -2), (10**27, 10**27 + 1)]
    assert [percent(*pair) for pair in pairs] == [
        Decimal("33.33"), Decimal("-33.33"), Decimal("0.00"), None, Decimal("50.00"),
        Decimal("0.00"),
    ]  # fmt: skip


def test_the_most_moved_are_ten_of_each_side_and_currency() -> None:
    made = pl.DataFrame(
        {
            "currency": ["EUR"] * 30 + ["NOK"],
            "account_id": [f"a{number:02}" for number in range(31)],
            "now": [Decimal(100)] * 31,
            "draft": [Decimal(100 + number - 15) for number in range(30)] + [Decimal(99)],
        },
        schema_overrides={"now": MONEY, "draft": MONEY},
    )
    found = most_moved(made, 10)
    listed = [
        (currency, side, frame["account_id"].to_list())
        for (currency, side), frame in found.group_by("currency", "side", maintain_order=True)
    ]
    assert listed == [
        ("EUR", "pays less", [f"a{number:02}" for number in range(10)]),
        ("EUR", "pays more", [f"a{number:02}" for number in range(29, 19, -1)]),
        ("NOK", "pays less", ["a30"]),
    ]
    counted = {(row["currency"], row["side"]): row["accounts"] for row in rows(sides(made))}
    assert counted == {
        ("EUR", "pays less"): 15, ("EUR", "pays more"): 14, ("EUR", "pays the same"): 1,
        ("NOK", "pays less"): 1,
    }  # fmt: skip


def test_samples_say_what_a_changed_price_means() -> None:
    draft = catalogue(
        ("tariffs/voice.yaml", 'off_peak: "0.05", peak: "0.10"', 'off_peak: "0.05", peak: "0.13"'),
        ("tariffs/data.yaml", 'rate: "0.005"', 'rate: "0.006"'),
        *DEARER_SMS[:1],
    )
    found = {
        (one.tariff_id, one.zone_id, one.bands[0], one.usage): (one.now, one.draft, one.percent)
        for one in samples(catalogue(), draft)
    }
    assert found == {
        ("data_home", "", "", "1 MB"): (Decimal("0.005"), Decimal("0.006"), Decimal("20.00")),
        ("data_home", "", "", "100 MB"): (Decimal("0.5"), Decimal("0.6"), Decimal("20.00")),
        ("sms_home", "on_net", "", "1 piece"): (
            Decimal("0.02"), Decimal("0.022"), Decimal("10.00"),
        ),
        ("voice_mobile", "domestic_mobile", "off_peak", "1 min"): (
            Decimal("0.10"), Decimal("0.10"), Decimal("0.00"),
        ),
        ("voice_mobile", "domestic_mobile", "off_peak", "3 min"): (
            Decimal("0.20"), Decimal("0.20"), Decimal("0.00"),
        ),
        ("voice_mobile", "domestic_mobile", "peak", "1 min"): (
            Decimal("0.15"), Decimal("0.18"), Decimal("20.00"),
        ),
        ("voice_mobile", "domestic_mobile", "peak", "3 min"): (
            Decimal("0.35"), Decimal("0.44"), Decimal("25.71"),
        ),
    }  # fmt: skip


def test_samples_see_what_no_price_says() -> None:
    """A tariff that rounds otherwise: only what then costs another amount is listed."""
    draft = catalogue(
        ("tariffs/wholesale.yaml", "half_even, scale: 6", "half_even, scale: 2"),
    )
    found = samples(catalogue(), draft)
    assert {one.tariff_id for one in found} == {"cost_nordvik", "wholesale_nordvik"}
    assert all(one.now != one.draft for one in found)
    (jamaica,) = (
        one
        for one in found
        if (one.tariff_id, one.zone_id, one.usage) == ("wholesale_nordvik", "Jamaica", "1 min")
    )
    assert Fraction(str(jamaica.now)) == Fraction("0.189")
    assert jamaica.draft == Decimal("0.19")
    assert samples(draft, draft) == []
