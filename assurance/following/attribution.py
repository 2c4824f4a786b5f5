"""Of stretches with less usage, those that are told: one for one cause, none where nothing is lost.

What other elements took over is no loss. Where all elements fell together, it is the feed; where
one node, trunk or cell fell by itself, it is that one, and not the feeds that lack its usage. What
came an hour sooner or later is not lost either.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

from assurance.following.elements import CELL, FEED, NODE, TRUNK, Key, whole_of
from assurance.following.episodes import Episode

_DAY = 24
_KNOWN = 100
"""So many usual records tell how busy the others are."""
_KINDS = (NODE, TRUNK, CELL, FEED)

Within = Callable[[Key, int, int], tuple[int, int]]
"""Gives what is usual in hours of an entity, in thousandths, and what came."""


@dataclass(frozen=True)
class Loss:
    """A stretch that is told.

    Attributes:
        key: Of whom.
    """

    key: Key
    episode: Episode

    @property
    def records(self) -> int:
        """Give how many records are missing."""
        return self.episode.usual - self.episode.here


def told(found: Mapping[Key, Sequence[Episode]], within: Within) -> list[Loss]:
    """Choose what is told, of all stretches of a tenant: the largest first, feeds last."""
    losses = [Loss(key, one) for key in found for one in found[key]]
    losses = [one for one in losses if not _moved(one, within)]
    feeds = [one for one in losses if one.key[0] == FEED]
    chosen: list[Loss] = []
    for one in sorted((one for one in losses if one.key[0] != FEED), key=_order):
        if _is_alone(one, feeds, within) and not _explained(one, chosen):
            chosen.append(one)
    return [*chosen, *(one for one in sorted(feeds, key=_order) if not _explained(one, chosen))]


def _order(loss: Loss) -> tuple[int, int, Key, int]:
    """Put the largest loss first; of equal ones a node before a trunk before a cell."""
    return -loss.records, _KINDS.index(loss.key[0]), loss.key, loss.episode.first


def _is_alone(loss: Loss, feeds: Sequence[Loss], within: Within) -> bool:
    """Tell whether an element lost usage, and not with all others of its kind.

    Of nodes only a feed that was found to have lost it tells that. Of the only one of its kind its
    feeds tell, if they lost half as much again.
    """
    if not _is_lost(loss, within):
        return False
    if loss.key[0] == NODE and not _explained(loss, feeds):
        return True
    if not _others(loss, within, loss.episode.first, loss.episode.last)[0]:
        return 2 * _lost_by(loss, feeds) <= 3 * loss.records
    return not _others_fell(loss, within)


def _is_lost(loss: Loss, within: Within) -> bool:
    """Tell whether the others did not take half of it over.

    What they brought is held against what they brought in the day before it and in that behind it:
    a busy day is no take-over.
    """
    first, last = loss.episode.first, loss.episode.last
    usual, here = _others(loss, within, first, last)
    parts = [
        _others(loss, within, first - _DAY, first - 1), _others(loss, within, last + 1, last + _DAY)
    ]  # fmt: skip
    around, came = sum(one for one, _ in parts), sum(one for _, one in parts)
    if around >= _KNOWN:
        usual = usual * max(4 * around, min(5 * came, 6 * around)) // (5 * around)
    return 2 * (here - usual) <= loss.records


def _others(loss: Loss, within: Within, first: int, last: int) -> tuple[int, int]:
    """Give what is usual of the other elements in hours, and what came of them."""
    usual, here = within(whole_of(loss.key), first, last)
    own, own_here = within(loss.key, first, last)
    return max(0, usual - own) // 1_000, max(0, here - own_here)


def _others_fell(loss: Loss, within: Within) -> bool:
    """Tell whether the others lost half as large a part as an element did, and not by chance."""
    one = loss.episode
    others, here = _others(loss, within, one.first, one.last)
    lost = others - here
    return lost > 0 and lost * lost >= 4 * others and 2 * lost * one.usual >= loss.records * others


def _moved(loss: Loss, within: Within) -> bool:
    """Tell whether the hour before a stretch, or that behind it, brought half of what it lacks.

    A clock was set, or the day had another number of hours.
    """
    more = 0
    for hour in (loss.episode.first - 1, loss.episode.last + 1):
        usual, here = within(loss.key, hour, hour)
        more += max(0, here - usual // 1_000)
    return 2 * more >= loss.records


def _explained(loss: Loss, by: Iterable[Loss]) -> bool:
    """Tell whether others, of the same usage and time, lost half of it or more."""
    return 2 * _lost_by(loss, by) >= loss.records


def _lost_by(loss: Loss, by: Iterable[Loss]) -> int:
    """Give how many records others, of the same usage and time, have lost."""
    key, one = loss.key, loss.episode
    return sum(
        other.records
        for other in by
        if other.episode.first <= one.last and one.first <= other.episode.last
        and key[1] == other.key[1] and key[3:5] == other.key[3:5]
        and (key[2] == other.key[2] or "" in {key[2], other.key[2]})
    )  # fmt: skip
