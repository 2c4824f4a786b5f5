"""The price book of record, held against the catalogue: two raters agree on one wrong catalogue."""
