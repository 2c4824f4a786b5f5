"""Who may send accounting, and the secret that each shares with us: out of the environment only."""

import ipaddress
import re
from collections import defaultdict
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import NamedTuple

from dataflows.ingest.log import IngestMisuse
from tallywire.catalog.feed import Feed, RadiusClient

_VARIABLE = "TALLYWIRE_RADIUS_SECRET_"
_FILE = "_FILE"
SOUND = 16
"""Octets that a secret should have (RFC 2865, 3)."""
_KNOWN = 65_536
"""Addresses of which the client is remembered."""


class Client(NamedTuple):
    """Whose packet it is.

    Attributes:
        feed: Where its records go.
        secret: Shared with it.
        signed: Its packets must carry a Message-Authenticator.
    """

    feed: Feed
    secret: bytes
    signed: bool


def variable_of(secret: str) -> str:
    """Name the variable that holds a secret.

    >>> variable_of("bras-oslo")
    'TALLYWIRE_RADIUS_SECRET_BRAS_OSLO'
    """
    return _VARIABLE + re.sub(r"[^A-Z0-9]", "_", secret.upper())


def secret_of(name: str, environment: Mapping[str, str]) -> bytes:
    """Read a secret: the variable's own value, or the file that the variable with `_FILE` names.

    Raises:
        IngestMisuse: If there is none, or it is empty.
    """
    variable = variable_of(name)
    if path := environment.get(variable + _FILE):
        try:
            found = Path(path).read_bytes().rstrip(b"\r\n")
        except OSError as error:
            msg = f"{variable}{_FILE}: {path} cannot be read ({error.strerror})"
            raise IngestMisuse(msg) from error
    else:
        found = environment.get(variable, "").encode()
    if not found:
        msg = (
            f"the secret {name!r} of RADIUS clients is not known: set {variable}, or {variable}"
            f"{_FILE} to the name of a file that holds it"
        )
        raise IngestMisuse(msg)
    return found


class Clients:
    """Clients by address; the smallest network that holds an address decides.

    Attributes:
        short: Variables whose secrets are easily guessed.

    Args:
        feeds: Of the catalogue in use; those without clients do not matter.
        environment: Holds the secrets.

    Raises:
        IngestMisuse: If a secret is not known.
    """

    def __init__(self, feeds: Iterable[Feed], environment: Mapping[str, str]) -> None:
        feeds = list(feeds)
        networks: dict[tuple[int, int], dict[int, Client]] = defaultdict(dict)
        for feed in feeds:
            for one in feed.radius:
                network = ipaddress.ip_network(one.network)
                place = (network.version, network.prefixlen)
                networks[place][int(network.network_address)] = _client(feed, one, environment)
        # the longest prefix first; what is cut off an address to be compared beside it
        self._networks = [
            (version, (32 if version == 4 else 128) - length, networks[version, length])
            for version, length in sorted(networks, reverse=True)
        ]
        self.short = sorted({
            variable_of(one.secret)
            for feed in feeds for one in feed.radius
            if len(secret_of(one.secret, environment)) < SOUND
        })  # fmt: skip
        self._known: dict[str, Client | None] = {}

    def __len__(self) -> int:
        return sum(len(found) for _, _, found in self._networks)

    def of(self, address: str) -> Client | None:
        """Find whose an address is."""
        try:
            return self._known[address]
        except KeyError:
            if len(self._known) >= _KNOWN:  # a flood of invented addresses
                self._known.clear()
            found = self._known[address] = self._look(address)
            return found

    def _look(self, address: str) -> Client | None:
        found = ipaddress.ip_address(address)
        if isinstance(found, ipaddress.IPv6Address) and found.ipv4_mapped is not None:
            found = found.ipv4_mapped
        number = int(found)
        for version, cut, networks in self._networks:
            client = networks.get(number >> cut << cut) if version == found.version else None
            if client is not None:
                return client
        return None


def _client(feed: Feed, one: RadiusClient, environment: Mapping[str, str]) -> Client:
    return Client(feed, secret_of(one.secret, environment), one.signed)
