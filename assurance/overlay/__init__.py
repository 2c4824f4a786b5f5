"""Another system's bill held against the usage it bills: what leaks, why, and how much."""
