"""A CGRateS tariff plan as a catalogue: what it can say exactly, and notes on the rest."""

from tallywire.catalog.imports.cgrates.tariff_plan import import_cgrates

__all__ = ["import_cgrates"]
