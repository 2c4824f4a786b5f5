import json
from fractions import Fraction
from textwrap import fill

import orjson
from hypothesis import HealthCheck, given, settings
from inline_snapshot import snapshot

from schemas.usage import UsageEvent
from tallywire.catalog.snapshot import FOREVER_US, Allowance, Group, Rounding, Snapshot
from tallywire.rating.explain import as_json, retrace, words
from tallywire.rating.rulebook import Charge, Rulebook
from tests.priced import SECOND, group, one_tariff, peak_calendar, rate, row_of, usage
from tests.strategies import snapshots, usage_events

SOME = settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))
MINUTES = Allowance("minutes_10", frozenset({"voice"}), frozenset(), "microsecond", 600 * SECOND)


def told(charge: Charge) -> str:
    return "\n".join(fill(sentence, 92, subsequent_indent="  ") for sentence in words(charge.steps))


def test_a_call_over_the_edge_of_two_bands() -> None:
    catalogue = one_tariff(
        group(0, 30, "0.06", "0.12"), group(30, 6, "0.06", "0.12"),
        calendar=peak_calendar("Europe/Oslo", 480, 1080), fee="0.4",
        prefixes=(("47", "norway", 0, 3, 0, FOREVER_US),), rounding=Rounding("half_even", 2),
    )  # fmt: skip
    charge = rate(catalogue, usage(75 * SECOND, "2026-06-05T15:59:30Z"))
    assert told(charge) == snapshot("""\
This is the charge for a call of 1 min 15 s, begun on Friday 5 June 2026 at 17:59:30, local
  time in Europe/Oslo (UTC+02:00).
The offer offer charges outgoing voice by the tariff tariff, revision 3.
The number dialled is 4790012345; it begins with 47, which is the zone norway.
Usage is counted in steps of 30 s, then from 30 s on in steps of 6 s, a step begun being a
  step paid: 1 min 18 s.
From 17:59:30 to 18:00:00 in the band peak: 30 s at EUR 0.12 per minute is EUR 0.06.
From 18:00:00 to 18:00:48 in the band off: 48 s at EUR 0.06 per minute is EUR 0.048.
A connection fee of EUR 0.40 is added.
Exactly it is EUR 0.508; rounded to 2 decimals (to the nearest, halves to the even digit),
  the charge is EUR 0.51.\
""")


def test_the_night_the_clocks_go_back_and_an_allowance_that_ends() -> None:
    catalogue = one_tariff(
        group(0, 60, "0.10", "0.20"), calendar=peak_calendar("Europe/Oslo", 480, 1080),
        allowances=(MINUTES,), rounding=Rounding("up", 4),
    )  # fmt: skip
    charge = rate(catalogue, usage(3_600 * SECOND, "2026-10-25T00:30:00Z"), 540 * SECOND)
    assert told(charge) == snapshot("""\
This is the charge for a call of 1 h, begun on Sunday 25 October 2026 at 02:30:00, local
  time in Europe/Oslo (UTC+02:00).
The offer offer charges outgoing voice by the tariff tariff, revision 1.
The number dialled is 4790012345; no prefix of the tariff is more exact, so it belongs to
  the zone world.
Usage is counted in steps of 1 min, a step begun being a step paid: 1 h.
The allowance minutes_10 for October 2026 held 1 min; it pays for the first 1 min and has
  nothing left.
From 02:30:00 (UTC+02:00) to 02:30:00 (UTC+01:00) in the band off: after 1 min paid by the
  allowance, 59 min at EUR 0.10 per minute is EUR 5.90.
The charge is EUR 5.90.\
""")


def test_data_with_a_minimum() -> None:
    catalogue = one_tariff(Group(0, 1_000, (Fraction("0.05") / 10**6,)), service="data", least="1")
    charge = rate(catalogue, usage(1_234_567, service="data"))
    assert told(charge) == snapshot("""\
This is the charge for a data session of 1.234567 MB, begun on Thursday 15 January 2026 at
  12:00:00, local time in UTC (UTC+00:00).
The offer offer charges outgoing data by the tariff tariff, revision 1.
The number dialled is 4790012345; no prefix of the tariff is more exact, so it belongs to
  the zone world.
Usage is counted in steps of 1 kB, a step begun being a step paid: 1.235 MB.
1.235 MB at EUR 0.05 per MB is EUR 0.06175.
The least charge is EUR 1.00, which replaces EUR 0.06175.
The charge is EUR 1.00.\
""")


