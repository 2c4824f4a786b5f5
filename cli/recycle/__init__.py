"""Suspense that is tried again: by command, and by itself when the catalogue knows more."""
