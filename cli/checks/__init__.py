"""`tallywire checks`: comparisons that are written, not programmed."""
