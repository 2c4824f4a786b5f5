"""Columns that usage carries while it is rated again."""

CATALOG = "_catalog"
"""Hash of the catalogue that the event is rated under."""
SELECTED = "_selected"
"""It is rated again on purpose; the others follow."""
REPLACED = "_replaced"
"""Its content was corrected."""
PLACE = "_place"
"""Its number in the order of rating."""
RUNS = "_runs"
"""Legs that the usage asked for when it came."""
KEPT = "_kept"
"""Legs that stay under the catalogue they were charged by: `run=hash`, joined by `+`."""
MORE = [CATALOG, SELECTED, REPLACED, "_tariff", RUNS, KEPT]

ENTRY = ["event_id", "attempt"]
"""One piece of usage in the log: a leg without a price comes again with the next attempt."""
