"""What truly happened: usage with its exact charge, and what becomes of it on its way."""

from dataclasses import dataclass, field
from decimal import Decimal

from benchmarks.simulator.people import Subscriber

COPIES = frozenset({"exact_duplicate", "near_duplicate", "partial_and_total", "replayed_file"})
"""Fates of records that are only copies of others."""
LINKED = COPIES | {"near_duplicated", "written_in_parts", "written_twice", "sent_again"}
"""Fates of copies, and of what they are copies of."""


@dataclass(slots=True, eq=False)
class Usage:
    """Usage of a subscriber: a call, a session, a message, a reading, a resource.

    `quantity` is in microseconds of a call, octets of a session or a reading, pieces otherwise.
    `charge` is what the price book says, `charged` what the catalogue says; both exact.
    """

    feed: str
    service: str
    subscriber: Subscriber
    start_us: int
    quantity: int
    number: str = ""
    node: int = 0
    trunk: str = ""
    kind: str = ""
    charge: Decimal = Decimal(0)
    charged: Decimal = Decimal(0)
    cost: Decimal = Decimal(0)
    fate: str = "clean"
    injection: str = ""
    written: bool = True
    duration_us: int = 0
    served: str = ""
    skew_us: int = 0
    parts: int = 1
    keys: dict[str, str] = field(default_factory=dict)
    entries: int = 0
    truth_id: str = ""
    worth: Decimal = Decimal(0)
    """What the fault that touched it is worth here, and when that was."""
    worth_at_us: int = 0
    later_us: int = 0
    """How long after its end it is written."""
    dropped: frozenset[int] = frozenset()
    """Of a session: places of the steps that were never written."""
    steps: list[tuple[int, int, int]] = field(default_factory=list)
    """Of a session: instant, octets up and octets down so far."""

    @property
    def free(self) -> bool:
        """Whether no fault has touched it yet."""
        return not self.injection

    @property
    def end_us(self) -> int:
        return self.start_us + self.duration_us


@dataclass(slots=True, eq=False)
class Entry:
    """A piece of a file: a line, or a packet, of some usage."""

    usage: Usage
    at_us: int
    node: int
    start_us: int = 0
    place: int = 0
    seconds: int = 0
    number: int = 0
    text: str = ""


@dataclass(slots=True, eq=False)
class Batch:
    """A file of a feed: what one element wrote in one period, and when it was delivered."""

    feed: str
    node: int
    number: int
    opens_us: int
    closes_us: int
    delivered_us: int
    entries: list[Entry] = field(default_factory=list)
    name: str = ""
    """Known at the end: numbers move when an element numbers a file anew."""
    resent: bool = False
    fault: str = ""
    lost: bool = False
    cut_entries: int = 0
    no_trailer: bool = False
    more_records: int = 0
    more_seconds: int = 0
    half_line: bool = False


@dataclass(slots=True)
class Injection:
    """A fault of known kind, extent and worth; a hard negative likewise."""

    number: str
    family: str
    entity: str
    feed: str
    difficulty: str
    subtle: bool
    first_us: int = 0
    last_us: int = 0
    records: int = 0
    money: Decimal = Decimal(0)
    detail: str = ""
    files: list[Batch] = field(default_factory=list)
    """Files it is told by: what they are called is known at the end."""

    def touch(self, at_us: int, money: Decimal, records: int = 1) -> None:
        """Add something that the fault did."""
        self.first_us = min(self.first_us or at_us, at_us)
        self.last_us = max(self.last_us, at_us)
        self.records += records
        self.money += money
