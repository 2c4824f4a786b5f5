"""XML elements read by a parser, many at a time, wrapped in one root.

Entities are unknown to it and nothing is fetched, so that no record can grow or reach out.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

from lxml import etree

FIELD, RECORD = "\ue000", "\ue001"
_SHEET = "http://www.w3.org/1999/XSL/Transform"


@dataclass(frozen=True)
class Reader:
    """How the records of a file are read.

    Attributes:
        prefixes: Those the file declares ahead of its records; each stands for itself.
    """

    paths: tuple[str, ...]
    encoding: str
    prefixes: tuple[str, ...]

    def parse(self, pieces: Sequence[bytes]) -> list[etree._Element]:
        """Read records wrapped in one root.

        Raises:
            etree.XMLSyntaxError: If any is broken.
        """
        names = "".join(f' xmlns:{name}="{name}"' for name in self.prefixes)
        parser = etree.XMLParser(
            encoding=self.encoding, resolve_entities=False, load_dtd=False, no_network=True,
            huge_tree=False, remove_comments=True, remove_pis=True, remove_blank_text=True,
            collect_ids=False,
        )  # fmt: skip
        data = b"<all%b>%b</all>" % (names.encode(), b"\n".join(pieces))
        return list(etree.fromstring(data, parser))

    def texts(self, records: list[etree._Element]) -> list[list[str]]:
        """Give what stands at the paths of records that were read together, path by path."""
        made = str(_sheet(self.paths, self.prefixes)(records[0].getparent()))
        width = len(self.paths)
        if made.count(RECORD) != len(records) or made.count(FIELD) != len(records) * (width - 1):
            rows = [_at_paths(record, self.paths) for record in records]
            return [list(column) for column in zip(*rows, strict=True)]
        fields = made.replace(RECORD, FIELD).split(FIELD)
        return [fields[number:-1:width] for number in range(width)]


@lru_cache(maxsize=64)
def _sheet(paths: tuple[str, ...], prefixes: tuple[str, ...]) -> etree.XSLT:
    """Compile what writes the texts at the paths of every record, one after the other."""
    sheet = etree.Element(
        f"{{{_SHEET}}}stylesheet",
        nsmap={"sheet-of-paths": _SHEET, **{name: name for name in prefixes}},
        version="1.0",
    )
    etree.SubElement(sheet, f"{{{_SHEET}}}output", method="text", encoding="UTF-8")
    template = etree.SubElement(sheet, f"{{{_SHEET}}}template", match="/")
    each = etree.SubElement(template, f"{{{_SHEET}}}for-each", select="*/*")
    for path in paths:
        etree.SubElement(each, f"{{{_SHEET}}}value-of", select=path)
        etree.SubElement(each, f"{{{_SHEET}}}text").text = FIELD
    each[-1].text = RECORD
    return etree.XSLT(sheet, access_control=etree.XSLTAccessControl.DENY_ALL)


def _at_paths(record: etree._Element, paths: Sequence[str]) -> list[str]:
    """Do what the sheet does, for texts that hold its separators."""
    spaces = {name: name for name in record.nsmap if name}
    return [str(record.xpath(f"string({path})", namespaces=spaces)) for path in paths]
