"""A seeded simulator of usage, with faults of known extent and a truth that is made apart."""
