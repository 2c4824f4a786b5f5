"""`tallywire demo`: the whole engine on usage of five formats with faults built in."""

from cli.demo.command import EPILOG, command

__all__ = ["EPILOG", "command"]
