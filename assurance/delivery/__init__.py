"""Telling people and programs of findings: what is due, to whom, in how many words."""