def test_a_maximum_takes_off_what_is_above_it() -> None:
    catalogue = one_tariff(Group(0, 1_000, (Fraction("0.05") / 10**6,)), service="data", most="3")
    charge = rate(catalogue, usage(100_000_000, service="data"))
    assert told(charge).endswith(
        "The charge is at most EUR 3.00, which replaces EUR 5.00.\nThe charge is EUR 3.00."
    )
    amounts = [step.facts["amount"] for step in charge.steps if "amount" in step.facts]
    assert sum(amounts) == 3  # type: ignore[arg-type]


def test_messages_a_used_up_allowance_and_nothing_at_all() -> None:
    bundle = Allowance("sms_10", frozenset({"sms"}), frozenset(), "count", 10)
    catalogue = one_tariff(
        Group(0, 1, (Fraction("0.015"),)), service="sms", allowances=(bundle,),
        rounding=Rounding("down", 2),
    )  # fmt: skip
    assert told(rate(catalogue, usage(3, service="sms"), 10)) == snapshot("""\
This is the charge for 3 text messages, begun on Thursday 15 January 2026 at 12:00:00, local
  time in UTC (UTC+00:00).
The offer offer charges outgoing sms by the tariff tariff, revision 1.
The number dialled is 4790012345; no prefix of the tariff is more exact, so it belongs to
  the zone world.
Counted: 3.
The allowance sms_10 has nothing left for January 2026, so it pays for nothing.
3 at EUR 0.015 each is EUR 0.045.
Exactly it is EUR 0.045; rounded to 2 decimals (down), the charge is EUR 0.04.\
""")
    assert told(rate(catalogue, usage(0, service="sms"))) == snapshot("""\
This is the charge for 0 text messages, begun on Thursday 15 January 2026 at 12:00:00, local
  time in UTC (UTC+00:00).
The offer offer charges outgoing sms by the tariff tariff, revision 1.
The number dialled is 4790012345; no prefix of the tariff is more exact, so it belongs to
  the zone world.
Nothing was used, so nothing is counted.
The allowance sms_10 for January 2026 still holds 10; nothing is taken from it.
The charge is EUR 0.00.\
""")


def test_the_same_as_json() -> None:
    catalogue = one_tariff(
        group(0, 60, "0.1", "0.2"), calendar=peak_calendar("Asia/Kolkata", 480, 1080)
    )
    charge = rate(catalogue, usage(61 * SECOND))
    steps = as_json(charge.steps)
    assert [step["step"] for step in steps] == [
        "usage", "tariff", "prefix", "increments", "price", "rounding",
    ]  # fmt: skip
    assert json.loads(orjson.dumps(steps)) == steps
    assert steps[4].pop("text") == words(charge.steps)[4]
    assert steps[4] == snapshot(
        {
            "step": "price",
            "band": "peak",
            "bands": 2,
            "way": "quantity",
            "quantity": 120000000,
            "free": 0,
            "unit": "microsecond",
            "rate": {"exact": "1/300000000", "text": "EUR 0.20 per minute"},
            "amount": {"exact": "2/5", "decimal": "0.400000000"},
            "priced": True,
            "currency": "EUR",
            "time_zone": "Asia/Kolkata",
            "from": "2026-01-15T17:30:00+05:30",
            "until": "2026-01-15T17:32:00+05:30",
        }
    )


@SOME
@given(snapshots(), usage_events(most=12))
def test_every_charge_can_be_told_and_traced_again(
    catalogue: Snapshot, events: list[UsageEvent]
) -> None:
    book, used = Rulebook(catalogue), {}
    for event in events:
        rating = book.rate(row_of(event), lambda key: used.get(key, 0))
        used.update(rating.writes)
        for charge in rating.charges:
            assert all(sentence.endswith(".") for sentence in words(charge.steps))
            kinds = {type(value).__name__ for value in _leaves(as_json(charge.steps))}
            assert "float" not in kinds
            again = retrace(Rulebook(catalogue), charge.row)
            assert isinstance(again, Charge)
            assert again.row == charge.row
            assert again.steps == charge.steps


def _leaves(value: object) -> list[object]:
    if isinstance(value, dict):
        value = list(value.values())
    if isinstance(value, list):
        return [leaf for one in value for leaf in _leaves(one)]
    return [value]
