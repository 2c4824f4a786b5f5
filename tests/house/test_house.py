"""The house tests itself: its names, its sizes, its promises in writing."""

import ast
import importlib
import pkgutil
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import get_args

import pytest
from pydantic import BaseModel

import assurance
from assurance.alerts import Control
from assurance.registry import controls
from schemas.reasons import Reason
from tallywire.mediation.decoders import DECODERS

ROOT = Path(__file__).resolve().parents[2]
ROOMS = ("cli", "dataflows", "dashboards", "warehouse", "assurance", "tallywire", "schemas")
LONGEST_FUNCTION, LONGEST_FILE, LONGEST_README = 60, 400, 40
SOURCES = sorted(path for room in ROOMS for path in (ROOT / room).rglob("*.py"))
TRACKED = subprocess.run(
    ["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True
).stdout.split()


@pytest.mark.parametrize("room", ROOMS)
def test_a_room_is_this_repository_and_says_what_it_is(room: str) -> None:
    module = importlib.import_module(room)
    assert Path(str(module.__file__)).resolve() == ROOT / room / "__init__.py"
    readme = (ROOT / room / "README.md").read_text()
    assert len(readme.splitlines()) <= LONGEST_README
    for heading in ("Owns", "Never", "Invariants", "How to add one more"):
        assert heading in readme, f"{room}/README.md lacks {heading!r}"


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: str(path.relative_to(ROOT)))
def test_files_and_functions_are_small(path: Path) -> None:
    text = path.read_text()
    assert len(text.splitlines()) <= LONGEST_FILE
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            lines = (node.end_lineno or node.lineno) - node.lineno + 1
            assert lines <= LONGEST_FUNCTION, f"{path}:{node.lineno} {node.name}: {lines} lines"


def test_every_reason_has_its_paragraph() -> None:
    text = (ROOT / "docs/reference/reasons.md").read_text()
    for reason in Reason:
        assert re.search(rf"^## `?{reason.value}`?", text, re.MULTILINE), reason.value


def test_every_control_has_its_paragraph() -> None:
    text = (ROOT / "docs/reference/controls.md").read_text()
    names = [one.name for one in pkgutil.walk_packages(assurance.__path__, "assurance.")]
    rooms = [importlib.import_module(name) for name in names]
    found = {one for room in rooms for one in vars(room).values() if isinstance(one, Control)}
    assert found <= set(controls())
    for control in controls():
        section = text.partition(f"## {control.control_id} `{control.pattern}`\n")[2]
        assert f"What to do: {control.action}" in section.partition("\n## ")[0], control.pattern


@pytest.mark.parametrize(
    "path", [ROOT / name for name in TRACKED if name.endswith(".sql")], ids=lambda path: path.name
)
def test_every_query_says_what_it_is(path: Path) -> None:
    assert path.read_text().startswith("-- ")


def _calls(tree: ast.AST, name: str) -> list[int]:
    return [
        node.lineno
        for node in ast.walk(tree)
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == name
    ]


@pytest.mark.parametrize(
    "path",
    [path for path in SOURCES if path.is_relative_to(ROOT / "tallywire")],
    ids=lambda path: str(path.relative_to(ROOT)),
)
def test_no_float_near_money_or_quantity(path: Path) -> None:
    tree = ast.parse(path.read_text())
    assert not _calls(tree, "float"), f"{path} makes a float"
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, float):
            pytest.fail(f"{path}:{node.lineno} has the float {node.value}")
        if isinstance(node, ast.Attribute) and node.attr in {"Float64", "Float32", "float64"}:
            pytest.fail(f"{path}:{node.lineno} names a float type")


@pytest.mark.parametrize(
    "path",
    sorted((ROOT / "tallywire/rating/columnar").glob("*.py")),
    ids=lambda path: path.name,
)
def test_columns_are_never_divided(path: Path) -> None:
    for node in ast.walk(ast.parse(path.read_text())):
        assert not isinstance(getattr(node, "op", None), ast.Div), f"{path}:{node.lineno} divides"


@pytest.mark.parametrize(
    "path",
    [path for path in SOURCES if path.is_relative_to(ROOT / "tallywire")],
    ids=lambda path: str(path.relative_to(ROOT)),
)
def test_rules_know_no_clock_and_no_chance(path: Path) -> None:
    names = {
        name.name
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Import)
        for name in node.names
    }
    assert not names & {"time", "random", "secrets", "os"}


def test_a_sink_for_data_is_never_dynamic() -> None:
    for path in SOURCES:
        assert "DynamicSink" not in path.read_text(), f"{path}: it loses rows on kill -9"


def test_no_address_of_a_registry_or_a_machine_is_written_down() -> None:
    pattern = re.compile(
        r"pyp[i]\.org|python[h]osted|/wor[k]/|/roo[t]/|registry\.np[m]js|deb\.deb[i]an"
    )
    for name in TRACKED:
        path = ROOT / name
        if path.suffix in {".py", ".md", ".toml", ".yml", ".yaml", ".lock", ".sql", ""}:
            assert not pattern.search(path.read_text(errors="replace")), name


def _option_names(model: type[BaseModel]) -> Iterator[str]:
    """Name the options of a format, and those of the models inside them."""
    for name, field in model.model_fields.items():
        yield name
        for kind in [field.annotation, *get_args(field.annotation)]:
            if isinstance(kind, type) and issubclass(kind, BaseModel):
                yield from _option_names(kind)


@pytest.mark.parametrize("name", DECODERS)
def test_every_option_of_a_format_is_written_down(name: str) -> None:
    text = (ROOT / "docs/reference/formats.md").read_text()
    section = text.partition(f"## `{name}`")[2].partition("\n## ")[0]
    for option in _option_names(DECODERS[name].options_model):
        assert re.search(rf"\b{option}\b", section), option
