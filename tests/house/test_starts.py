"""A command starts light: what it does not need it does not import."""

import importlib
import subprocess
import sys
from collections.abc import Sequence

import pytest
import typer

from cli.main import app
from cli.verbs import Verb
from dataflows.exits import CODES

TABLES = {"polars", "pyarrow", "pandas", "numpy"}
STREAMS = {"bytewax", "confluent_kafka", "river"}
SERVERS = {"fastapi", "granian", "prometheus_client", "argon2"}
STORE = {"clickhouse_connect", "chdb", "duckdb"}
OURS = {"dataflows", "dashboards", "warehouse", "assurance", "tallywire", "schemas"}
HEAVY = TABLES | STREAMS | SERVERS | STORE | {"pydantic", "rich", "structlog", "yaml"}
STARTED = """
import sys
from cli.main import main
try:
    main()
finally:
    print(*{name.partition(".")[0] for name in sys.modules}, file=sys.stderr)
"""
VERBS = [verb for verb in typer.main.get_group(app).commands.values() if isinstance(verb, Verb)]


def _imported(*arguments: str) -> set[str]:
    command = [sys.executable, "-c", STARTED, *arguments]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    return set(done.stderr.split())


@pytest.mark.parametrize("arguments", [("--help",), ("--version",)])
def test_help_and_version_import_no_verb(arguments: Sequence[str]) -> None:
    assert not _imported(*arguments) & (HEAVY | OURS)


@pytest.mark.parametrize("verb", ["status", "store"])
def test_asking_the_store_takes_no_tables_and_no_streams(verb: str) -> None:
    assert not _imported(verb, "--help") & (TABLES | STREAMS | SERVERS)


@pytest.mark.parametrize("verb", VERBS, ids=lambda verb: verb.name)
def test_a_verb_is_told_before_it_is_imported_as_it_tells_itself(verb: Verb) -> None:
    assert verb.get_short_help_str(1_000) == verb.real().get_short_help_str(1_000)


@pytest.mark.parametrize("name", CODES)
def test_what_has_an_exit_code_is_an_exception_of_that_name(name: str) -> None:
    module, _, kind = name.rpartition(".")
    found = getattr(importlib.import_module(module), kind)
    assert issubclass(found, BaseException)
    assert f"{found.__module__}.{found.__qualname__}" == name


def test_what_is_narrower_is_recognised_before_what_is_wider() -> None:
    kinds = []
    for name in CODES:
        module, _, kind = name.rpartition(".")
        kinds.append(getattr(importlib.import_module(module), kind))
    for place, kind in enumerate(kinds):
        assert not issubclass(kind, tuple(kinds[:place])), kind
