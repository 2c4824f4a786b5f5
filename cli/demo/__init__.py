"""`tallywire demo`: the whole engine on usage of five formats, and every family of faults in it."""

from cli.demo.command import EPILOG, command

__all__ = ["EPILOG", "command"]
