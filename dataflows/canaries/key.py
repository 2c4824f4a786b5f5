"""The secret by which canaries are known: of the environment, or made at first use."""

import os
import secrets
import stat
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

from dataflows.settings import Home

_VARIABLE = "TALLYWIRE_CANARY_KEY"
_SHORTEST = 32
_FILE = "key"


class CanaryMisuse(ValueError):  # noqa: N818  it says what is the case
    """A canary that cannot be sent or known as it is declared: which, why, and what to do."""


def canary_key(home: Home, environment: Mapping[str, str]) -> bytes:
    """Give the secret of an installation: of the variable, of the file it names, or its own.

    Raises:
        CanaryMisuse: If it is too short to be one.
        OSError: If it can be neither read nor made.
    """
    said, path = environment.get(_VARIABLE, "").strip(), environment.get(f"{_VARIABLE}_FILE", "")
    place = Path(path) if path else home.canaries / _FILE
    found = said.encode() if said else place.read_bytes().strip() if path else _of_file(place)
    if len(found) < _SHORTEST:
        where = _VARIABLE if said else place
        msg = (
            f"{where} is too short for a secret: write {_SHORTEST} characters or more, such as "
            "`openssl rand -hex 32` gives"
        )
        raise CanaryMisuse(msg)
    return found


def _of_file(path: Path) -> bytes:
    """Read the file; where there is none, make it: whoever comes second takes that of the first."""
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        draft = path.with_name(f".{path.name}.{os.getpid()}")
        draft.touch(mode=stat.S_IRUSR | stat.S_IWUSR)
        draft.write_text(secrets.token_hex(_SHORTEST))
        with suppress(FileExistsError):
            path.hardlink_to(draft)
        draft.unlink()
    return path.read_bytes().strip()
