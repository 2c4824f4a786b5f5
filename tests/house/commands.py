"""Commands that documents and deployment files name, held against the command that there is."""

from collections.abc import Sequence
from typing import Any

import typer

from cli.main import app


def resolved(words: Sequence[str]) -> tuple[Any, list[str]]:
    """Find the command that words name, as typing them does; and the words behind it."""
    command: Any = typer.main.get_command(app)
    rest = list(words)
    while rest and rest[0] in getattr(command, "commands", {}):
        _, command, rest = command.resolve_command(typer.Context(command), rest)
    return command, rest


def check_typed(words: Sequence[str], *, whole: bool = True) -> None:
    """Make sure that the words behind `tallywire` name a command, and only options that it has.

    Args:
        words: As a shell gives them.
        whole: It is to be typed so, with all arguments; otherwise it is only spoken of.
    """
    command, rest = resolved(words)
    assert len(rest) < len(words), f"no command {words}"
    if whole:
        assert not getattr(command, "commands", {}) or command.invoke_without_command, words
    options = {name: one for one in command.params for name in one.opts if name.startswith("-")}
    values = iter(rest)
    given = 0
    for word in values:
        if word.startswith("-") and word != "-":
            assert word in options, f"{words}: no option {word}"
            if not options[word].is_flag:
                assert next(values, ""), f"{words}: {word} without a value"
        else:
            given += 1
    most = [one.nargs for one in command.params if one.param_type_name == "argument"]
    least = [one for one in command.params if one.param_type_name == "argument" and one.required]
    assert len(least) <= given or not whole, f"{words}: an argument is missing"
    assert -1 in most or given <= len(most), f"{words}: too many arguments"
