"""Cutting bytes into records: lines, paragraphs, documents, elements of XML and JSON, messages."""

from tallywire.mediation.framing.arrays import Array
from tallywire.mediation.framing.base import PROLOGUE_BYTES, Cut, Framing, cut_of, frame
from tallywire.mediation.framing.ber import Ber
from tallywire.mediation.framing.cdr_file import CdrFile
from tallywire.mediation.framing.diameter import Diameter
from tallywire.mediation.framing.elements import Elements
from tallywire.mediation.framing.text import DOCUMENT, LINES, PARAGRAPHS, Document, Lines

__all__ = [
    "DOCUMENT", "LINES", "PARAGRAPHS", "PROLOGUE_BYTES", "Array", "Ber", "CdrFile", "Cut",
    "Diameter", "Document", "Elements", "Framing", "Lines", "cut_of", "frame",
]  # fmt: skip
