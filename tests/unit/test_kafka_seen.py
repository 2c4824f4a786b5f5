"""What a reader of the usage log on Kafka takes: each block once, and of its lane's owner alone."""

from dataflows.usage_log.kafka import CLAIM, Heading, Seen


def _block(generation: int, sequence: int) -> Heading:
    return Heading("a", generation, sequence, rows=10)


def _claim(generation: int) -> Heading:
    return Heading("a", generation, CLAIM, rows=0)


def test_a_block_that_was_read_is_dropped() -> None:
    seen = Seen()
    assert [seen.take(_block(1, number)) for number in (0, 1, 1, 0, 2)] == [
        True, True, False, False, True,
    ]  # fmt: skip


def test_a_claim_is_no_block_and_shuts_out_the_owner_before() -> None:
    seen = Seen()
    assert seen.take(_block(1, 0))
    assert not seen.take(_claim(2))
    assert not seen.take(_block(1, 1))
    assert seen.take(_block(2, 1))


def test_a_claim_before_the_first_block_leaves_room_for_it() -> None:
    seen = Seen()
    assert not seen.take(_claim(1))
    assert seen.take(_block(1, 0))


def test_a_block_sent_again_by_a_new_owner_shuts_out_the_one_before() -> None:
    seen = Seen()
    assert seen.take(_block(1, 0))
    assert not seen.take(_block(2, 0))
    assert not seen.take(_block(1, 1))


def test_the_end_of_a_replaced_owner_is_no_end() -> None:
    seen = Seen()
    seen.take(_claim(2))
    seen.take(Heading("a", 1, 0, 0, ended="run"))
    assert seen.ended == {}
    seen.take(Heading("a", 2, 0, 0, ended="run"))
    assert seen.ended == {"a": "run"}


def test_what_is_new_is_written_and_read_back() -> None:
    seen = Seen()
    seen.take(_block(1, 0))
    before = seen.copy()
    seen.take(_claim(4))
    other = before.copy()
    other.add(seen.since(before))
    assert other == seen
    assert not other.take(_block(3, 1))
