"""Whom findings are sent to: addresses of the settings, secrets of the environment alone."""

import base64
import binascii
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

import yaml
from pydantic import ValidationError

from assurance.delivery.rota import Rota
from dataflows.delivery.names import publishes
from dataflows.settings import Settings

_SECRET = "TALLYWIRE_WEBHOOK_SECRET"  # noqa: S105  the name of a variable
_CHANNEL = "TALLYWIRE_CHANNEL"
_FILE = "_FILE"
_NAME = re.compile(r"^[a-z0-9][a-z0-9-]{0,39}$")
_HERE = {"localhost", "127.0.0.1", "::1"}
_SHORTEST_SECRET = 24
_BEGINS = "whsec_"


class DeliveryMisuse(ValueError):  # noqa: N818  it says what is the case
    """A target that cannot be used as it is declared: which, why, and what to do."""


@dataclass(frozen=True)
class Endpoint:
    """A program that is sent findings.

    Attributes:
        secret: Base64, with or without `whsec_`.
    """

    name: str
    url: str
    secret: str = field(repr=False)


@dataclass(frozen=True)
class Channel:
    """A place that people read; the address may hold a password."""

    name: str
    url: str = field(repr=False)


def variable_of(begin: str, name: str) -> str:
    """Name the variable of a target.

    >>> variable_of("TALLYWIRE_WEBHOOK_SECRET", "night-shift")
    'TALLYWIRE_WEBHOOK_SECRET_NIGHT_SHIFT'
    """
    return f"{begin}_{re.sub(r'[^A-Z0-9]', '_', name.upper())}"


def _held(variable: str, environment: Mapping[str, str]) -> str:
    """Read a variable, or the file that the variable with `_FILE` names; empty without either."""
    path = environment.get(variable + _FILE)
    if not path:
        return environment.get(variable, "").strip()
    try:
        return Path(path).read_text().strip()
    except (OSError, UnicodeDecodeError) as error:
        msg = f"{variable}{_FILE}: {path} cannot be read ({error})"
        raise DeliveryMisuse(msg) from error


def _check_name(name: str, setting: str) -> None:
    if not _NAME.match(name):
        msg = f"{setting}: {name!r} is no name: small letters, digits and -, such as night-shift"
        raise DeliveryMisuse(msg)


def _check_url(name: str, url: str) -> None:
    try:
        parts = urlsplit(url)
        host, plain = parts.hostname or "", parts.username is None and parts.password is None
        _ = parts.port
    except ValueError as error:
        msg = f"webhooks.{name}: {url} is no address ({error})"
        raise DeliveryMisuse(msg) from error
    safe = parts.scheme == "https" or (parts.scheme == "http" and host in _HERE)
    if not host or not safe or not plain or parts.fragment:
        msg = (
            f"webhooks.{name}: write an address such as https://host/path, without user and "
            "password; http is allowed to localhost only"
        )
        raise DeliveryMisuse(msg)


def _secret(name: str, environment: Mapping[str, str]) -> str:
    own = variable_of(_SECRET, name)
    secret = _held(own, environment) or _held(_SECRET, environment)
    try:
        size = len(base64.b64decode(secret.removeprefix(_BEGINS) + "==", validate=False))
    except (binascii.Error, ValueError):
        size = 0
    if size < _SHORTEST_SECRET:
        msg = (
            f"webhooks.{name}: set {own} (or {_SECRET} for all) to {_SHORTEST_SECRET} random "
            "octets or more in Base64, such as `openssl rand -base64 32` gives"
        )
        raise DeliveryMisuse(msg)
    return secret


def endpoints_of(settings: Settings, environment: Mapping[str, str]) -> list[Endpoint]:
    """Give the endpoints that are declared.

    Raises:
        DeliveryMisuse: If one has a wrong name, a wrong address or no secret.
    """
    for name, url in settings.webhooks.items():
        _check_name(name, "webhooks")
        _check_url(name, url)
    for name in settings.action_webhooks:
        if name not in settings.webhooks:
            msg = f"action_webhooks: {name} is no endpoint of the setting `webhooks`: name it there"
            raise DeliveryMisuse(msg)
    return [
        Endpoint(name, url, _secret(name, environment))
        for name, url in sorted(settings.webhooks.items())
    ]


def channels_of(settings: Settings, environment: Mapping[str, str]) -> list[Channel]:
    """Give the channels that are declared.

    Raises:
        DeliveryMisuse: If one has a wrong name or no address.
    """
    found = []
    for name in sorted(set(settings.channels)):
        _check_name(name, "channels")
        variable = variable_of(_CHANNEL, name)
        url = _held(variable, environment)
        if not url:
            msg = f"channels: {name} has no address: set {variable} to an address of Apprise"
            raise DeliveryMisuse(msg)
        found.append(Channel(name, url))
    return found


def rota_of(settings: Settings) -> Rota | None:
    """Read who is on call; none where the settings name no file.

    Raises:
        DeliveryMisuse: If the file is missing or wrong, or a person's channel is not declared.
    """
    path = settings.oncall
    if path is None:
        return None
    try:
        rota = Rota.model_validate(yaml.safe_load(path.read_text()))
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        msg = f"oncall: {path} cannot be read: {error}"
        raise DeliveryMisuse(msg) from error
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        place = ".".join(str(part) for part in first["loc"])
        msg = f"oncall: {path}: {place}: {first['msg']}"
        raise DeliveryMisuse(msg) from error
    unknown = sorted(set(rota.people.values()) - set(settings.channels))
    if unknown:
        msg = f"oncall: {path}: {', '.join(unknown)}: name these channels in the setting `channels`"
        raise DeliveryMisuse(msg)
    return rota


def check_targets(settings: Settings, environment: Mapping[str, str]) -> None:
    """Make sure that somebody is to be told, and that everybody who is can be.

    Raises:
        DeliveryMisuse: If not.
    """
    endpoints, channels = endpoints_of(settings, environment), channels_of(settings, environment)
    rota_of(settings)
    if not endpoints and not channels and not publishes(settings):
        msg = (
            "nobody is to be told: declare `webhooks` or `channels` in the settings, or a Kafka "
            "with `alerts` in `publish` (docs/reference/webhooks.md)"
        )
        raise DeliveryMisuse(msg)
