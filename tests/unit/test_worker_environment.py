"""What workers are told: ours, unless an operator says otherwise."""

import os
import subprocess
import sys

import pytest

from dataflows.worker_environment import worker_environment

_POLARS_ALLOCATOR = "_RJEM_MALLOC_CONF"


def test_what_an_operator_set_stays(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("POLARS_MAX_THREADS", "7")
    monkeypatch.setenv(_POLARS_ALLOCATOR, "dirty_decay_ms:1")
    said = worker_environment()
    assert not {"POLARS_MAX_THREADS", _POLARS_ALLOCATOR} & set(said)
    assert int(said["MALLOC_TRIM_THRESHOLD_"]) > 2**29


def test_what_polars_says_of_itself_is_no_operator_s_word() -> None:
    """A process that has loaded polars has its default in the environment."""
    asked = (
        "import polars; from dataflows.worker_environment import worker_environment as said; "
        f"print(said()['{_POLARS_ALLOCATOR}'])"
    )
    clean = {name: value for name, value in os.environ.items() if name != _POLARS_ALLOCATOR}
    done = subprocess.run(
        [sys.executable, "-c", asked], env=clean, capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "dirty_decay_ms:30000,muzzy_decay_ms:30000"
