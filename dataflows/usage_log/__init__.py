"""The log between collection lanes and account lanes."""
