"""From files to entries: which folder holds what, and strict validation of each entry."""

import dataclasses
import difflib
import typing
from collections.abc import Iterator, Mapping

import polars as pl
from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from tallywire.catalog.assertion_models import AssertionEntry
from tallywire.catalog.entries import Entries, Placed, dotted
from tallywire.catalog.models import (
    AccountEntry,
    CalendarEntry,
    FeedEntry,
    OfferEntry,
    Operator,
    PlanEntry,
    TariffEntry,
    ZonePlan,
)
from tallywire.catalog.models_canaries import CanaryEntry
from tallywire.catalog.models_terms import Entry, PartnerEntry
from tallywire.catalog.problems import Problem
from tallywire.catalog.table import read_table
from tallywire.catalog.yaml_text import Document, Path, Tree, read_yaml

OPERATOR_FILE = "operator.yaml"
KINDS: Mapping[str, type[Entry]] = {
    "feeds": FeedEntry,
    "zones": ZonePlan,
    "calendars": CalendarEntry,
    "tariffs": TariffEntry,
    "plans": PlanEntry,
    "offers": OfferEntry,
    "partners": PartnerEntry,
    "accounts": AccountEntry,
    "assertions": AssertionEntry,
    "canaries": CanaryEntry,
}
"""Folder to the model of the entries in it."""

TABLES = ("accounts", "top_ups", "fx", "reference")
"""Folders whose CSV files are read; those of rate decks are read where a tariff names them."""

_FIELD_OF = {folder: folder for folder in KINDS} | {"zones": "zone_plans"}
_MESSAGES = {
    "missing": "is missing; add it",
    "tuple_type": "write a list here",
    "dict_type": "write a mapping here",
    "model_type": "write a mapping here",
    "string_type": "write one value here, not a list or a mapping",
}


def entry_models(kind: object) -> list[type[BaseModel]]:
    """Find the models within a field's annotation."""
    if isinstance(kind, type) and issubclass(kind, BaseModel):
        return [kind]
    return [found for part in typing.get_args(kind) for found in entry_models(part)]


def _model_at(model: type[BaseModel], path: Path) -> type[BaseModel] | None:
    named = False  # the step before was a mapping: this one is a name of the writer's
    for step in path:
        if isinstance(step, int) or named:
            named = False
            continue
        by_name = {info.alias or name: info for name, info in model.model_fields.items()}
        inner = entry_models(by_name[step].annotation) if step in by_name else []
        if len(inner) != 1:
            return None
        named = typing.get_origin(by_name[step].annotation) is dict
        model = inner[0]
    return model


def _known(model: type[BaseModel], path: Path) -> list[str]:
    owner = _model_at(model, path[:-1])
    fields = owner.model_fields.items() if owner else ()
    return [info.alias or name for name, info in fields]


def _near(model: type[BaseModel], path: Path) -> str | None:
    """Guess which key an unknown key was meant to be."""
    return next(iter(difflib.get_close_matches(str(path[-1]), _known(model, path), 1)), None)


def _unknown(model: type[BaseModel], path: Path) -> str:
    near = _near(model, path)
    known = ", ".join(_known(model, path))
    advice = f"did you mean {near}?" if near else f"known here: {known or 'none'}"
    return f"unknown key; {advice}"


def _words(model: type[BaseModel], detail: ErrorDetails, path: Path) -> str:
    kind = detail["type"]
    if kind == "extra_forbidden":
        return _unknown(model, path)
    if kind in _MESSAGES:
        return _MESSAGES[kind]
    message = str(detail["msg"])
    return message.removeprefix("Value error, ").replace("Input should be", "must be")


