"""`tallywire doctor`: is this machine and this home fit to work?"""

import os
import resource
import shutil
import sys
from collections.abc import Callable
from importlib.metadata import PackageNotFoundError, version

import typer

from cli.common import HomeOption, epilog, settings_of
from dataflows.catalogs import CatalogError, CatalogMisuse, CatalogStore
from dataflows.exits import Exit
from dataflows.settings import Home, Settings
from warehouse.client import StoreError, opened
from warehouse.server import find

EPILOG = epilog("doctor")
_LEAST_FREE = 2 * 1024**3
_LEAST_FILES = 1024


def _python(_settings: Settings) -> tuple[bool, str]:
    found = ".".join(str(part) for part in sys.version_info[:3])
    return (3, 11) <= sys.version_info[:2] < (3, 13), f"Python {found} (3.11 or 3.12 is needed)"


def _engine(settings: Settings) -> tuple[bool, str]:
    if settings.store_url:
        return True, "a ClickHouse server is configured"
    try:
        return True, f"embedded store, chdb-core {version('chdb-core')}"
    except PackageNotFoundError:
        return False, "the embedded store is not installed: pip install 'tallywire[embedded]'"


def _home(settings: Settings) -> tuple[bool, str]:
    place = settings.home if settings.home.exists() else settings.home.absolute().parent
    if not os.access(place, os.W_OK):
        return False, f"{place} cannot be written by this user"
    free = shutil.disk_usage(place).free
    return free >= _LEAST_FREE, f"{settings.home}: {free / 1024**3:.1f} GiB free (2 are needed)"


def _files(_settings: Settings) -> tuple[bool, str]:
    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    return soft >= _LEAST_FILES, f"{soft} open files are allowed (1024 are needed)"


def _catalog(settings: Settings) -> tuple[bool, str]:
    catalogs = CatalogStore(Home(settings.home).catalogs)
    try:
        name = catalogs.current()
        snapshot = catalogs.load(name)
    except CatalogMisuse as error:
        return True, f"no catalogue in use yet: {error}"
    except CatalogError as error:
        return False, str(error)
    return True, f"catalogue {name[:12]}: {len(snapshot.tariffs)} tariffs"


def _store(settings: Settings) -> tuple[bool, str]:
    home = Home(settings.home).store
    if not settings.store_url and find(home) is None:
        return True, "the embedded store is not running; a run starts it"
    try:
        with opened(settings.store_url, home, role="reader") as client:
            return True, f"the store answers: ClickHouse {client.server_version}"
    except StoreError as error:
        return False, str(error)


CHECKS: tuple[Callable[[Settings], tuple[bool, str]], ...] = (
    _python, _engine, _home, _files, _catalog, _store,
)  # fmt: skip


def command(*, home: HomeOption = None) -> None:
    """Check the machine, the configuration, the catalogue in use and the store."""
    settings = settings_of(home)
    good = True
    for check in CHECKS:
        fine, text = check(settings)
        good &= fine
        typer.echo(f"{'ok  ' if fine else 'FAIL'}  {text}")
    raise typer.Exit(Exit.DONE if good else Exit.PROBLEMS)
