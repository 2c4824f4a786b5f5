"""The columnar rater: batches, integers, its own prefixes, bands and rounding."""

from tallywire.rating.columnar.rate import ColumnarRater, Found, Outcome

__all__ = ["ColumnarRater", "Found", "Outcome"]
