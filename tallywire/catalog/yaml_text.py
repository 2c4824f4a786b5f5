"""YAML as it was written: every scalar is text with its line; nothing is guessed.

Plain YAML readers take 0.10 for a float, 0100 for 64, NO for false and 18:00 for 1080. Here the
text stays; the models convert it where they know what it means.
"""

from dataclasses import dataclass, field

import yaml

from tallywire.catalog.problems import Problem

MAX_BYTES = 8 * 1024 * 1024
MAX_DEPTH = 24
MAX_NODES = 500_000
"""Values in one file, aliases counted each time: an alias bomb ends here."""

Path = tuple[str | int, ...]
Lines = int | tuple[int, dict[str | int, "Lines"]]
Tree = str | list["Tree"] | dict[str, "Tree"]
_Parser = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


class _Refused(Exception):  # noqa: N818  it never leaves this module
    def __init__(self, line: int, message: str) -> None:
        super().__init__(message)
        self.line = line


@dataclass
class _Node:
    """A value being read: its line, and its children once it is complete."""

    line: int
    value: "str | list[_Node] | dict[str, _Node]"
    key_lines: dict[str, int] = field(default_factory=dict)
    pending_key: str | None = None
    anchor: str | None = None
    size: int = 1


@dataclass(frozen=True)
class Document:
    """A YAML file's content and the line of every value in it.

    Attributes:
        tree: Text, lists and mappings.
        lines: The line of every value, from 1; of a list or mapping also those within it.
    """

    tree: Tree
    lines: Lines

    def line(self, path: Path) -> int:
        """Give the line of a path, or of the nearest thing around it."""
        here = self.lines
        for step in path:
            within = None if isinstance(here, int) else here[1].get(step)
            if within is None:
                break
            here = within
        return here if isinstance(here, int) else here[0]


class _Builder:
    """Builds values from YAML events without recursion, so depth and size can be refused."""

    def __init__(self, problems: list[tuple[int, str]]) -> None:
        self.problems = problems
        self.stack: list[_Node] = []
        self.anchors: dict[str, _Node | None] = {}
        self.root: _Node | None = None
        self.nodes = 0

    def take(self, event: yaml.Event) -> None:
        line = event.start_mark.line + 1 if event.start_mark else 1
        if isinstance(event, yaml.AliasEvent):
            self._add(self._alias(event.anchor or "", line))
        elif isinstance(event, yaml.ScalarEvent):
            self._tagless(event.tag, line)
            node = _Node(line, event.value)
            self._add(node)
            if event.anchor:
                self.anchors[event.anchor] = node
        elif isinstance(event, yaml.CollectionStartEvent):
            self._tagless(event.tag, line)
            self._open(event, line)
        elif isinstance(event, yaml.CollectionEndEvent):
            node = self.stack.pop()
            if node.anchor:
                self.anchors[node.anchor] = node
            self._add(node)

    def _tagless(self, tag: str | None, line: int) -> None:
        if tag not in {None, "!"}:
            raise _Refused(line, f"the tag {tag} is not allowed; write the value alone")

    def _alias(self, anchor: str, line: int) -> _Node:
        if anchor not in self.anchors:
            raise _Refused(line, f"the alias *{anchor} has no anchor &{anchor} above it")
        node = self.anchors[anchor]
        if node is None:
            raise _Refused(
                line, f"the alias *{anchor} lies inside &{anchor}: a cycle; write it out"
            )
        return node

    def _open(self, event: yaml.CollectionStartEvent, line: int) -> None:
        if len(self.stack) >= MAX_DEPTH:
            raise _Refused(line, f"nested deeper than {MAX_DEPTH} levels")
        mapping = isinstance(event, yaml.MappingStartEvent)
        self.stack.append(_Node(line, {} if mapping else [], anchor=event.anchor))
        if event.anchor:
            self.anchors[event.anchor] = None

    def _add(self, node: _Node) -> None:
        if not self.stack:
            if self.root is not None:
                raise _Refused(
                    node.line, "a second document begins; use one file for each, or a list"
                )
            self.root = node
            return
        parent = self.stack[-1]
        parent.size += node.size
        if parent.size > MAX_NODES:
            raise _Refused(node.line, f"more than {MAX_NODES} values; split the file")
        if isinstance(parent.value, list):
            parent.value.append(node)
        elif isinstance(parent.value, dict):
            self._add_pair(parent, parent.value, node)

    def _add_pair(self, parent: _Node, pairs: dict[str, _Node], node: _Node) -> None:
        key = parent.pending_key
        if key is None:
            if not isinstance(node.value, str):
                raise _Refused(node.line, "a key must be plain text")
            parent.pending_key = node.value
            if node.value in pairs:
                first = parent.key_lines[node.value]
                text = f"the key {node.value!r} is given twice, first in line {first}; keep one"
                self.problems.append((node.line, text))
            parent.key_lines.setdefault(node.value, node.line)
            return
        parent.pending_key = None
        pairs.setdefault(key, node)


def _lines(node: _Node, line: int) -> Lines:
    if isinstance(node.value, dict):
        keys = node.key_lines
        return line, {key: _lines(child, keys[key]) for key, child in node.value.items()}
    if isinstance(node.value, list):
        return line, {place: _lines(one, one.line) for place, one in enumerate(node.value)}
    return line


def _plain(node: _Node) -> Tree:
    if isinstance(node.value, dict):
        return {key: _plain(child) for key, child in node.value.items()}
    if isinstance(node.value, list):
        return [_plain(child) for child in node.value]
    return node.value


def _text_of(name: str, data: bytes) -> str | Problem:
    if len(data) > MAX_BYTES:
        return Problem(name, 1, "", f"larger than {MAX_BYTES} bytes; split it, or use a CSV file")
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        return Problem(name, line, "", "these bytes are not UTF-8 text; save the file as UTF-8")


def _build(text: str, wrong: list[tuple[int, str]]) -> _Node | None:
    builder = _Builder(wrong)
    try:
        for event in yaml.parse(text, Loader=_Parser):
            builder.take(event)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        words = " ".join(part for part in (error.context, error.problem) if part)
        last = text.count("\n") + 1  # the reader may place a fault after the end
        wrong.append((min(mark.line + 1, last) if mark else 1, f"not YAML: {words}"))
    except yaml.reader.ReaderError as error:
        line = text.count("\n", 0, error.position) + 1
        wrong.append((line, "a character that YAML does not allow; remove it"))
    except _Refused as error:
        wrong.append((error.line, str(error)))
    else:
        return builder.root
    return None


def read_yaml(name: str, data: bytes) -> tuple[Document | None, list[Problem]]:
    """Read a YAML file as text, lists and mappings.

    Args:
        name: The file's name, for problems.
        data: Its bytes, UTF-8.

    Returns:
        The document, or none when nothing of it can be used; and the problems.
    """
    text = _text_of(name, data)
    if isinstance(text, Problem):
        return None, [text]
    wrong: list[tuple[int, str]] = []
    root = _build(text, wrong)
    problems = [Problem(name, line, "", message) for line, message in wrong]
    if root is None:
        empty = Problem(name, 1, "", "the file is empty; write an entry or delete the file")
        return None, problems or [empty]
    return Document(_plain(root), _lines(root, root.line)), problems
