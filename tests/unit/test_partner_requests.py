"""What the lane that owns a partner does with a request to true it up."""

import uuid
from pathlib import Path

import pytest

from dataflows.partners import partners_trued_up
from dataflows.requests import Asked, Request, load, put
from dataflows.settings import Home
from schemas.requests import RequestKind
from tallywire.catalog.snapshot import Snapshot
from tallywire.rating.partner_true_up import Counted
from tallywire.rating.periods import Periods, PeriodState
from tests.partner_legs import carried
from tests.unit.test_partner_true_up import GRADUATED, counts

WHO = "partner:nordvik"


def asked(units: int = 300, covered: int = 0, *, closes: str = "", stale: str = "") -> Asked:
    count = counts(carried(GRADUATED), units)
    part = Counted(
        party_id="nordvik", run="wholesale", side="cost", tariff_id="carrier", price_no=0,
        currency="EUR", period="2026-07", catalog_hash="hash", units=units,
    )  # fmt: skip
    request = Request(
        kind=RequestKind.TRUE_UP, request_id=uuid.UUID(int=7), lane="usage-0002", position=3,
        period=closes, routing_ids=[WHO], counted=[part], covered={count.event_id.hex(): covered},
    )  # fmt: skip
    return Asked(request, stale=frozenset({stale} - {""}))


def catalogs(_name: str) -> Snapshot:
    return carried(GRADUATED)


def closed() -> Periods:
    periods = Periods()
    periods.put("", "2026-07", PeriodState.CLOSED, 1)
    return periods


def test_a_request_is_read_back_as_it_was(tmp_path: Path) -> None:
    home, one = Home(tmp_path), asked(10**30)
    name = put(home, one)
    again = load(home, "usage-0002", name)
    assert again.request == one.request
    assert again.routing_ids == {WHO}


@pytest.mark.parametrize(
    ("covered", "status", "amounts"),
    [(0, "applied", ["-4.500000000"]), (100, "applied", ["-7.000000000"]), (300, "unchanged", [])],
)
def test_what_is_due_is_written(covered: int, status: str, amounts: list[str]) -> None:
    tables = partners_trued_up(asked(covered=covered), catalogs, "t", Periods()).tables
    assert [str(amount) for amount in tables["rated_events"]["amount"]] == amounts
    (row,) = tables["lane_requests"].to_dicts()
    assert (row["status"], row["routing_id"], row["rows"]) == (status, WHO, len(amounts))


def test_what_another_request_touched_is_asked_again() -> None:
    tables = partners_trued_up(asked(stale=WHO), catalogs, "t", Periods()).tables
    assert tables["rated_events"].is_empty()
    assert tables["lane_requests"]["status"].to_list() == ["stale"]


@pytest.mark.parametrize(("closes", "booked"), [("2026-07", "2026-07"), ("", "2026-08")])
def test_only_its_closing_books_in_a_closed_month(closes: str, booked: str) -> None:
    tables = partners_trued_up(asked(closes=closes), catalogs, "t", closed()).tables
    assert tables["rated_events"]["bill_period"].to_list() == [booked]
