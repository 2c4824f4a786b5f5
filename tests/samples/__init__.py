"""Tests on real usage files, which are not part of this repository."""
