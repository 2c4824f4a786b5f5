"""Which column of a sample is what: when, who, whom, how much, and what names a record."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from tallywire.mediation.guess.columns import Column
from tallywire.mediation.values import UNIT_OCTETS, UNIT_US

_SECOND_US = 1_000_000
_START = ("answer", "connect", "start", "begin", "setup", "timestamp", "time", "date", "when")
_END = ("end", "stop", "release", "disconnect", "hangup", "finish")
_CALLER = ("caller", "calling", "src", "source", "from", "orig", "originating", "cli", "ani",
           "msisdn", "a")  # fmt: skip
_CALLED = ("called", "callee", "dst", "dest", "destination", "to", "dialed", "dialled", "dnis",
           "terminating", "b")  # fmt: skip
_KEY = ("uuid", "guid", "id", "key", "sid", "sequence", "record", "reference", "ticket")
_LENGTH = ("billsec", "duration", "seconds", "secs", "sec", "minutes", "length", "talk", "billable")
_OCTETS = ("octets", "bytes", "volume", "traffic", "kb", "mb", "gb", "kib", "mib", "gib")
_PIECES = ("quantity", "count", "units", "messages", "segments", "parts")
_TEXTS = {
    "imsi": ("imsi",), "imei": ("imei",), "customer": ("customer", "subscriber", "subject"),
    "account_code": ("account", "accountcode"), "user_name": ("user", "username", "login"),
    "partner": ("partner", "carrier", "operator"), "cell_id": ("cell",), "apn": ("apn",),
    "serving_plmn": ("plmn", "tadig", "mccmnc"), "cause": ("cause", "status", "disposition"),
    "trunk_out": ("trunk", "route"), "source_currency": ("currency",),
}  # fmt: skip
_TOGETHER = ("start", "a_raw", "b_raw", "customer", "user_name", "imsi")
_AFTER_ALL = ("end", "duration", "quantity", "source_amount")
_MANY, _LONG = 20, 4
_AMOUNT = ("price", "cost", "amount", "charge")
_UNITS = {
    "minutes": "minutes", "hours": "hours", "ms": "milliseconds", "msec": "milliseconds",
    "milliseconds": "milliseconds", "kb": "kilooctets", "mb": "megaoctets", "gb": "gigaoctets",
    "kib": "kibioctets", "mib": "mebioctets", "gib": "gibioctets",
}  # fmt: skip


@dataclass
class Roles:
    """What columns were found to be.

    Attributes:
        fields: Role to column: `start`, `end`, `duration`, `quantity`, `source_amount`, or a field
            of usage such as `a_raw`.
        key: Columns that together name a record.
        unit: What `duration` or `quantity` is measured in; empty for pieces.
        notes: What was assumed, a sentence each.
    """

    fields: dict[str, Column] = field(default_factory=dict)
    key: list[Column] = field(default_factory=list)
    unit: str = ""
    notes: list[str] = field(default_factory=list)

    def free(self, columns: Iterable[Column]) -> list[Column]:
        """Give the columns that have no role yet."""
        taken = {id(column) for column in self.fields.values()}
        return [column for column in columns if id(column) not in taken]


def _best(columns: Sequence[Column], wanted: Sequence[str]) -> Column | None:
    """Choose the column whose name has the first of some words, and which tells most apart."""
    for word in wanted:
        named = [column for column in columns if word in column.words]
        if named:
            return max(named, key=lambda column: len(set(column.texts)))
    return None


def roles_of(columns: Sequence[Column]) -> Roles:
    """Find out what columns are."""
    roles = Roles()
    _times(columns, roles)
    _parties(columns, roles)
    _size(columns, roles)
    _others(columns, roles)
    _named(columns, roles)
    return roles


def _times(columns: Sequence[Column], roles: Roles) -> None:
    times = [column for column in columns if column.patterns]
    begin = [column for column in times if not column.words & set(_END)]
    start = _best(begin, _START) or next(iter(begin or times), None)
    if start is None:
        return
    roles.fields["start"] = start
    if len(start.patterns) > 1 and not start.patterns[0].startswith("epoch"):
        roles.notes.append(f"times are read as {start.patterns[0]}; {start.patterns[1]} fits, too")
    later = [column for column in times if column is not start and _after(start, column)]
    end = _best(later, _END)
    if end is None and not any(column.name for column in later):
        end = next((column for column in later if column.instants() != start.instants()), None)
    if end is not None:
        roles.fields["end"] = end


def _after(start: Column, end: Column) -> bool:
    pairs = zip(start.instants(), end.instants(), strict=True)
    return all(one <= other for one, other in pairs if one is not None and other is not None)


def _parties(columns: Sequence[Column], roles: Roles) -> None:
    phones = [column for column in roles.free(columns) if column.phone and not _is_length(column)]
    caller = _best(phones, _CALLER)
    called = _best([column for column in phones if column is not caller], _CALLED)
    if not any(column.name for column in phones):
        caller, called = [*phones, None, None][:2]
    for role, column in (("a_raw", caller), ("b_raw", called)):
        if column is not None:
            roles.fields[role] = column


def _is_length(column: Column) -> bool:
    return bool(column.words & {*_LENGTH, *_OCTETS, *_PIECES})


def _size(columns: Sequence[Column], roles: Roles) -> None:
    """Find the quantity: what equals end less start, else what its name says."""
    free = [column for column in roles.free(columns) if column.whole or column.decimal]
    lasted = _lasted(roles)
    same = [column for column in free if lasted and _equals(column, lasted)]
    chosen = _best(same, _LENGTH) or (same[0] if same else None) or _best(free, _LENGTH)
    if chosen is not None:
        roles.fields["duration"], roles.unit = chosen, _unit(chosen, "seconds")
        return
    chosen = _best(free, _OCTETS)
    if chosen is not None:
        roles.fields["quantity"], roles.unit = chosen, _unit(chosen, "octets")
        return
    unnamed = [
        column for column in free
        if not column.name and not column.phone and len(set(column.texts)) > 1
    ]  # fmt: skip
    chosen = max(unnamed, key=lambda one: (len(set(one.texts)), max(one.texts)), default=None)
    if chosen is not None and roles.fields.keys() & {"a_raw", "b_raw"}:
        roles.fields["duration"], roles.unit = chosen, "seconds"
        roles.notes.append(f"{_shown(chosen)} is taken for the seconds that it lasted")
        return
    chosen = _best(free, _PIECES)
    if chosen is not None:
        roles.fields["quantity"] = chosen
    elif "end" not in roles.fields:
        roles.notes.append("no column says how much was used: each record counts as one piece")


def _lasted(roles: Roles) -> list[int | None]:
    if not {"start", "end"} <= roles.fields.keys():
        return []
    pairs = zip(roles.fields["start"].instants(), roles.fields["end"].instants(), strict=True)
    return [
        None if one is None or other is None else (other - one) // _SECOND_US
        for one, other in pairs
    ]


def _equals(column: Column, lasted: Sequence[int | None]) -> bool:
    pairs = [
        (text, length) for text, length in zip(column.texts, lasted, strict=True)
        if text and length is not None
    ]  # fmt: skip
    alike = sum(text == str(length) for text, length in pairs)
    return bool(pairs) and 10 * alike >= 9 * len(pairs) and len(set(column.texts)) > 1


def _unit(column: Column, otherwise: str) -> str:
    family: Mapping[str, int] = UNIT_US if otherwise == "seconds" else UNIT_OCTETS
    for word in sorted(column.words):
        if _UNITS.get(word, "") in family:
            return _UNITS[word]
    return otherwise


def _others(columns: Sequence[Column], roles: Roles) -> None:
    for role, wanted in _TEXTS.items():
        chosen = _best(roles.free(columns), wanted)
        if chosen is not None and chosen.present:
            roles.fields[role] = chosen
    amounts = [column for column in roles.free(columns) if column.whole or column.decimal]
    amount = _best(amounts, _AMOUNT)
    if amount is not None:
        roles.fields["source_amount"] = amount


def _named(columns: Sequence[Column], roles: Roles) -> None:
    """Choose what names a record: one column if one does, else the fewest that do together."""
    plain = [c for c in roles.free(columns) if c.unique and not c.decimal and not c.patterns]
    chosen = _best(plain, _KEY)
    if chosen is None:
        many = [c for c in plain if len(c.texts) >= _MANY and min(map(len, c.texts)) >= _LONG]
        chosen = next(iter(many), None)
        if chosen is not None:
            roles.notes.append(f"{_shown(chosen)} names records, as no value occurs twice in it")
    if chosen is not None:
        roles.key = [chosen]
        return
    roles.key = [roles.fields[role] for role in _TOGETHER if role in roles.fields]
    for role in _AFTER_ALL:
        if role in roles.fields and not _tell_apart(roles.key):
            roles.key.append(roles.fields[role])
    names = ", ".join(_shown(column) for column in roles.key)
    roles.notes.append(f"no column names a record alone: {names} together shall do")
    if not _tell_apart(roles.key):
        roles.notes.append("some records are alike in all of these: they will count as duplicates")


def _tell_apart(columns: Sequence[Column]) -> bool:
    rows = list(zip(*(column.texts for column in columns), strict=True))
    return len(set(rows)) == len(rows)


def _shown(column: Column) -> str:
    where = next(iter(column.place.items()))
    return column.name or f"{where[0]} {where[1]}"
