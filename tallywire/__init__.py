"""The rules: pure functions over values; no clock, chance, input or output."""
