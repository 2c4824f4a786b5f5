import errno
import subprocess
import sys
from pathlib import Path

import pytest

from dataflows.catalogs import (
    CatalogDamaged,
    CatalogError,
    CatalogStore,
    example_folder,
    pack,
    read_folder,
    unpack,
    write_folder,
)
from dataflows.exits import Exit
from tests.permissions import bound_by_permissions
from tests.unit.catalog_files import FORMATS, OPERATOR, files, snapshot


@pytest.fixture
def store(tmp_path: Path) -> CatalogStore:
    return CatalogStore(tmp_path / "home" / "catalogs", FORMATS)


def test_a_folder_gives_its_sources_by_name(tmp_path: Path) -> None:
    write_folder(files(), tmp_path / "new")
    (tmp_path / "new" / "README.md").write_text("not a source")
    (tmp_path / "new" / ".git").mkdir()
    (tmp_path / "new" / ".git" / "x.yaml").write_text("hidden")
    assert read_folder(tmp_path / "new") == files()


def test_a_folder_that_is_none_is_said_so(tmp_path: Path) -> None:
    with pytest.raises(CatalogError, match="is not a folder"):
        read_folder(tmp_path / "absent")
    with pytest.raises(CatalogError, match="holds no catalogue"):
        read_folder(tmp_path)


def test_a_folder_in_use_is_not_overwritten(tmp_path: Path) -> None:
    (tmp_path / "mine.yaml").write_text("x")
    with pytest.raises(CatalogError, match="not empty"):
        write_folder(files(), tmp_path)


def test_the_same_files_make_the_same_archive() -> None:
    assert pack(files()) == pack(dict(reversed(files().items())))
    assert unpack(pack(files())) == files()


def test_what_is_archived_comes_back(store: CatalogStore) -> None:
    one = snapshot()
    store.archive(files(), one)
    store.archive(files(), one)
    assert store.known() == [one.hash]
    again = store.load(one.hash)
    assert again.hash == one.hash
    assert again.tariffs["voice"].prices == one.tariffs["voice"].prices
    assert again.identifiers.equals(one.identifiers)


def test_an_archive_without_history_uses_what_its_pointer_names(store: CatalogStore) -> None:
    with pytest.raises(CatalogError, match="no catalogue is in use"):
        store.current()
    one = snapshot()
    store.archive(files(), one)
    (store.root / "current").write_text(f"{one.hash}\n")
    assert store.current() == one.hash
    (store.root / "current").write_text("nonsense")
    with pytest.raises(CatalogDamaged, match="does not hold the hash"):
        store.current()


def test_a_changed_archive_is_refused(store: CatalogStore) -> None:
    one = snapshot()
    store.archive(files(), one)
    path = store.root / f"{one.hash}.tar.gz"
    sound = path.read_bytes()
    path.write_bytes(pack({**files(), "operator.yaml": OPERATOR.replace("EUR", "USD").encode()}))
    with pytest.raises(CatalogDamaged, match="another hash"):
        store.load(one.hash)
    for broken in (b"", b"nonsense", sound[:100], b"\x1f\x8b" + bytes(50)):
        path.write_bytes(broken)
        with pytest.raises(CatalogDamaged, match=r"readable|hash|plain"):
            store.load(one.hash)
    path.unlink()
    with pytest.raises(CatalogDamaged, match="not archived here"):
        store.load(one.hash)
    with pytest.raises(CatalogDamaged, match="is not the hash"):
        store.load("../../etc/passwd")


def test_what_the_disk_refuses_is_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    store = CatalogStore(tmp_path / "file", FORMATS)
    with pytest.raises(CatalogError, match="cannot write") as found:
        store.archive(files(), snapshot())
    assert found.value.errno in {errno.EEXIST, errno.ENOTDIR}
    assert isinstance(found.value, OSError)


def test_a_full_disk_is_one_sentence() -> None:
    full = CatalogStore(Path("/dev/full"), FORMATS)
    with pytest.raises(CatalogError, match="cannot write"):
        full.archive(files(), snapshot())


def test_a_missing_permission_is_one_sentence(tmp_path: Path) -> None:
    write_folder(files(), tmp_path / "c")
    (tmp_path / "c" / "operator.yaml").chmod(0)
    lint = [sys.executable, "-m", "cli.main", "catalog", "lint", tmp_path / "c"]
    made = subprocess.run(
        bound_by_permissions(*lint), capture_output=True, text=True, check=False, timeout=60
    )
    assert made.returncode == Exit.MACHINE, made.stderr
    assert "operator.yaml" in made.stderr
    assert "not permitted" in made.stderr
    assert "Traceback" not in made.stderr


def test_the_example_is_shipped() -> None:
    assert "operator.yaml" in read_folder(example_folder())
