"""The thresholds that a person may tune: of each control its own, each with its bounds.

What stands in no file has its default. A file is held against these models whole: an unknown name,
or a value out of its bounds, is refused.
"""

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Annotated, Any, Literal

import orjson
from pydantic import AfterValidator, BaseModel, ConfigDict, Field
from pydantic.fields import FieldInfo

_MOST_RECORDS = 1_000_000
_SHOWN = 16


@dataclass(frozen=True)
class Knob:
    """How a threshold is tuned.

    Attributes:
        stricter: `higher` or `lower`: where fewer findings come.
        ladder: Values that a backtest tries, where none are named.
    """

    stricter: Literal["higher", "lower"]
    ladder: tuple[int, ...]


def _power_of_two(value: int) -> int:
    if value & (value - 1):
        msg = "write a power of two, such as 8 or 1024: delays are counted by such steps"
        raise ValueError(msg)
    return value


_RECORDS = Knob("higher", (10, 20, 50, 100, 200, 500, 1_000))
Records = Annotated[int, Field(ge=1, le=_MOST_RECORDS), _RECORDS]


class _Closed(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


class NearCopies(_Closed):
    """C7.

    Attributes:
        start_ms: Starts no farther apart are of one call, milliseconds.
        duration_ms: Of one call, durations no farther apart are copies, else a part and its whole.
    """

    start_ms: Annotated[
        int, Field(ge=0, le=30_000), Knob("lower", (0, 500, 1_000, 2_000, 3_000, 5_000))
    ] = 2_000
    duration_ms: Annotated[
        int, Field(ge=0, le=60_000), Knob("lower", (0, 500, 1_000, 2_000, 5_000))
    ] = 1_000


class Charges(_Closed):
    """C10.

    Attributes:
        times: So many times the usual price, or so small a part of it, is far.
        records: Fewer of a day, or of the days before, are not judged.
    """

    times: Annotated[int, Field(ge=2, le=1_000), Knob("higher", (2, 3, 4, 5, 6, 8, 10, 20))] = 5
    records: Records = 20


class Rounding(_Closed):
    """C11.

    Attributes:
        one_in: Rounding must come to more than one in so many of what was charged.
        records: Fewer charges of a day are not judged.
    """

    one_in: Annotated[
        int, Field(ge=10, le=_MOST_RECORDS), Knob("lower", (100, 200, 500, 1_000, 2_000, 5_000))
    ] = 1_000
    records: Records = 1_000


class Volume(_Closed):
    """C4.

    Attributes:
        evidence: What a stretch of hours needs, in thousandths of a natural logarithm: chance gives
            7000 once in a thousand stretches, 9200 once in ten thousand.
        silence_records: Nothing came where so many records are usual: that is silence.
    """

    evidence: Annotated[
        int, Field(ge=3_000, le=1_000_000), Knob("higher", (4_600, 7_000, 9_200, 11_500, 14_000))
    ] = 7_000
    silence_records: Records = 30


class Lateness(_Closed):
    """C15.

    Attributes:
        times: So many times the usual delay is late.
        seconds: Whoever comes sooner is not late.
        records: Fewer of an hour are not judged.
    """

    times: Annotated[
        int, Field(ge=2, le=1_024), AfterValidator(_power_of_two), Knob("higher", (2, 4, 8, 16, 32))
    ] = 8
    seconds: Annotated[
        int, Field(ge=1, le=2**20), AfterValidator(_power_of_two),
        Knob("higher", (256, 512, 1_024, 2_048, 4_096, 8_192)),
    ] = 1_024  # fmt: skip
    records: Records = 100


class Margin(_Closed):
    """C16.

    Attributes:
        events: Fewer of a day and a route are not judged.
    """

    events: Records = 50


class Thresholds(_Closed):
    """All of them.

    Attributes:
        version: Of the form of the file.
    """

    version: Literal[1] = 1
    near_copies: NearCopies = NearCopies()
    charges: Charges = Charges()
    rounding: Rounding = Rounding()
    volume: Volume = Volume()
    lateness: Lateness = Lateness()
    margin: Margin = Margin()

    @property
    def hash(self) -> str:
        """Name the values, those that no file names too: sha256 over them, shortened."""
        content = orjson.dumps(self.model_dump(), option=orjson.OPT_SORT_KEYS)
        return hashlib.sha256(content).hexdigest()[:_SHOWN]

    def values(self) -> dict[str, int]:
        """Give every threshold by its name, such as `charges.times`."""
        return {
            f"{control}.{name}": value
            for control, held in self.model_dump(exclude={"version"}).items()
            for name, value in held.items()
        }

    def with_value(self, name: str, value: int) -> "Thresholds":
        """Give them with another value of one.

        Raises:
            pydantic.ValidationError: If it is out of its bounds.
        """
        control, _, threshold = name.partition(".")
        content = self.model_dump()
        return Thresholds.model_validate(
            {**content, control: {**content[control], threshold: value}}
        )


def knobs() -> Mapping[str, Knob]:
    """Give how each threshold is tuned, by its name."""
    return dict(_knobs())


def _knobs() -> Iterator[tuple[str, Knob]]:
    for control, held in Thresholds.model_fields.items():
        kind: Any = held.annotation
        if isinstance(kind, type) and issubclass(kind, BaseModel):
            for name, field in kind.model_fields.items():
                yield f"{control}.{name}", _knob(field)


def _knob(field: FieldInfo) -> Knob:
    return next(one for one in field.metadata if isinstance(one, Knob))


DECIDES: Mapping[str, tuple[str, ...]] = {
    "near_copy": ("near_copies.start_ms", "near_copies.duration_ms"),
    "part_beside_whole": ("near_copies.start_ms", "near_copies.duration_ms"),
    "became_free": ("charges.records",),
    "price_far_above_usual": ("charges.times", "charges.records"),
    "price_far_below_usual": ("charges.times", "charges.records"),
    "rounded_in_our_favour": ("rounding.one_in", "rounding.records"),
    "rounded_against_us": ("rounding.one_in", "rounding.records"),
    "feed_silent": ("volume.silence_records", "volume.evidence"),
    "element_silent": ("volume.silence_records", "volume.evidence"),
    "volume_drop": ("volume.evidence",),
    "element_volume_drop": ("volume.evidence",),
    "feed_late": ("lateness.times", "lateness.seconds", "lateness.records"),
    "negative_margin": ("margin.events",),
}
"""Names of the thresholds that decide whether a pattern is found."""