def model_problems(
    model: type[BaseModel], error: ValidationError, file: str, document: Document, base: Path
) -> list[Problem]:
    """Turn a model's refusal into problems with lines."""
    found: dict[Path, tuple[str, str]] = {}
    meant: set[Path] = set()  # a key written wrong is not also a missing one
    for detail in error.errors(include_url=False, include_context=False, include_input=False):
        path = tuple(step for step in detail["loc"] if step not in {"[key]", ""})
        found[path] = detail["type"], _words(model, detail, path)
        near = _near(model, path) if detail["type"] == "extra_forbidden" else None
        if near:
            meant.add((*path[:-1], near))
    return [
        Problem(file, document.line((*base, *path)), dotted(path), words)
        for path, (kind, words) in found.items()
        if not (kind == "missing" and path in meant)
    ]


def _trees(document: Document) -> Iterator[tuple[Path, Tree]]:
    if isinstance(document.tree, list):
        for index, tree in enumerate(document.tree):
            yield (index,), tree
    else:
        yield (), document.tree


class _Reader:
    """Collects entries of all kinds; problems beside them."""

    def __init__(self) -> None:
        self.problems: list[Problem] = []
        self.found: dict[str, list[Placed[Entry]]] = {folder: [] for folder in KINDS}
        self.operator: Placed[Operator] | None = None
        self.broken: set[tuple[str, str]] = set()
        self.tables: dict[str, dict[str, pl.DataFrame]] = {folder: {} for folder in TABLES}

    def take(self, name: str, data: bytes) -> None:
        folder, _, rest = name.partition("/")
        if name == OPERATOR_FILE:
            self._operator(name, data)
        elif folder in KINDS and rest.endswith(".yaml"):
            self._entries(folder, name, data)
        elif folder in TABLES and rest.endswith(".csv"):
            table, problems = read_table(name, data)
            self.problems += problems
            if table is not None:
                self.tables[folder][name] = table
        elif not (folder == "tariffs" and rest.endswith(".csv")):  # decks are read where named
            message = (
                f"no such file is read; use operator.yaml, *.yaml in {', '.join(KINDS)}, or *.csv "
                f"in {', '.join(TABLES)}"
            )
            self.problems.append(Problem(name, 1, "", message))

    def _operator(self, name: str, data: bytes) -> None:
        document, problems = read_yaml(name, data)
        self.problems += problems
        if document is None:
            return
        try:
            value = Operator.model_validate(document.tree)
        except ValidationError as error:
            self.problems += model_problems(Operator, error, name, document, ())
        else:
            self.operator = Placed(value, name, document)

    def _entries(self, folder: str, name: str, data: bytes) -> None:
        document, problems = read_yaml(name, data)
        self.problems += problems
        model = KINDS[folder]
        for base, tree in _trees(document) if document else ():
            assert document is not None  # noqa: S101  the loop runs only over a document
            try:
                placed = Placed(model.model_validate(tree), name, document, base)
                self.found[folder].append(placed)
            except ValidationError as error:
                self.problems += model_problems(model, error, name, document, base)
                if isinstance(tree, dict) and isinstance(tree.get("id"), str):
                    self.broken.add((folder, str(tree["id"])))


def load(files: Mapping[str, bytes]) -> tuple[Entries, list[Problem]]:
    """Read and validate every file on its own.

    Args:
        files: File name within the catalogue folder (`/` between parts) to bytes.

    Returns:
        The entries that are sound, and the problems.
    """
    reader = _Reader()
    for name in sorted(files):
        reader.take(name, files[name])
    if reader.operator is None and OPERATOR_FILE not in files:
        reader.problems.append(Problem(OPERATOR_FILE, 1, "", "the file is missing; write it"))
    entries = dataclasses.replace(
        Entries(
            operator=reader.operator,
            broken=frozenset(reader.broken),
            tables=reader.tables["accounts"],
            top_ups=reader.tables["top_ups"],
            rates_of_exchange=reader.tables["fx"],
            reference_files=reader.tables["reference"],
        ),
        **{_FIELD_OF[folder]: tuple(found) for folder, found in reader.found.items()},  # type: ignore[arg-type]  # folder decides the model
    )
    return entries, reader.problems
