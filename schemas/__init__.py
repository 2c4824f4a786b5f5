"""The words: one definition per record; every other form of it is derived from here."""
