"""What lint says of prefixes is what one sees who tries every number."""

from collections.abc import Iterator, Mapping
from fractions import Fraction

from hypothesis import given, settings
from hypothesis import strategies as st

from tallywire.catalog import Reading, Snapshot
from tallywire.catalog.comparing import charge_of
from tallywire.catalog.effective import Effective
from tallywire.catalog.lint import cheaper_than_cost, compared, warnings
from tallywire.catalog.places import Places
from tallywire.catalog.snapshot import Tariff
from tests.unit.catalog_files import reading

TARIFF = """
id: {name}
service: interconnect
zone_by: b_number
rounding: {{mode: half_up, scale: 6}}
revisions:
  - revision: 1
    valid_from: 2026-01-01
    valid_to: 2026-12-31
    deck:
      file: decks/{name}.csv
      per: 1 min
      increment: {step}
      columns: {{prefix: p, rate: r, valid_from: f, valid_to: t}}
"""
HALVES = ("2026-01-01", "2026-07-01", "2026-12-31")
NUMBERS = [f"4{number:03d}" for number in range(1_000)]
MINUTE = 60_000_000

_price = st.sampled_from(["0.01", "0.02", "0.03"])
_spans = st.one_of(
    _price.map(lambda price: [(price, 0, 2)]),
    st.tuples(_price, _price).map(lambda two: [(two[0], 0, 1), (two[1], 1, 2)]),
    st.tuples(_price, st.sampled_from([0, 1])).map(lambda one: [(one[0], one[1], one[1] + 1)]),
)


@st.composite
def _prefixes(draw: st.DrawFn) -> set[str]:
    """Prefixes below 4, some with all ten longer ones."""
    few = st.integers(0, 1)  # few digits, so that prefixes lie within one another
    found: set[str] = set()
    for _ in range(draw(st.integers(1, 5))):
        found.add("4" + "".join(str(draw(few)) for _ in range(draw(st.integers(0, 2)))))
    for parent in draw(st.lists(st.sampled_from(sorted(found)), max_size=2)):
        if len(parent) < 3:
            found |= {f"{parent}{digit}" for digit in range(10)}
    return found


@st.composite
def _decks(draw: st.DrawFn) -> str:
    rows = [
        f"{prefix},{price},{HALVES[start]},{HALVES[end]}\n"
        for prefix in sorted(draw(_prefixes()))
        for price, start, end in draw(_spans)
    ]
    return "p,r,f,t\n" + "".join(rows)


def _read(decks: Mapping[str, str], step: str = "1/1") -> Reading:
    files = {}
    for name, rows in decks.items():
        files[f"tariffs/{name}.yaml"] = TARIFF.format(name=name, step=step)
        files[f"tariffs/decks/{name}.csv"] = rows
    found = reading(files)
    assert found.problems == []
    return found


def _tariff(found: Reading, name: str) -> Tariff:
    snapshot = found.snapshot
    assert isinstance(snapshot, Snapshot)
    return snapshot.tariffs[name]


def _moments(effective: Effective) -> Iterator[int]:
    yield from sorted(
        {row.valid_from_us for row in effective.rows} | {row.valid_to_us for row in effective.rows}
    )


@settings(max_examples=60, deadline=None)
@given(_decks())
def test_a_prefix_is_unreachable_when_no_number_meets_it(rows: str) -> None:
    found = _read({"one": rows})
    effective = Effective(_tariff(found, "one"))
    met = {
        row
        for moment in _moments(effective)
        for number in NUMBERS
        if (row := effective.at(number, moment)) is not None
    }
    lines = {
        one.line
        for one in warnings(found)
        if one.rule == "unreachable" and "more rows" not in one.message
    }
    texts = rows.splitlines()
    told = {texts[line - 1].split(",")[0] + texts[line - 1].split(",")[2] for line in lines}
    missed = {f"{row.prefix}{_date(row.valid_from_us)}" for row in effective.rows if row not in met}
    assert told == missed


def _date(micros: int) -> str:
    return HALVES[0] if micros < 1_775_000_000_000_000 else HALVES[1]


@settings(max_examples=60, deadline=None)
@given(_decks(), _decks(), st.sampled_from(["1/1", "60/60"]))
def test_a_loss_is_told_when_some_number_loses(retail: str, cost: str, step: str) -> None:
    found = _read({"sells": retail, "buys": cost}, step)
    sells, buys = (Effective(_tariff(found, name)) for name in ("sells", "buys"))
    losing = set()
    for moment in sorted({*_moments(sells), *_moments(buys)}):
        for number in NUMBERS:
            one, other = sells.at(number, moment), buys.at(number, moment)
            if one is None or other is None:
                continue
            price, paid = sells.price(one), buys.price(other)
            quantities = (price.groups[0].increment, MINUTE)
            if any(charge_of(price, 0, used) < charge_of(paid, 0, used) for used in quantities):
                losing.add((one, other))
    comparison = cheaper_than_cost(sells.tariff, buys.tariff)
    assert {(loss.retail, loss.cost) for loss in comparison.losses} == losing
    assert not comparison.note


@settings(max_examples=60, deadline=None)
@given(_decks(), _decks())
def test_a_change_is_told_when_some_number_moves(old: str, new: str) -> None:
    """With 0 percent and no new price at all, silence means that nothing moved for any number."""
    before, after = _read({"one": old}), _read({"one": new})
    assert before.snapshot is not None
    assert after.snapshot is not None
    told = compared(before.snapshot, after.snapshot, Places(after.entries), Fraction(0))
    one, other = Effective(_tariff(before, "one")), Effective(_tariff(after, "one"))
    moved = False
    for moment in sorted({*_moments(one), *_moments(other)}):
        for number in NUMBERS:
            was, now = one.at(number, moment), other.at(number, moment)
            if was is not None:
                moved |= now is None or one.price(was) != other.price(now)
    assert bool(told) == moved
