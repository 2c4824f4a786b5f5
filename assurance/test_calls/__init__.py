"""Calls that a generator of test calls made, held against what was charged for them."""
