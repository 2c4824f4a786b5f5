"""Guessing a feed from a sample of its files: a proposal that a person looks at, never more."""

from tallywire.mediation.guess.feed import Guess, guess

__all__ = ["Guess", "guess"]
