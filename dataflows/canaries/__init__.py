"""Sending canaries: written down first, then put where the operator's usage is put."""
