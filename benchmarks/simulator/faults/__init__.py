"""Faults: each family in its place, done to a run that was right."""
