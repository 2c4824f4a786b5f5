"""What a partner is sent: no cell is a formula, no text is markup, numbers are numbers."""

import csv
import io
from datetime import date
from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from assurance.outside.calls import Call, Cause, Dispute
from assurance.outside.partner_findings import Parties
from cli.controls.pack import as_csv, guarded, page, records

_PARTIES = Parties("t", "partner", "n", "our usage", "<b>nordvik</b>", "EUR")


def dispute(place: str, cause: Cause = Cause.ONLY_THEIRS) -> Dispute:
    call = Call(
        place, 1_000_000, "47", "46", 61_500_000, None, "", "Sweden & more", suspended=False
    )
    return Dispute(cause, 1_000_000, None, call, worth=Decimal("-0.5"))


@given(st.text(max_size=12), st.sampled_from(["", "=", "+", "-", "@", "\t", "\r"]))
def test_no_cell_begins_a_formula(text: str, begin: str) -> None:
    made = guarded(begin + text)
    plain = made.removeprefix("-").replace(".", "", 1)
    assert not made.startswith(("=", "+", "@", "\t", "\r"))
    assert not made.startswith("-") or plain.isdigit()
    assert made.removeprefix("'") == (begin + text).removeprefix("'")


def test_records_are_written_so_that_a_spreadsheet_reads_text_and_numbers() -> None:
    rows = records({(date(2026, 10, 12), Cause.ONLY_THEIRS): [dispute('=HYPERLINK("x")')]})
    [made] = csv.DictReader(io.StringIO(as_csv(rows)))
    assert made["your_id"] == '\'=HYPERLINK("x")'
    assert (made["in_question"], made["your_seconds"], made["our_seconds"]) == ("-0.5", "61.5", "")


def test_a_page_says_totals_and_records_and_loads_nothing() -> None:
    days = {
        (date(2026, 10, 12), Cause.ONLY_THEIRS): [dispute("<script>1</script>"), dispute("b")],
        (date(2026, 10, 13), Cause.LONGER): [dispute("c", Cause.LONGER)],
    }
    made = page(records(days), _PARTIES, "Europe/Oslo")
    assert "<script" not in made
    assert "&lt;script&gt;1" in made
    assert "&lt;b&gt;nordvik" in made
    assert "Sweden &amp; more" in made
    assert not any(word in made for word in ("http", "src=", "@import", "url("))
    assert (
        '<td>2026-10-12</td><td>you list it, we do not have it</td><td class="number">2</td>'
        in made
    )
    assert made.count("You count it longer") == 1
    assert "Nothing is in dispute" in page([], _PARTIES, "UTC")
