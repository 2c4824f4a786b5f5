"""How a sample is laid out: objects, separated values, which lines are header and trailer."""

import csv
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field

import orjson

from tallywire.catalog.yaml_text import Tree
from tallywire.mediation.guess.columns import Column, time_patterns
from tallywire.mediation.guess.fixed import fixed_columns

_SEPARATORS = (",", ";", "|", "\t", "^", "~")
_MOST_LINES = 2_000
_MOST_PATHS = 200
_FEWEST, _SHORTEST = 3, 20
Fields = dict[str, Tree]


@dataclass(frozen=True)
class Layout:
    """A sample, taken apart.

    Attributes:
        options: What a declared feed's options say of it.
        columns: Its columns, with the values of the records.
        notes: What was assumed, a sentence each.
    """

    options: Fields
    columns: list[Column]
    notes: list[str] = field(default_factory=list)


def layout_of(data: bytes) -> Layout | None:
    """Take a sample apart; nothing where it is neither objects nor separated values."""
    try:
        encoding, text = "utf-8", data.decode("utf-8-sig")
    except UnicodeDecodeError:
        encoding, text = "latin-1", data.decode("latin-1")
    lines = [line for line in text.splitlines()[:_MOST_LINES] if line.strip()]
    if not lines or "\0" in text:
        return None
    found = _objects(lines) or _document(data) or _separated(lines) or _fixed(lines)
    if found is not None and encoding != "utf-8" and found.options["layout"] != "json":
        found.options["encoding"] = encoding
    return found


def _flat(value: object, path: str = "") -> dict[str, str]:
    """Give the scalars of an object by their paths; lists are passed over."""
    if isinstance(value, dict):
        found: dict[str, str] = {}
        for name, below in value.items():
            if "." not in name:
                found |= _flat(below, f"{path}.{name}" if path else name)
        return found
    if value is None or isinstance(value, list):
        return {}
    return {path: str(value).lower() if isinstance(value, bool) else str(value)}


def _of_objects(objects: Sequence[object], options: Fields) -> Layout:
    rows = [_flat(one) for one in objects]
    paths = list(dict.fromkeys(path for row in rows for path in row))[:_MOST_PATHS]
    columns = [
        Column({"path": path}, path, tuple(row.get(path, "") for row in rows)) for path in paths
    ]
    return Layout({"layout": "json", **options}, columns)


def _objects(lines: Sequence[str]) -> Layout | None:
    if not lines[0].lstrip().startswith("{"):
        return None
    objects = [one for one in map(_loaded, lines) if isinstance(one, dict)]
    return _of_objects(objects, {}) if 5 * len(objects) >= 4 * len(lines) else None


def _loaded(line: str) -> object:
    try:
        return orjson.loads(line)
    except orjson.JSONDecodeError:
        return None


_Found = tuple[list[object], tuple[str, ...]]


def _longest_array(value: object, path: tuple[str, ...] = ()) -> _Found:
    """Find the longest list of objects in a document, and the names that lead to it."""
    if isinstance(value, list):
        good = bool(value) and all(isinstance(one, dict) for one in value)
        return (value if good else []), path
    below = value.items() if isinstance(value, dict) else ()
    found = [_longest_array(one, (*path, name)) for name, one in below if "." not in name]
    return max(found, key=lambda one: len(one[0]), default=([], path))


def _document(data: bytes) -> Layout | None:
    try:
        content = orjson.loads(data)
    except orjson.JSONDecodeError:
        return None
    objects, path = _longest_array(content)
    if not objects:
        return None
    options: Fields = {"records": "array"}
    if path:
        options["records_at"] = ".".join(path)
    return _of_objects(objects, options)


def _split(line: str, separator: str) -> list[str] | None:
    try:
        rows = list(csv.reader([line], delimiter=separator, strict=True, skipinitialspace=True))
    except csv.Error:
        return None
    return [text.strip() for text in rows[0]] if len(rows) == 1 else None


def _rows(lines: Sequence[str], separator: str) -> tuple[list[list[str] | None], int]:
    """Split lines; give the number of fields that most of them have."""
    rows = [_split(line, separator) for line in lines]
    counts = Counter(len(row) for row in rows if row is not None)
    return rows, counts.most_common(1)[0][0] if counts else 0


def _separated(lines: Sequence[str]) -> Layout | None:
    scores: dict[str, tuple[int, int]] = {}
    for separator in _SEPARATORS:
        rows, width = _rows(lines[:200], separator)
        alike = sum(row is not None and len(row) == width for row in rows)
        if width > 1 and 2 * alike > len(rows):
            scores[separator] = (alike, width)
    if not scores:
        return None
    separator = max(scores, key=lambda one: scores[one])
    rows, width = _rows(lines, separator)
    options: Fields = {"layout": "delimited"}
    if separator != ",":
        options["separator"] = separator
    if any('"' in line for line in lines):
        options["quoted"] = "true"
    notes: list[str] = []
    odd = (len(rows[0] or ()) != width, len(rows[-1] or ()) != width)
    lines = _around(lines, odd, options, notes)
    kept = [row for row in _rows(lines, separator)[0] if row is not None and len(row) == width]
    names = _names(kept)
    if names:
        options["header_lines"] = "1"
        kept = kept[1:]
    elif "header" not in options and "trailer" not in options:
        options["columns"] = str(width)
    columns = [
        Column(
            {"name": names[number]} if names else {"column": str(number + 1)},
            names[number] if names else "", tuple(row[number] for row in kept),
        )
        for number in range(width)
    ]  # fmt: skip
    return Layout(options, columns, notes) if kept else None


def _around(
    lines: Sequence[str], odd: tuple[bool, bool], options: Fields, notes: list[str]
) -> list[str]:
    """Recognise a first and a last line of another shape: header and trailer; give the others.

    Args:
        odd: Whether the first, and the last, has another shape.
    """
    inner = lines[1:-1]
    kept = list(lines)
    for place, kind, which in ((-1, "trailer", "last"), (0, "header", "first")):
        start = lines[place][:3]
        if odd[place] and start and inner and not any(line.startswith(start) for line in inner):
            options[kind] = {"starts_with": start}
            notes.append(f"the {which} line is taken for a {kind}")
            del kept[place]
    return kept


def _fixed(lines: Sequence[str]) -> Layout | None:
    """Take lines of fixed fields apart, where most are equally long."""
    length = Counter(map(len, lines)).most_common(1)[0][0]
    options: Fields = {"layout": "fixed"}
    notes = ["fields that touch each other in every line were not told apart: look at each `at`"]
    odd = (len(lines[0]) != length, len(lines[-1]) != length)
    kept = _around(lines, odd, options, notes)
    if len(kept) < _FEWEST or length < _SHORTEST or any(len(line) != length for line in kept):
        return None
    return Layout(options, fixed_columns(kept), notes)


def _names(rows: Sequence[list[str]]) -> list[str]:
    """Tell whether the first row names the columns: texts where the others have other things."""
    if len(rows) < 2:
        return []
    first = rows[0]
    if len(set(first)) < len(first) or not all(text and not text[0].isdigit() for text in first):
        return []
    sample = rows[1:50]
    typed = [
        number for number in range(len(first))
        if all(row[number][:1].isdigit() for row in sample if row[number])
        or time_patterns([row[number] for row in sample])
    ]  # fmt: skip
    return first if typed else []
