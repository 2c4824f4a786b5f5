"""XML elements of a shape seen before, read at a stroke: they differ only in their texts.

What machines write is the same tags over and over. The parser reads one element of each shape, with
its texts numbered, and tells whether it is XML and which texts stand at the paths; from then on one
pattern recognises such elements, whole, and takes those texts out. An element with anything else in
it than tags and plain characters (references, comments, sections) is left to the parser.

Source: XML 1.0, 2.2 (characters), 2.4 (character data), 2.11 (ends of lines).
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from operator import itemgetter
from typing import Any

from lxml import etree

from tallywire.mediation.elements_reader import Reader

_SPLIT = re.compile(r">([^<>]*)<")
_NAME = r"[A-Za-z_][A-Za-z0-9_.:-]*"
_VALUE = r"""(?:"[^"<>&]*"|'[^'<>&]*')"""
_TAG = re.compile(rf"/?{_NAME}(?:\s+{_NAME}\s*=\s*{_VALUE})*\s*/?")
_STRANGE = bytes(set(range(32)) - {9, 10, 13})
_COMMON = bytes(set(range(256)) - set(_STRANGE))
_MARK = re.compile(r"(\d+)\.")
_LONGEST, _MOST_TAGS = 64 * 1024, 1_024
_SEEN_BEFORE, _MOST_ALIKE, _MOST = 16, 8, 256

Row = tuple[str, ...]


@dataclass(frozen=True)
class _Shape:
    """Elements that differ only in their texts.

    Attributes:
        pattern: Recognises them whole; its groups are the texts that are wanted.
        fixed: Texts that are the same in all: of attributes, and of what is not there.
        take: Takes the texts at the paths out of groups and fixed ones.
    """

    pattern: re.Pattern[str]
    fixed: Row
    take: "itemgetter[Any]"


def _shape(text: str, reader: Reader) -> _Shape | None:
    """Make the shape of an element; none where it is not plain, or no XML."""
    parts = _SPLIT.split(text)
    tags = [parts[0][1:], *parts[2:-1:2], parts[-1][:-1]]
    if len(text) > _LONGEST or not 1 < len(tags) <= _MOST_TAGS:
        return None
    if not all(_TAG.fullmatch(tag) for tag in tags):
        return None
    numbered = [f">{number}.<{tag}" for number, tag in enumerate(tags)]
    try:
        records = reader.parse([f"<{tags[0]}{''.join(numbered[1:])}>".encode()])
        found = [column[0] for column in reader.texts(records)] if len(records) == 1 else []
    except etree.XMLSyntaxError:
        return None
    return _planned(tags, found, reader.paths) if found else None


def _planned(tags: list[str], found: list[str], paths: Sequence[str]) -> _Shape | None:
    """Make a shape of its tags and of what the parser found at the paths: numbers of texts."""
    groups: dict[int, int] = {}
    fixed: list[str] = []
    places: list[tuple[bool, int]] = []
    numbers = [
        None if path.rpartition("/")[2].startswith("@") or not text else _MARK.fullmatch(text)
        for path, text in zip(paths, found, strict=True)
    ]
    for path, text, number in zip(paths, found, numbers, strict=True):
        if number is not None:
            groups[int(number[1])] = 0
        elif text and not path.rpartition("/")[2].startswith("@"):
            return None  # an element with elements in it
    groups = {number: place for place, number in enumerate(sorted(groups))}
    for text, number in zip(found, numbers, strict=True):
        if number is None:
            places.append((True, len(fixed)))
            fixed.append(text)
        else:
            places.append((False, groups[int(number[1])]))
    written = [
        f">{'([^<]*+)' if number in groups else '[^<]*+'}<{re.escape(tag)}"
        for number, tag in enumerate(tags)
    ]
    pattern = re.compile(f"<{re.escape(tags[0])}{''.join(written[1:])}>")
    indexes = [len(groups) + place if is_fixed else place for is_fixed, place in places]
    return _Shape(pattern, tuple(fixed), itemgetter(*indexes, 0))


@dataclass
class _Shapes:
    """Shapes seen before: they change how fast elements are read, never what is read.

    Attributes:
        known: By number of tags, those that were seen last first.
        missed: How many elements with so many tags no shape recognised.
    """

    reader: Reader
    known: dict[int, list[_Shape]] = field(default_factory=dict)
    missed: dict[int, int] = field(default_factory=dict)

    def row(self, text: str) -> Row | None:
        """Give the texts at the paths of an element, nothing where no shape recognises it."""
        tags = text.count("<")
        shapes = self.known.get(tags, [])
        for shape in shapes:
            match = shape.pattern.fullmatch(text)
            if match is not None:
                taken: Row = shape.take(match.groups() + shape.fixed)
                return taken[:-1]
        missed = self.missed[tags] = self.missed.get(tags, 0) + 1
        if missed % _SEEN_BEFORE == 0 and len(shapes) < _MOST_ALIKE and len(self.known) < _MOST:
            made = _shape(text, self.reader)
            if made is not None:
                self.known.setdefault(tags, []).insert(0, made)
        return None


@lru_cache(maxsize=16)
def _shapes(reader: Reader) -> _Shapes:
    return _Shapes(reader)


def quick_rows(
    pieces: Sequence[bytes], chosen: Sequence[int], reader: Reader
) -> Iterator[tuple[int, Row]]:
    """Read those of some elements that are plain and of a known shape.

    Yields:
        Number of the element, and the texts at the reader's paths.
    """
    shapes = _shapes(reader)
    for number in chosen:
        piece = pieces[number]
        try:
            text = piece.decode(reader.encoding)
        except UnicodeDecodeError:
            continue
        if "&" in text or "]]>" in text or piece.translate(None, _COMMON):
            continue
        if not text.isascii() and ("\ufffe" in text or "\uffff" in text):
            continue
        if "\r" in text:
            text = text.replace("\r\n", "\n").replace("\r", "\n")
        row = shapes.row(text)
        if row is not None:
            yield number, row
