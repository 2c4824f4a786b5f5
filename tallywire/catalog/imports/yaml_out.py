"""Catalogue files as text; every scalar is text, so nothing is guessed when it is read."""

import re

import yaml

from tallywire.catalog.yaml_text import Tree

_NOT_ID = re.compile(r"[^A-Za-z0-9_.:\-]+")
_LONGEST_ID = 64
_LONGEST_NAME = 255
_Dumper = getattr(yaml, "CSafeDumper", yaml.SafeDumper)


def yaml_text(tree: Tree) -> str:
    """Write a tree of text, lists and mappings as YAML, keys in their order."""
    text: str = yaml.dump(
        tree,
        Dumper=_Dumper,
        sort_keys=False,
        allow_unicode=True,
        width=110,
        default_flow_style=None,
    )
    return text


def plain_id(name: str) -> str:
    """Make an id of a name: what an id may not hold becomes `_`, and `*any` is `any`.

    >>> plain_id("*any"), plain_id("Gold plan/2026"), plain_id("_x")
    ('any', 'Gold_plan_2026', 'x')
    """
    return _NOT_ID.sub("_", name.strip().lstrip("*")).strip("_.:-")[:_LONGEST_ID] or "unnamed"


def plain_name(name: str) -> str:
    r"""Make free text of a name: one line of printable characters, never empty.

    >>> plain_name("Norway\tmobile"), plain_name("")
    ('Norway?mobile', '-')
    """
    shown = "".join(one if one.isprintable() else "?" for one in name.strip())
    return shown[:_LONGEST_NAME].strip() or "-"


class Ids:
    """Ids that are each given once; a name met again keeps its id."""

    def __init__(self) -> None:
        self._of: dict[str, str] = {}
        self._taken: set[str] = set()

    def of(self, name: str, wanted: str = "") -> str:
        """Give the id of a name.

        Args:
            name: What makes it the same thing.
            wanted: What the id is made of, if not of the name.
        """
        if name in self._of:
            return self._of[name]
        first = plain_id(wanted or name)
        chosen, number = first, 1
        while chosen in self._taken:
            number += 1
            chosen = f"{first[: _LONGEST_ID - 4]}-{number}"
        self._taken.add(chosen)
        self._of[name] = chosen
        return chosen
