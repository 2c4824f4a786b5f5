"""Numbered, frozen SQL files."""
