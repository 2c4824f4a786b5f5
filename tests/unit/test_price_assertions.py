"""Price assertions: what holds is silent, what does not is a problem with place, sums and steps."""

import pytest

from dataflows.catalogs import example_folder, judged, read_folder
from tallywire.catalog import Problem
from tallywire.rating.assertions import failed, proven
from tests.unit.catalog_files import reading

FILE = "assertions/prices.yaml"
ONE = """
id: first_minutes
offer: basic
usage: {service: voice, b_number: "33123456789", quantity: 61s, start: 2026-06-01T10:00:00+02:00}
expect: {amount: "0.38", zone: abroad, matched_prefix: any, bands: high, counted: 66s}
"""
SEQUENCE = """
id: hundred_minutes
offer: basic
sequence:
  - usage: {service: voice, b_number: "4790000002", quantity: 99min, start: 2026-06-01T20:00:00+02:00}
    expect: {amount: "0", allowance: minutes, allowance_after: 1min}
  - usage: {service: voice, b_number: "4790000002", quantity: 2min, start: 2026-06-02T20:00:00+02:00}
    expect: {amount: "0.04", included: 1min, allowance_after: 0}
"""
REFUSED = """
id: no_such_service
offer: basic
usage: {service: sms, b_number: "4790000002", quantity: 1, start: 2026-06-01T10:00:00+02:00}
refuse: tariff_missing
"""
OF_TARIFF = """
id: of_a_tariff
tariff: voice
usage: {direction: forward, b_number: "4790000002", quantity: 1s, start: 2026-06-01T20:00:00+02:00}
expect: {amount: "0.04", currency: EUR, tariff: voice, revision: 1}
"""


def _failed(text: str) -> list[Problem]:
    found = reading({FILE: text})
    assert found.problems == []
    return failed(found)


def _told(text: str) -> list[str]:
    return [f"{one.file}:{one.line}: {one.key}: {one.message}" for one in _failed(text)]


@pytest.mark.parametrize("text", [ONE, SEQUENCE, REFUSED, OF_TARIFF])
def test_an_assertion_that_holds_is_silent(text: str) -> None:
    assert _failed(text) == []


def test_the_assertions_of_the_example_hold() -> None:
    found = judged(read_folder(example_folder()))
    assert found.problems == []
    assert len(found.entries.assertions) >= 5


def test_a_failing_amount_says_expected_got_and_how() -> None:
    (told,) = _told(ONE.replace("0.38", "0.35"))
    assert told.startswith(
        f"{FILE}:5: expect.amount: the assertion first_minutes fails: expected 0.35, got 0.38. "
    )
    assert "Usage is counted in steps of 1 min, then from 1 min on in steps of 6 s" in told
    assert "A connection fee of EUR 0.05 is added. The charge is EUR 0.38." in told


@pytest.mark.parametrize(
    ("old", "new", "key", "words"),
    [
        ("zone: abroad", "zone: home", "zone", "expected home, got abroad"),
        ("prefix: any", 'prefix: "33"', "matched_prefix", "expected 33, got none"),
        ("bands: high", "bands: low", "bands", "expected low, got high"),
        ("counted: 66s", "counted: 61s", "counted", "expected 1 min 1 s, got 1 min 6 s"),
        ("counted: 66s", "included: 1s", "included", "expected 1 s, got 0 s"),
        ("counted: 66s", "allowance: minutes", "allowance", "expected minutes, got none"),
        ("counted: 66s", "allowance_after: 1s", "allowance_after", "got no allowance"),
        ("counted: 66s", "currency: NOK", "currency", "expected NOK, got EUR"),
        ("counted: 66s", "tariff: other", "tariff", "expected other, got voice"),
        ("counted: 66s", "revision: 2", "revision", "expected 2, got 1"),
    ],
)
def test_everything_that_is_written_is_compared(old: str, new: str, key: str, words: str) -> None:
    (told,) = _told(ONE.replace(old, new))
    assert told.startswith(f"{FILE}:5: expect.{key}: ")
    assert words in told


def test_the_steps_are_told_once_for_each_charge() -> None:
    first, second = _told(ONE.replace("0.38", "0.35").replace("zone: abroad", "zone: home"))
    assert "The charge is" in first
    assert "The charge is" not in second


def test_a_call_over_a_thousand_bands_is_told_in_short() -> None:
    (told,) = _told(
        ONE.replace("61s", "30000h")
        .replace(", counted: 66s", "")
        .replace("bands: high", "revision: 1")
    )
    assert len(told) < 2_000
    assert "more steps.) From" in told
    assert "The charge is EUR" in told


def test_a_step_of_a_sequence_has_its_own_line() -> None:
    (told,) = _told(SEQUENCE.replace('"0.04"', '"0.08"'))
    assert told.startswith(f"{FILE}:8: sequence[1].expect.amount: ")
    assert "it pays for the first 1 min and has nothing left" in told


