"""3GPP charging data records (TS 32.298) in BER, with or without the header of their file."""

from tallywire.mediation.decoders.gpp.decode import decode
from tallywire.mediation.decoders.gpp.options import GppOptions

__all__ = ["GppOptions", "decode"]
