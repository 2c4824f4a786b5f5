"""TAP 3: transferred accounts of roamers, as the visited network sends them."""

from tallywire.mediation.decoders.tap.decode import decode
from tallywire.mediation.decoders.tap.options import TapOptions

__all__ = ["TapOptions", "decode"]