def test_assertions_share_no_allowance() -> None:
    again = SEQUENCE.replace("hundred_minutes", "again")
    two = "".join("- " + text.strip().replace("\n", "\n  ") + "\n" for text in (SEQUENCE, again))
    assert _failed(two) == []


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (REFUSED.replace("tariff_missing", "zone_unknown"),
         "expected refused as zone_unknown, got refused as tariff_missing: no tariff for"),
        (REFUSED.replace("refuse: tariff_missing", "expect: {amount: 1}"),
         "expected a charge, got refused as tariff_missing"),
        (ONE.replace("expect: {amount", "refuse: zone_unknown\n#"),
         "expected refused as zone_unknown, got a charge of 0.38 EUR. This is the charge"),
    ],
)  # fmt: skip
def test_a_refusal_that_is_none_and_the_reverse_are_told(text: str, words: str) -> None:
    (told,) = _told(text)
    assert words in told


def test_a_catalogue_whose_assertion_fails_has_no_snapshot() -> None:
    found = proven(reading({FILE: ONE.replace("0.38", "0.35")}))
    assert found.snapshot is None
    assert [one.rule for one in found.problems] == ["assertion"]
    assert proven(reading({FILE: ONE})).snapshot is not None


@pytest.mark.parametrize(
    ("old", "new", "key", "words"),
    [
        ("offer: basic", "", "", "names either an offer or a tariff"),
        ("offer: basic", "offer: basic\ntariff: voice", "", "names either an offer or a tariff"),
        ("offer: basic", "offer: gold", "offer", "there is no offer 'gold'"),
        ("offer: basic", "tariff: gold", "tariff", "there is no tariff 'gold'"),
        ("service: voice, ", "", "usage.service", "is missing"),
        ("service: voice", "service: telex", "usage.service", "must be"),
        ("offer: basic\nusage: {service: voice", "tariff: voice\nusage: {service: sms",
         "usage.service", "prices voice, not sms"),
        ("61s", "61", "usage.quantity", "is not in microseconds"),
        ("61s", "1 MB", "usage.quantity", "is not in microseconds"),
        ("61s", "300000h", "usage.quantity", "more than one event may hold"),
        ("2026-06-01T10:00:00+02:00", "2026-06-01", "usage.start", "has no time"),
        ("2026-06-01T10:00:00+02:00", "2026-06-01T10:00:00", "usage.start", "has no offset"),
        ('"33123456789"', '"+33"', "usage.b_number", "not a prefix"),
        ("quantity: 61s", "quantity: 61s, up: 1s", "usage.up", "is not a size"),
        ("quantity: 61s", "quantity: 61s, source_amount: 0.0000000001", "usage.source_amount",
         "more than 9 decimals"),
        ("quantity: 61s", "quantity: 61s, attributes: x", "usage.attributes", "write a mapping"),
        ("quantity: 61s", "qantity: 61s", "usage.qantity", "did you mean quantity?"),
        ('amount: "0.38"', "amount: 0.38 EUR", "expect.amount", "not a price"),
        ("counted: 66s", "counted: 66", "expect.counted", "is not in microseconds"),
        ("expect: {", "#", "", "has either expect or refuse"),
        ("expect: {", "refuse: zone_unknown\nexpect: {", "", "has either expect or refuse"),
        ("expect: {", "expect: {}\n#", "expect", "expects nothing"),
        ("expect: {", "refuse: zone_unkown\n#", "refuse", "did you mean zone_unknown?"),
        ("usage: {", "sequence: []\n#", "", "has no usage"),
        ("usage: {", "sequence: [{usage: {service: voice, quantity: 1s, start: 2026-06-01T10:00:00Z}, refuse: zone_unknown}]\nusage: {",
         "sequence", "stands beside usage"),
    ],
)  # fmt: skip
def test_a_mistake_in_an_assertion_is_one_problem(old: str, new: str, key: str, words: str) -> None:
    assert old in ONE
    text = ONE.replace(old, new)
    if "sequence: []" in text:
        text = text.partition("expect:")[0]
    found = reading({FILE: text}).problems
    assert len(found) == 1, found
    assert (found[0].file, found[0].key) == (FILE, key)
    assert words in found[0].message


def test_ids_of_assertions_are_unique() -> None:
    (problem,) = reading({FILE: ONE, "assertions/z.yaml": ONE}).problems
    assert (problem.file, problem.key) == ("assertions/z.yaml", "id")


def test_an_assertion_of_a_tariff_that_is_refused_is_no_second_problem() -> None:
    broken = {"tariffs/voice.yaml": "id: voice\nservice: voice"}
    alone = reading(broken).problems
    assert reading({**broken, FILE: OF_TARIFF}).problems == alone
