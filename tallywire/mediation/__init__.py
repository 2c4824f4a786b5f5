"""From bytes to canonical usage: decode, deduplicate, correlate, normalise."""
