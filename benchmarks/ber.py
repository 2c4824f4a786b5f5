"""What reading BER costs: records made by encoding, read by ours and, beside it, by pycrate.

`measure` is called with a name of FILES; each figure is of one core, by its own time.
"""

import time
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from tallywire.mediation.ber import Octets, framed
from tallywire.mediation.ber.reader import read
from tallywire.mediation.decoded import Frames
from tallywire.mediation.decoders import DECODERS
from tallywire.mediation.decoders.gpp import circuit, packet
from tallywire.mediation.decoders.tap import events
from tallywire.mediation.decoders.tap.head import head_of
from tallywire.mediation.framing import frame
from tests.ber import cdrs, taps
from tests.ber.decoded import feed_of

FILES: Mapping[str, tuple[str, Callable[[int], bytes]]] = {
    "pgw": ("3gpp_cdr", lambda count: cdrs.many_pgw(count, containers=1)),
    "pgw, two containers": ("3gpp_cdr", cdrs.many_pgw),
    "mo call": ("3gpp_cdr", lambda count: b"".join(cdrs.call("mo", n, 60) for n in range(count))),
    "tap call": ("tap", taps.many_calls),
    "tap data": ("tap", taps.many_sessions),
}
"""Format and file of so many records, by name."""


def _seconds(work: Callable[[], object], rounds: int = 3) -> float:
    best = float("inf")
    for _ in range(rounds):
        begun = time.process_time()
        work()
        best = min(best, time.process_time() - begun)
    return best


def _fields(form: str, frames: Frames, first: int) -> None:
    """Read the fields of records that are all alike, and no more."""
    octets = Octets(frames.data)
    tag, value, _ = framed(octets, frames.starts[first:], frames.lengths[first:])
    reader = read(octets, value)
    if form == "tap":
        events.READ[int(tag[0])](reader, head_of(frames.prologue))
    elif int(tag[0]) == 0xBF4F:
        packet.packet(octets, reader)
    else:
        circuit.call(reader, circuit.MO_CALL)


def _grammar(form: str, piece: bytes) -> Any:  # noqa: ANN401  pycrate has no types
    """Give pycrate's type of a record."""
    if form == "tap":
        from pycrate_asn1dir import TAP3  # noqa: PLC0415  seconds of import

        return TAP3.TAP_0312.CallEventDetail
    from pycrate_asn1dir import CDR  # noqa: PLC0415  seconds of import

    packets = piece[:1] == b"\xbf"
    return CDR.GPRSChargingDataTypes.GPRSRecord if packets else CDR.CSChargingDataTypes.CSRecord


def measure(name: str, count: int = 20_000, *, oracle: int = 0) -> dict[str, int]:
    """Measure records per second: cut, fields read, decoded to rows; and by pycrate, of so many."""
    form, made = FILES[name]
    data, feed = made(count), feed_of(form)
    framing = DECODERS[form].framing(feed)
    head = data[: framing.prologue(data, at_end=True) or 0]

    def cut() -> Frames:
        return frame(data, framing, at_end=True, prologue=head)[0]

    frames = cut()
    first = int(np.searchsorted(frames.starts, len(head)))
    found = {
        "octets": len(data) // count,
        "cut": int(count / _seconds(cut)),
        "fields": int(count / _seconds(lambda: _fields(form, frames, first))),
        "rows": int(count / _seconds(lambda: DECODERS[form].decode(frames, feed))),
    }
    if oracle:
        pieces = frames.slices()[first : first + oracle]
        grammar = _grammar(form, pieces[0])

        def others() -> None:
            for piece in pieces:
                grammar.from_ber(piece)
                grammar.get_val()

        found["pycrate"] = int(len(pieces) / _seconds(others, 1))
    return found


if __name__ == "__main__":
    for one in FILES:
        print(one, measure(one, oracle=500))
