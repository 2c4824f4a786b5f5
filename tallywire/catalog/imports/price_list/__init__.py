"""Any carrier's price list as a catalogue, by a mapping of its columns."""

from tallywire.catalog.imports.price_list.mapping import (
    ListMapping,
    MappingFault,
    mapping_file,
    mapping_of,
)
from tallywire.catalog.imports.price_list.read import import_list, import_table

__all__ = [
    "ListMapping",
    "MappingFault",
    "import_list",
    "import_table",
    "mapping_file",
    "mapping_of",
]
