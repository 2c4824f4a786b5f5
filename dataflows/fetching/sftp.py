"""Files on an SFTP server. Its host key must be known: an unknown or another one is refused."""

import socket
import stat
from collections.abc import Iterable, Iterator
from contextlib import suppress
from pathlib import Path, PurePosixPath
from typing import Any
from urllib.parse import unquote, urlsplit

import paramiko

from dataflows.fetching.source import PATIENCE_S, Away, Credentials, FileChanged, Listed
from tallywire.catalog.feed import Collect

_PIECE = 32 * 1024
_WINDOW = 4 * 1024 * 1024
"""Asked for at once: what is under way is in memory."""
_DEEPEST = 16
_PORT = 22


class SftpSource:
    """A folder of an SFTP server.

    Variables of the feed: `PASSWORD`, or `KEY_FILE` with `KEY_PASSWORD`; `KNOWN_HOSTS`, a file
    like `~/.ssh/known_hosts`, which is taken without it.
    """

    atomic = False

    def __init__(self, collect: Collect, credentials: Credentials) -> None:
        self.address, self._collect, self._credentials = collect.address, collect, credentials
        parts = urlsplit(collect.address)
        self._host, self._port = parts.hostname or "", parts.port or _PORT
        self._user, self._root = unquote(parts.username or ""), unquote(parts.path) or "."
        self._client: paramiko.SSHClient | None = None
        self._sftp: Any = None

    def _open(self) -> Any:  # noqa: ANN401  paramiko ships no types
        if self._sftp is not None:
            return self._sftp
        client = paramiko.SSHClient()
        client.set_missing_host_key_policy(paramiko.RejectPolicy())
        known = self._credentials.get("KNOWN_HOSTS")
        hosts = Path(known) if known else Path.home() / ".ssh" / "known_hosts"
        key = self._credentials.get("KEY_FILE")
        try:
            if known or hosts.exists():
                client.load_host_keys(str(hosts))
            client.connect(
                self._host, self._port, self._user,
                password=self._credentials.get("PASSWORD") or None,
                key_filename=key or None,
                passphrase=self._credentials.get("KEY_PASSWORD") or None,
                allow_agent=False, look_for_keys=False, timeout=PATIENCE_S,
                banner_timeout=PATIENCE_S, auth_timeout=PATIENCE_S, channel_timeout=PATIENCE_S,
            )  # fmt: skip
            self._sftp = client.open_sftp()
            self._sftp.get_channel().settimeout(PATIENCE_S)
        except (paramiko.SSHException, OSError, EOFError, ValueError) as error:
            client.close()
            raise self._refused(error, hosts) from error
        self._client = client
        return self._sftp

    def _refused(self, error: Exception, hosts: Path) -> Away:
        if isinstance(error, paramiko.BadHostKeyException):
            text = f"the server shows another host key than {hosts} holds; ask its operator why"
            return Away(text, lasting=True)
        if isinstance(error, paramiko.AuthenticationException):
            names = (
                f"{self._credentials.named('PASSWORD')} or {self._credentials.named('KEY_FILE')}"
            )
            return Away(f"the server does not let {self._user} in: look at {names}", lasting=True)
        if isinstance(error, paramiko.SSHException) and "not found in known_hosts" in str(error):
            text = (
                f"its host key is not in {hosts}: put it there, or name a file that holds it as "
                f"{self._credentials.named('KNOWN_HOSTS')}"
            )
            return Away(text, lasting=True)
        return self._away(error)

    def _away(self, error: Exception) -> Away:
        self.close()
        return Away(f"{type(error).__name__}: {error}".rstrip(": "))

    def look(self) -> Iterable[Listed]:
        """List the plain files below the folder; links are not followed.

        Raises:
            Away: If it cannot be done now.
        """
        try:
            yield from self._below(self._open(), self._root, "", 0)
        except (paramiko.SSHException, OSError, EOFError) as error:
            raise self._away(error) from error

    def _below(
        self,
        sftp: Any,  # noqa: ANN401  as above
        folder: str,
        prefix: str,
        depth: int,
    ) -> Iterator[Listed]:
        archive = self._archive()
        for found in sorted(sftp.listdir_attr(folder), key=lambda one: str(one.filename)):
            name, mode = f"{prefix}{found.filename}", found.st_mode or 0
            path = f"{folder}/{found.filename}"
            if stat.S_ISDIR(mode) and depth < _DEEPEST and PurePosixPath(path) != archive:
                yield from self._below(sftp, path, f"{name}/", depth + 1)
            elif stat.S_ISREG(mode):
                yield Listed(path, name, found.st_size, f"{found.st_size}:{found.st_mtime}")

    def _archive(self) -> PurePosixPath | None:
        """Give the folder of the archive, below the place itself or absolute."""
        to = self._collect.archive_to
        return PurePosixPath(self._root) / to if to else None

    def here(self, _listed: Listed) -> Path | None:
        """It lies elsewhere."""
        return None

    def read(self, listed: Listed, offset: int) -> tuple[int, Iterator[bytes]]:
        """Read a file from an offset, some pieces under way at once.

        Raises:
            FileChanged: If it is not what was listed.
            Away: If the server is gone.
        """
        return offset, self._pieces(listed, offset)

    def _pieces(self, listed: Listed, offset: int) -> Iterator[bytes]:
        try:
            with self._open().open(listed.key, "rb") as file:
                while offset < listed.size:
                    end = min(listed.size, offset + _WINDOW)
                    chunks = [(at, min(_PIECE, end - at)) for at in range(offset, end, _PIECE)]
                    for piece in file.readv(chunks):
                        if not piece:
                            raise FileChanged(listed.name)
                        yield piece
                    offset = end
                found = file.stat()
        except FileNotFoundError as error:
            raise FileChanged(listed.name) from error
        except (paramiko.SSHException, OSError, EOFError) as error:
            raise self._away(error) from error
        if f"{found.st_size}:{found.st_mtime}" != listed.version:
            raise FileChanged(listed.name)

    def clear(self, listed: Listed, sha256: str, markers: Iterable[str]) -> None:
        """Archive or delete a file and its markers.

        Raises:
            FileChanged: If it is not what was listed any more.
            Away: If the server does not do it.
        """
        try:
            sftp, archive = self._open(), self._archive()
            found = sftp.lstat(listed.key)
            if f"{found.st_size}:{found.st_mtime}" != listed.version:
                raise FileChanged(listed.name)
            for name in [listed.name, *markers]:
                path = f"{self._root}/{name}"
                if not _exists(sftp, path):
                    continue
                if archive is None:
                    sftp.remove(path)
                    continue
                target = str(archive / name)
                if _exists(sftp, target):
                    target = f"{target}.{sha256[:8]}"
                _make_folders(sftp, PurePosixPath(target).parent)
                sftp.rename(path, target)
        except FileNotFoundError as error:
            raise FileChanged(listed.name) from error
        except (paramiko.SSHException, OSError, EOFError) as error:
            raise self._away(error) from error

    def close(self) -> None:
        """End the connection."""
        if self._client is not None:
            with suppress(paramiko.SSHException, OSError, EOFError, socket.error):
                self._client.close()
        self._client = self._sftp = None


def _exists(sftp: Any, path: str) -> bool:  # noqa: ANN401  as above
    try:
        sftp.lstat(path)
    except FileNotFoundError:
        return False
    return True


def _make_folders(sftp: Any, folder: PurePosixPath) -> None:  # noqa: ANN401  as above
    for made in [*reversed(folder.parents), folder]:
        if str(made) not in {"/", "."} and not _exists(sftp, str(made)):
            sftp.mkdir(str(made))
