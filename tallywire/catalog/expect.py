"""What is expected of a feed: numbers of its files and of its records, a schedule, full files."""

from dataclasses import dataclass, field


@dataclass(frozen=True)
class Numbers:
    """How a counter counts.

    Attributes:
        first: Number with which it begins anew; none where it is not known.
        wraps_at: Greatest number, after which it goes on with `wraps_to`; none: it never wraps.
        wraps_to: Number after the greatest.
    """

    first: int | None = None
    wraps_at: int | None = None
    wraps_to: int = 0


@dataclass(frozen=True)
class Expect:
    """What is expected of a feed.

    Attributes:
        name: Regular expression held against the names of files: its group `number` is the number
            of the file, all other groups tell apart series that are numbered each by itself.
        files: How files are numbered.
        grace_us: How far the feed's event time goes on before a missing file is told.
        every_us: A file comes in each such time; 0 where none is expected.
        calendar: Calendar of the times in which files are expected; empty for at any time.
        bands: Bands of that calendar in which they are.
        empty_suspect: A file without records is a finding.
        nodes: How network elements number their records; none where nothing was said.
        reorder: How far records may come out of the order of their numbers.
        nodes_grace_us: How far event time goes on before missing records are told.
    """

    name: str = ""
    files: Numbers = field(default_factory=Numbers)
    grace_us: int = 0
    every_us: int = 0
    calendar: str = ""
    bands: tuple[str, ...] = ()
    empty_suspect: bool = False
    nodes: Numbers | None = None
    reorder: int = 1_000
    nodes_grace_us: int = 0
