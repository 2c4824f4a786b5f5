"""operator.yaml of an imported catalogue: what was said, and what had to be assumed."""

from collections.abc import Iterator
from dataclasses import dataclass

from tallywire.catalog.imports.report import Kind, Note
from tallywire.catalog.imports.yaml_out import yaml_text
from tallywire.catalog.values import currency, digits, identifier, time_zone, words
from tallywire.catalog.yaml_text import Tree

DEFAULTS = {
    "legal_entity": "Imported tariffs",
    "currency": "USD",
    "time_zone": "UTC",
    "home_country": "1",
}
_READS = {
    "tenant": identifier,
    "legal_entity": words,
    "currency": currency,
    "time_zone": time_zone,
    "home_country": digits,
}
_MEANS = {
    "legal_entity": "it is the invoicing party in every rated row",
    "currency": "every price is in it",
    "time_zone": "bands of time and dates without offset are in it",
    "home_country": "it completes numbers that feeds write nationally",
}


@dataclass(frozen=True)
class OperatorWords:
    """What the person who imports says about the operator; empty where nothing was said."""

    legal_entity: str = ""
    currency: str = ""
    time_zone: str = ""
    home_country: str = ""
    tenant: str = ""

    def faults(self) -> Iterator[str]:
        """Find what is wrong in what was said."""
        for key, read in _READS.items():
            try:
                _ = read(getattr(self, key)) if getattr(self, key) else None
            except ValueError as error:
                yield f"{key}: {error}"

    def value(self, key: str) -> str:
        """Give what was said, or the default."""
        return getattr(self, key) or DEFAULTS[key]


def operator_yaml(said: OperatorWords, tenant: str = "default") -> str:
    """Write operator.yaml."""
    tree: dict[str, Tree] = {"tenant": said.tenant or tenant}
    tree |= {key: said.value(key) for key in DEFAULTS}
    return yaml_text(tree)


def assumed(said: OperatorWords) -> Iterator[Note]:
    """Name the values of operator.yaml that nobody said."""
    for key, value in DEFAULTS.items():
        if not getattr(said, key):
            option = "entity" if key == "legal_entity" else key.replace("_", "-")
            message = f"{key} is {value}; say another with --{option}"
            yield Note("", 0, Kind.ASSUMED, message, _MEANS[key])
