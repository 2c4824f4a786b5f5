"""Reading checks and their sources: YAML, CSV files beside it, questions to the store."""

from collections.abc import Iterable, Iterator
from pathlib import Path

import polars as pl
from pydantic import ValidationError

from assurance.checks.models import Check, SourceEntry, problems_of
from tallywire.catalog.yaml_text import read_yaml
from warehouse.client import Client, told


class CheckMisuse(ValueError):  # noqa: N818  it says what is the case
    """A check, or a source of it, cannot be read."""


def checks_of(paths: Iterable[Path]) -> Iterator[tuple[Path, Check]]:
    """Read checks: files, and those of folders.

    Raises:
        CheckMisuse: With every problem of the first file that has some.
    """
    for path in paths:
        files = sorted(path.glob("*.yaml")) if path.is_dir() else [path]
        if not files:
            msg = f"{path} holds no *.yaml"
            raise CheckMisuse(msg)
        for file in files:
            yield file, _check(file)


def _check(file: Path) -> Check:
    document, problems = read_yaml(file.name, file.read_bytes())
    if document is None or problems:
        raise CheckMisuse("\n".join(str(one) for one in problems) or f"{file.name} is empty")
    try:
        return Check.model_validate(document.tree)
    except ValidationError as error:
        lines = problems_of(error.errors(include_url=False))
        raise CheckMisuse("\n".join(f"{file.name}: {one}" for one in lines)) from error


def rows_of(source: SourceEntry, folder: Path, client: Client | None) -> pl.DataFrame:
    """Read one side, every value as text.

    Raises:
        CheckMisuse: If a file is missing or no CSV, or there is no store to ask.
        StoreRefused: If the store refuses the question.
    """
    if source.file:
        return _files(source, folder)
    if client is None:
        msg = f"{source.name} asks the store, and there is none: give --home"
        raise CheckMisuse(msg)
    with told(client.uri):
        found = client.query(source.sql)
    rows = [[None if value is None else _text(value) for value in row] for row in found.result_rows]
    schema = dict.fromkeys(found.column_names, pl.String())
    return pl.DataFrame(rows, schema=schema, orient="row")


def _text(value: object) -> str:
    return value.isoformat() if hasattr(value, "isoformat") else str(value)


def _files(source: SourceEntry, folder: Path) -> pl.DataFrame:
    files = sorted(folder.glob(source.file))
    if not files:
        msg = f"{source.name}: no file {folder / source.file}"
        raise CheckMisuse(msg)
    frames = []
    for file in files:
        try:
            frames.append(pl.read_csv(file, infer_schema=False))
        except (pl.exceptions.PolarsError, OSError) as error:
            msg = f"{source.name}: {file} is no CSV with a head: {error}"
            raise CheckMisuse(msg) from error
    return pl.concat(frames, how="diagonal")
