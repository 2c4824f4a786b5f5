import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tallywire.catalog.yaml_text import MAX_BYTES, MAX_NODES, read_yaml


def _tree(text: str) -> object:
    document, problems = read_yaml("x.yaml", text.encode())
    assert problems == []
    assert document is not None
    return document.tree


def _refusal(text: str | bytes) -> tuple[int, str]:
    data = text if isinstance(text, bytes) else text.encode()
    _, problems = read_yaml("x.yaml", data)
    assert len(problems) == 1
    return problems[0].line, problems[0].message


@pytest.mark.parametrize("text", ["0.10", "0100", "NO", "18:00", "001", "1e3", "~", "2026-01-01"])
def test_what_is_written_is_what_is_read(text: str) -> None:
    assert _tree(f"a: {text}") == {"a": text}
    assert _tree(f"[{text}]") == [text]


def test_a_number_and_its_quoted_form_are_the_same() -> None:
    assert _tree("a: 0.10") == _tree('a: "0.10"')


def test_every_value_knows_its_line() -> None:
    document, _ = read_yaml("x.yaml", b"a: 1\nb:\n  - c: 2\n    d: [3,\n        4]\n")
    assert document is not None
    assert document.line(("a",)) == 1
    assert document.line(("b",)) == 2
    assert document.line(("b", 0, "c")) == 3
    assert document.line(("b", 0, "d", 1)) == 5
    assert document.line(("b", 0, "absent")) == 3


def test_an_alias_is_what_its_anchor_is() -> None:
    assert _tree("a: &x [1, 2]\nb: *x") == {"a": ["1", "2"], "b": ["1", "2"]}


@pytest.mark.parametrize(
    ("text", "line", "words"),
    [
        ("a: 1\nb: 2\na: 3", 3, "given twice, first in line 1"),
        ("a: &x\n  b: *x", 2, "a cycle"),
        ("a: *x", 1, "no anchor"),
        ("a: !!python/object/apply:os.system [ls]", 1, "tag"),
        ("a: 1\n---\nb: 2", 3, "second document"),
        ("a: [1, 2", 1, "not YAML"),
        ("a:\n\t- b", 2, "not YAML"),
        ("? [a]\n: b", 1, "a key must be plain text"),
        ("", 1, "empty"),
        ("# only a comment\n", 1, "empty"),
        (b"a: \xff", 1, "UTF-8"),
        (b"a: 1\nb: \x00", 2, "character"),
        ("[" * 100_000, 1, "nested deeper"),
        (b" " * (MAX_BYTES + 1), 1, "larger than"),
    ],
)
def test_what_cannot_be_read_is_named(text: str | bytes, line: int, words: str) -> None:
    found_line, message = _refusal(text)
    assert found_line == line
    assert words in message


def test_an_alias_bomb_ends_early() -> None:
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]" for n in range(1, 9)]
    _, message = _refusal("\n".join(lines))
    assert f"more than {MAX_NODES} values" in message


@settings(max_examples=100)
@given(st.one_of(st.binary(max_size=60), st.text("ab:-[]{}&*!|>#'\"\n \t,?", max_size=60)))
def test_any_bytes_are_read_or_refused_never_raised(data: bytes | str) -> None:
    document, problems = read_yaml("x", data.encode() if isinstance(data, str) else data)
    assert document is not None or problems
