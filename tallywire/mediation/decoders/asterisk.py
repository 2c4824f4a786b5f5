"""What Asterisk's formats have in common."""

import polars as pl

_OWN = r"-[0-9A-Fa-f]+(?:;[12])?$"


def trunk_of(channel: pl.Expr) -> pl.Expr:
    """Give what a channel is one of: its name without the number of its own.

    >>> pl.select(trunk_of(pl.lit("PJSIP/carrier-0000a3f2"))).item()
    'PJSIP/carrier'
    >>> pl.select(trunk_of(pl.lit("Local/100@office-00000001;2"))).item()
    'Local/100@office'
    """
    return channel.str.replace(_OWN, "")
