"""What a column of sample values holds: times, lengths, numbers of phones, names of records."""

import datetime
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import polars as pl

from tallywire.catalog.yaml_text import Tree
from tallywire.mediation import values

_WORDS = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|[0-9]+")
_WHOLE = re.compile(r"[0-9]{1,18}")
_DECIMAL = re.compile(r"-?[0-9]{1,12}\.[0-9]{1,9}")
_PHONE = re.compile(r"\+?[0-9]{5,15}")
_PATTERNS = (
    "%Y-%m-%d %H:%M:%S", "%Y-%m-%dT%H:%M:%S", "%Y-%m-%d %H:%M:%S%.f", "%Y-%m-%dT%H:%M:%S%.f",
    "%Y/%m/%d %H:%M:%S", "%Y%m%d%H%M%S", "%Y%m%d %H%M%S", "%d.%m.%Y %H:%M:%S",
    "%d/%m/%Y %H:%M:%S", "%m/%d/%Y %H:%M:%S", "%d-%m-%Y %H:%M:%S", "%m-%d-%Y %H:%M:%S",
    "%Y-%m-%d %H:%M", "%d.%m.%Y %H:%M", "%d/%m/%Y %H:%M", "%m/%d/%Y %H:%M",
)  # fmt: skip
_EPOCHS = {"epoch_seconds": 1, "epoch_milliseconds": 10**3, "epoch_microseconds": 10**6}
_FROM = int(datetime.datetime(2000, 1, 1, tzinfo=datetime.UTC).timestamp())
_TO = int(datetime.datetime(2060, 1, 1, tzinfo=datetime.UTC).timestamp())


def words_of(name: str) -> frozenset[str]:
    """Take a column's name apart.

    >>> sorted(words_of("callingPartyNumber")), sorted(words_of("A_NUMBER"))
    (['calling', 'number', 'party'], ['a', 'number'])
    """
    return frozenset(word.lower() for word in _WORDS.findall(name))


def _instants(texts: Sequence[str], pattern: str) -> pl.Series:
    column = pl.col("t")
    if pattern == "rfc3339":
        read = values.instant(column)
    elif pattern in _EPOCHS:
        read = values.epoch(column, pattern.removeprefix("epoch_"))
    else:
        read = values.wall_time(column, pattern)
    return pl.DataFrame({"t": list(texts)}, schema={"t": pl.String}).select(read).to_series()


def time_patterns(texts: Sequence[str]) -> list[str]:
    """Name the ways in which all of some texts can be read as times, the likeliest first."""
    present = [text for text in texts if text]
    if not present:
        return []
    if all(_WHOLE.fullmatch(text) for text in present):
        found = [
            name for name, factor in _EPOCHS.items()
            if all(_FROM <= int(text) // factor < _TO for text in present)
        ]  # fmt: skip
        if found:
            return found
    return [
        pattern for pattern in ("rfc3339", *_PATTERNS)
        if not _instants(present, pattern).null_count()
    ]  # fmt: skip


@dataclass(frozen=True)
class Column:
    """A column of a sample.

    Attributes:
        place: How a feed names it: `{"column": "3"}`, `{"name": "duration"}`, `{"path": "a.b"}`,
            `{"at": ["0", "4"]}`.
        name: What the sample calls it; empty where it has no name.
        texts: Its values, blanks around them dropped.
    """

    place: Mapping[str, Tree]
    name: str
    texts: tuple[str, ...]

    @cached_property
    def words(self) -> frozenset[str]:
        """Words of its name."""
        return words_of(self.name)

    @cached_property
    def present(self) -> list[str]:
        """Values that are not empty."""
        return [text for text in self.texts if text]

    @cached_property
    def patterns(self) -> list[str]:
        """Ways in which its values are times."""
        return time_patterns(self.texts)

    @property
    def whole(self) -> bool:
        """All values are whole numbers, and some is there."""
        return bool(self.present) and all(_WHOLE.fullmatch(text) for text in self.present)

    @property
    def decimal(self) -> bool:
        """All values are numbers, some with decimals."""
        numbers = [text for text in self.present if _DECIMAL.fullmatch(text)]
        rest = [text for text in self.present if not _DECIMAL.fullmatch(text)]
        return bool(numbers) and all(_WHOLE.fullmatch(text) for text in rest)

    @property
    def phone(self) -> bool:
        """Most values may be numbers that are dialled."""
        if not self.present or self.patterns:
            return False
        alike = sum(bool(_PHONE.fullmatch(re.sub(r"[ \-().]", "", text))) for text in self.present)
        return 4 * alike >= 3 * len(self.present)

    @property
    def unique(self) -> bool:
        """No value occurs twice, and none is missing."""
        return len(self.present) == len(self.texts) == len(set(self.texts)) > 1

    def instants(self) -> list[int | None]:
        """Read its values as times, by the likeliest way; microseconds on the clock they show."""
        found: list[int | None] = _instants(self.texts, self.patterns[0]).to_list()
        return found
