"""The columnar rater: batches, integers, its own prefixes, bands and rounding."""

from tallywire.rating.columnar.find import Found
from tallywire.rating.columnar.places import is_constant
from tallywire.rating.columnar.rate import ColumnarRater, TooLargeError

__all__ = ["ColumnarRater", "Found", "TooLargeError", "is_constant"]
