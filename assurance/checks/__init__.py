"""Checks that are written, not programmed: two sources, and what must agree."""
