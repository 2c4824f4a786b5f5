"""RADIUS accounting: packets, names of attributes, and what a record of it means."""
