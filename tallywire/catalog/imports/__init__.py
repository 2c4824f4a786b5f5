"""Tariffs that an operator already has, made into a catalogue: text in, files and notes out.

Nothing is guessed silently: what the catalogue cannot say, what a row should not hold and what had
to be assumed becomes a `Note` with the line it comes from and what it means for charges.
"""

from tallywire.catalog.imports.operator_file import OperatorWords
from tallywire.catalog.imports.report import HEADINGS, Imported, Kind, Note

__all__ = ["HEADINGS", "Imported", "Kind", "Note", "OperatorWords"]
