"""Faults for as long as one likes, with a table of what they did: `make soak`."""
