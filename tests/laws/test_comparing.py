"""What lint says a usage costs is what the rulebook charges, band by band."""

from fractions import Fraction

from hypothesis import given
from hypothesis import strategies as st

from tallywire.catalog.comparing import charge_of
from tallywire.catalog.snapshot import Calendar, Group
from tests.priced import one_tariff, rate, usage

_RATES = st.integers(0, 10**6).map(lambda micro: Fraction(micro, 6 * 10**13))
_MONEY = st.integers(0, 500).map(lambda cents: Fraction(cents, 100))


@st.composite
def _groups(draw: st.DrawFn) -> tuple[Group, ...]:
    starts = [0, *sorted(draw(st.sets(st.integers(1, 10**9), max_size=3)))]
    return tuple(Group(start, draw(st.integers(1, 10**8)), (draw(_RATES),)) for start in starts)


@given(_groups(), _MONEY, _MONEY, st.none() | _MONEY, st.integers(1, 10**10))
def test_lint_and_the_rulebook_charge_alike(
    groups: tuple[Group, ...], fee: Fraction, least: Fraction, more: Fraction | None, used: int
) -> None:
    most = None if more is None else str(least + more)
    snapshot = one_tariff(*groups, fee=str(fee), least=str(least), most=most)
    row = rate(snapshot, usage(used)).row
    exact = Fraction(int(row["amount_numerator"]), int(row["amount_denominator"]))
    assert charge_of(snapshot.tariffs["tariff"].prices[0], 0, used) == exact


@given(st.integers(0, 1), st.integers(1, 10**10))
def test_each_band_has_its_own_rate(band: int, used: int) -> None:
    rates = (Fraction(1, 60_000_000), Fraction(3, 60_000_000))
    calendars = [Calendar("one", "UTC", (name,)) for name in ("low", "high")]
    snapshot = one_tariff(Group(0, 1_000_000, (rates[band],)), calendar=calendars[band])
    both = one_tariff(Group(0, 1_000_000, rates)).tariffs["tariff"].prices[0]
    row = rate(snapshot, usage(used)).row
    exact = Fraction(int(row["amount_numerator"]), int(row["amount_denominator"]))
    assert charge_of(both, band, used) == exact
