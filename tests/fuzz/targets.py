"""What is fuzzed: the layers below the decoders, one input a run, and every decoder, many a run."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from random import Random

from tallywire.catalog.snapshot import Feed
from tallywire.mediation.decoders import DECODERS
from tallywire.mediation.framing import frame
from tests import radius
from tests.fuzz import batches, mutate_ber, mutate_packets, mutate_text, readers
from tests.laws.diameter_messages import session
from tests.laws.feeds import SNAPSHOT, VALID

Mutator = Callable[[bytes, Random], bytes]
BER, RADIUS, DIAMETER, TEXT = "ber", "radius", "diameter", "text"
MANY = 256
"""Inputs of one run of a decoder."""


@dataclass(frozen=True)
class Target:
    """What bytes are given to.

    Attributes:
        groups: Names by which it is asked for, beside its own.
        seeds: Valid inputs; ahead of them, where `many`, what a file says ahead of its records.
        check: Takes inputs, and whether to look twice; raises where a law does not hold.
        mutate: Changes an input of this kind at its seams.
        many: Inputs of one run; 1 where they are no pieces of a file.
    """

    name: str
    groups: tuple[str, ...]
    seeds: Sequence[bytes]
    check: Callable[[Sequence[bytes], bool], object]
    mutate: Mutator
    many: int = 1


def _one(law: Callable[[bytes], None]) -> Callable[[Sequence[bytes], bool], None]:
    def check(pieces: Sequence[bytes], _again: bool) -> None:
        for piece in pieces:
            law(piece)

    return check


_STRUCTURED: Mapping[str, tuple[str, Mutator]] = {
    "3gpp_cdr": (BER, mutate_ber.mutate),
    "tap": (BER, mutate_ber.mutate),
    "nrtrde": (BER, mutate_ber.mutate),
    "rap": (BER, mutate_ber.mutate),
    "radius": (RADIUS, mutate_packets.kept),
    "radius_detail": (RADIUS, mutate_text.mutate),
    "diameter": (DIAMETER, mutate_packets.message),
}


def _records(group: str) -> list[bytes]:
    """Give the records of all valid files of a group, and the files."""
    found: list[bytes] = []
    for valid in VALID.values():
        feed = SNAPSHOT.feeds[valid.feed_id]
        if _STRUCTURED.get(feed.format, (TEXT,))[0] == group:
            frames, _ = frame(valid.data, DECODERS[feed.format].framing(feed), at_end=True)
            found += [*frames.slices(), valid.data]
    return found


_PACKETS = [
    radius.request(radius.accounting(radius.STOP, "a", seconds=600, down=6 * 2**30, up=2_000)),
    radius.request(radius.accounting(radius.ON, "", more=[(33, b"proxy"), (26, b"\0\0\x28\xaf\x01\x05001")])),
    radius.request(radius.accounting(radius.INTERIM, "b", at=1_792_843_200), signs=True),
    radius.status_server(),
]  # fmt: skip
_TEXTS = [VALID[key].data for key in (
    "declared_delimited", "radius_detail", "elements", "application-server", "objects", "named")]  # fmt: skip

READERS = (
    Target("read-ber", (BER,), [b"", *_records(BER)], lambda pieces, _: readers.ber(pieces),
           mutate_ber.mutate, MANY),
    Target("read-radius", (RADIUS,), _PACKETS, _one(readers.radius_packet), mutate_packets.packet),
    Target("read-diameter", (DIAMETER,), [session()], _one(readers.diameter), mutate_packets.message),
    Target("read-text", (TEXT,), _TEXTS, _one(readers.text), mutate_text.mutate),
)  # fmt: skip
"""Layers below the decoders."""


def _check(pieces: Sequence[bytes], again: bool, *, feed: Feed, decode: batches.Decoder) -> None:
    framing = DECODERS[feed.format].framing(feed)
    batches.check(pieces, framing, decode, feed, again=again)


def decoder(key: str, decode: batches.Decoder | None = None, name: str = "") -> Target:
    """Make the target of a decoder.

    Args:
        key: A file among the valid ones.
        decode: Another decoder than the format's own.
    """
    valid = VALID[key]
    feed = SNAPSHOT.feeds[valid.feed_id]
    form = DECODERS[feed.format]
    framing = form.framing(feed)
    head = valid.data[: framing.prologue(valid.data, at_end=True) or 0]
    frames, _ = frame(valid.data[len(head) :], framing, at_end=True, base_offset=len(head))
    group, mutate = _STRUCTURED.get(feed.format, (TEXT, mutate_text.mutate))
    layout = str(feed.options.get("layout", "fixed")) if feed.format == "declared" else ""
    check = partial(_check, feed=feed, decode=decode or form.decode)
    return Target(
        name or key.replace(" ", "-"), (group, feed.format, layout), [head, *frames.slices()],
        check, mutate, MANY,
    )  # fmt: skip


TARGETS: Mapping[str, Target] = {
    one.name: one for one in (*READERS, *(decoder(key) for key in VALID))
}
"""By name."""


def named(wanted: Sequence[str]) -> list[str]:
    """Give the names of targets that are asked for by their own name or a group's; all for none.

    Raises:
        ValueError: If a name is neither.
    """
    groups = {group for one in TARGETS.values() for group in one.groups if group}
    for name in wanted:
        if name not in TARGETS and name not in groups:
            known = ", ".join(sorted({*TARGETS, *groups}))
            msg = f"no target {name!r} to fuzz; there are {known}"
            raise ValueError(msg)
    return [
        name for name, one in TARGETS.items()
        if not wanted or name in wanted or set(one.groups) & set(wanted)
    ]  # fmt: skip
