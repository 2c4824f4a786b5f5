import pytest
from hypothesis import given
from hypothesis import strategies as st

from tallywire.numbering import Dated, PrefixBook, normalise

GERMANY = {"home_country": "49", "trunk_prefix": "0", "international_prefixes": ("00",)}
NORWAY = {"home_country": "47", "trunk_prefix": "", "international_prefixes": ("00",)}
AMERICA = {"home_country": "1", "trunk_prefix": "1", "international_prefixes": ("011",)}
RUSSIA = {"home_country": "7", "trunk_prefix": "8", "international_prefixes": ("810",)}


@pytest.mark.parametrize(
    ("raw", "node", "expected"),
    [
        ("+49 (30) 123-456", GERMANY, "4930123456"),
        ("0049.30.123456", GERMANY, "4930123456"),
        ("030123456", GERMANY, "4930123456"),
        ("30123456", GERMANY, "4930123456"),
        ("4930123456", GERMANY, "4930123456"),
        ("0047 22 33 44 55", GERMANY, "4722334455"),
        ("22334455", NORWAY, "4722334455"),
        ("47123456", NORWAY, "4747123456"),
        ("4747123456", NORWAY, "4747123456"),
        ("004947123456", NORWAY, "4947123456"),
        ("212 555 0100", AMERICA, "12125550100"),
        ("12125550100", AMERICA, "12125550100"),
        ("011442012345678", AMERICA, "442012345678"),
        ("810442012345678", RUSSIA, "442012345678"),
        ("112", NORWAY, "47112"),
        ("+123456789012345", NORWAY, "123456789012345"),
        ("+1234567890123456", NORWAY, None),
        ("+0123", NORWAY, None),
        ("00", NORWAY, None),
        ("+", NORWAY, None),
        ("", NORWAY, None),
        ("anonymous", NORWAY, None),
        ("*21#", NORWAY, None),
        ("22٣٤", NORWAY, None),
        ("++47", NORWAY, None),
        ("\x0047", NORWAY, None),
    ],
)
def test_numbers_as_they_are_dialled(raw: str, node: dict[str, str], expected: str | None) -> None:
    assert normalise(raw, **node) == expected


@given(st.text(), st.sampled_from([GERMANY, NORWAY, AMERICA, RUSSIA]))
def test_any_text_is_a_number_or_none(raw: str, node: dict[str, str]) -> None:
    found = normalise(raw, **node)
    if found is not None:
        assert found.isascii()
        assert found.isdigit()
        assert 1 <= len(found) <= 15
        assert normalise(f"+{found}", **node) == found


prefixes = st.text("479", max_size=4)
spans = st.tuples(st.integers(0, 9), st.integers(1, 9)).map(lambda pair: (pair[0], sum(pair)))


@given(
    st.dictionaries(prefixes, spans, max_size=12),
    st.text("4790", max_size=6) | st.sampled_from(["47x", "4" * 19, "+47", "²4"]),
    st.integers(0, 19),
)
def test_the_longest_prefix_that_holds_wins(
    book: dict[str, tuple[int, int]], digits: str, moment: int
) -> None:
    entries = [Dated(prefix, "z", 0, 1, *span) for prefix, span in book.items()]
    entry, known = PrefixBook(entries).find(digits, moment)
    plain = digits if set(digits) <= set("0123456789") else ""
    matching = [one for one in entries if plain.startswith(one.prefix)]
    holding = [one for one in matching if one.valid_from_us <= moment < one.valid_to_us]
    assert entry == max(holding, key=lambda one: len(one.prefix), default=None)
    assert known == bool(matching)


def test_a_prefix_changes_price_at_its_date() -> None:
    book = PrefixBook([Dated("47", "old", 0, 1, 0, 100), Dated("47", "new", 1, 2, 100, 200)])
    found = [book.find("4790", moment)[0] for moment in (0, 99, 100, 199)]
    assert [entry and entry.zone_id for entry in found] == ["old", "old", "new", "new"]
    assert [book.find(number, 200) for number in ("47", "46")] == [
        (None, True),
        (None, False),
    ]
