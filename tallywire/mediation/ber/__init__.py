"""Reading BER by columns: many records at once, a level of elements at a time."""

from tallywire.mediation.ber.elements import Elements, Octets, Spans, children, framed, spans

__all__ = ["Elements", "Octets", "Spans", "children", "framed", "spans"]
