"""Verbs that are imported when they are typed: help and version need none of them."""

from collections.abc import Sequence
from importlib import import_module
from typing import Any, ClassVar

import typer
from typer.core import TyperCommand, TyperGroup


class Verb(TyperCommand):
    """What help tells of a verb; it stands for it until it is typed.

    Args:
        name: The word people type.
        summary: First sentence of its help.
        module: Where it is, without one `cli.NAME`: `app`, a group, or `command` and `EPILOG`.
    """

    def __init__(self, name: str, summary: str, module: str = "") -> None:
        super().__init__(name, help=summary)
        self._module = module or f"cli.{name}"

    def real(self) -> Any:  # noqa: ANN401  the type of commands is private to typer
        """Import the verb and give its command."""
        module = import_module(self._module)
        alone = typer.Typer(rich_markup_mode=None, pretty_exceptions_enable=False)
        if hasattr(module, "app"):
            alone.add_typer(module.app, name=self.name)
        else:
            alone.command(self.name, epilog=module.EPILOG)(module.command)
        return typer.main.get_group(alone).commands[str(self.name)]


class Verbs(TyperGroup):
    """A group of verbs."""

    verbs: ClassVar[Sequence[Verb]] = ()

    def __init__(self, **attributes: Any) -> None:  # noqa: ANN401  typer's own
        super().__init__(**attributes)
        for verb in self.verbs:
            self.add_command(verb)

    def resolve_command(
        self,
        ctx: Any,  # noqa: ANN401  the type of contexts is private to typer
        args: list[str],
    ) -> tuple[str | None, Any, list[str]]:
        """Find the command that is typed, and import it."""
        name, found, rest = super().resolve_command(ctx, args)
        return name, found.real() if isinstance(found, Verb) else found, rest
