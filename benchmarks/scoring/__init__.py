"""Scores of the controls: simulated usage through the real product, held against its truth."""
