"""The key table against a dictionary."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from tallywire.keytable import KeyTable

KEYS = st.lists(st.tuples(st.integers(0, 40), st.integers(0, 3)), max_size=200)


def _words(keys: list[tuple[int, int]]) -> tuple[np.ndarray, np.ndarray]:
    hi = np.array([key[0] for key in keys], np.uint64)
    lo = np.array([key[1] for key in keys], np.uint64)
    return hi, lo


@given(st.lists(KEYS, max_size=6))
def test_it_is_a_dictionary_in_order(batches: list[list[tuple[int, int]]]) -> None:
    table = KeyTable({"first": np.int64})
    known: dict[tuple[int, int], int] = {}
    row = 0
    for keys in batches:
        slots, fresh = table.claim(*_words(keys))
        for index, key in enumerate(keys):
            assert fresh[index] == (key not in known)
            if fresh[index]:
                known[key] = row
                table.values["first"][slots[index]] = row
            row += 1
        assert len(table) == len(known)
        found = table.find(*_words(list(known)))
        assert table.values["first"][found].tolist() == list(known.values())
    assert table.find(*_words([(99, 99)])).tolist() == [-1]


def test_keys_of_one_slot_and_growth() -> None:
    table = KeyTable({"n": np.int64}, capacity=1)
    count = 5_000
    hi = np.arange(count, dtype=np.uint64)
    lo = hi.copy()  # hi ^ lo is 0 for all: every key has the same home
    slots, fresh = table.claim(hi[:300], lo[:300])
    assert fresh.all()
    assert len(set(slots.tolist())) == 300
    many = np.random.default_rng(1).integers(0, 2**63, count, dtype=np.uint64)
    slots, fresh = table.claim(many, many[::-1].copy())
    table.values["n"][slots] = np.arange(count)
    assert fresh.all()
    assert (table.values["n"][table.find(many, many[::-1].copy())] == np.arange(count)).all()
    assert (table.find(hi[:300], lo[:300]) >= 0).all()


def test_forgetting_keeps_the_rest() -> None:
    table = KeyTable({"n": np.int64})
    keys = np.arange(1, 101, dtype=np.uint64)
    slots, _ = table.claim(keys, keys * np.uint64(7))
    table.values["n"][slots] = np.arange(100)
    keep = np.zeros(len(table.used), bool)
    keep[slots[::2]] = True
    table.forget(keep)
    assert len(table) == 50
    found = table.find(keys, keys * np.uint64(7))
    assert (found[::2] >= 0).all()
    assert (found[1::2] == -1).all()
    assert table.values["n"][found[::2]].tolist() == list(range(0, 100, 2))


def test_keys_in_the_order_of_another_table_do_not_crowd_one_made_for_them() -> None:
    chance = np.random.default_rng(3)
    hi, lo = chance.integers(0, 2**63, (2, 400_000), dtype=np.uint64)
    other = KeyTable({"n": np.int64})
    other.claim(hi, lo)
    kept = np.flatnonzero(other.used)
    table = KeyTable({"n": np.int64})
    table.reserve(len(kept))
    for piece in np.array_split(kept, 8):
        slots, fresh = table.claim(other.hi[piece], other.lo[piece])
        rows, homes = table._homes(other.hi[piece], other.lo[piece], len(table.used))
        assert fresh.all()
        assert ((slots[rows] - homes) % len(table.used)).max() < 1_000


def test_a_table_made_for_its_keys_does_not_grow() -> None:
    chance = np.random.default_rng(4)
    hi, lo = chance.integers(0, 2**63, (2, 30_000), dtype=np.uint64)
    table = KeyTable({"n": np.int64})
    slots, _ = table.claim(hi[:10], lo[:10])
    table.values["n"][slots] = np.arange(10)
    table.reserve(30_000)
    size = len(table.used)
    assert table.values["n"][table.find(hi[:10], lo[:10])].tolist() == list(range(10))
    table.claim(hi, lo)
    assert len(table) == 30_000
    assert len(table.used) == size


def test_one_key_at_a_time_is_where_many_at_once_are() -> None:
    one, many = KeyTable({"used": np.int64}), KeyTable({"used": np.int64})
    hi = np.arange(3_000, dtype=np.uint64) % np.uint64(7)
    lo = np.arange(3_000, dtype=np.uint64) % np.uint64(2_000)
    for high, low in zip(hi.tolist(), lo.tolist(), strict=True):
        slot = one.claim_one(high, low)
        assert slot == one.find_one(high, low)
        one.values["used"][slot] += 1
    slots, _ = many.claim(hi, lo)
    np.add.at(many.values["used"], slots, 1)
    assert len(one) == len(many)
    assert one.find_one(9, 9) == -1
    found = one.values["used"][one.find(hi, lo)]
    np.testing.assert_array_equal(found, many.values["used"][many.find(hi, lo)])


_VALUED = st.lists(
    st.tuples(st.integers(0, 40), st.sampled_from([0, 1, 2, 2**63]), st.integers(0, 9)),
    max_size=200,
)


@given(st.lists(st.tuples(st.booleans(), _VALUED), max_size=6))
def test_many_keys_at_once_are_put_in_as_one_by_one(
    batches: list[tuple[bool, list[tuple[int, int, int]]]],
) -> None:
    """Of one key the last value counts; `hi ^ lo` is often the same, and so is then the hash."""
    table = KeyTable({"n": np.int64}, capacity=1)
    known: dict[tuple[int, int], int] = {}
    for mirrored, rows in batches:
        keys = [(hi, hi ^ lo if mirrored else lo) for hi, lo, _ in rows]
        numbers = [number for _, _, number in rows]
        table.take(*_words(keys), {"n": np.array(numbers, np.int64)})
        known.update(zip(keys, numbers, strict=True))
        assert len(table) == len(known) == int(table.used.sum())
        found = table.find(*_words(list(known)))
        assert table.values["n"][found].tolist() == list(known.values())
    assert table.find(*_words([(99, 99)])).tolist() == [-1]


def test_a_million_keys_at_once() -> None:
    count = 1_000_000
    chance = np.random.default_rng(7)
    hi, lo = (chance.integers(0, 2**64, count, np.uint64) for _ in range(2))
    hi[1::10], lo[1::10] = hi[::10], lo[::10]  # every tenth comes again at once
    hi[-1_000:], lo[-1_000:] = hi[:1_000], lo[:1_000]  # and some much later
    hi[5:500:10], lo[5:500:10] = lo[2:497:10], hi[2:497:10]  # others have the same hash
    numbers = np.arange(count)
    table = KeyTable({"n": np.int64})
    table.take(hi, lo, {"n": numbers.copy()})
    words = list(zip(hi.tolist(), lo.tolist(), strict=True))
    known = dict(zip(words, range(count), strict=True))
    assert len(table) == len(known)
    assert (table.values["n"][table.find(hi, lo)] == [known[key] for key in words]).all()
    more = table.claim(hi[2:10] + np.uint64(1), lo[2:10])[1]
    assert more.all()
