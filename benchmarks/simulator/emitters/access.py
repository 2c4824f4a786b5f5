"""The access network: RADIUS accounting as detail files, cumulative counters.

The last element is old: it sends no Gigawords, and its counters begin anew after 32 bits.
"""

from benchmarks.simulator.clock import SECOND, utc
from benchmarks.simulator.emitters.emitter import Emitter, digits_of
from benchmarks.simulator.records import Entry, Usage

WRAP = 1 << 32


class Access(Emitter):
    """Start, interim updates and stop of each session."""

    def pieces(self, usage: Usage) -> list[Entry]:
        return [
            Entry(usage, at_us, usage.node, at_us, place)
            for place, (at_us, _, _) in enumerate(usage.steps)
            if place not in usage.dropped
        ]

    def text(self, entry: Entry) -> str:
        usage = entry.usage
        at_us, place = entry.at_us, entry.place
        nas = f"nas{entry.node + 1}"
        if not usage.entries:
            session = digits_of("session", nas, entry.number, length=16)
            usage.keys |= {"nas": nas, "session": session}
        usage.entries += 1
        status = (
            "Start" if place == 0 else "Stop" if place == len(usage.steps) - 1 else "Interim-Update"
        )
        lines = [
            "Packet-Type = Accounting-Request", f'User-Name = "{usage.served}"',
            f"NAS-IP-Address = 10.20.0.{entry.node + 1}", f'NAS-Identifier = "{nas}"',
            f'Acct-Session-Id = "{usage.keys["session"]}"', f"Acct-Status-Type = {status}",
            f'Calling-Station-Id = "{usage.subscriber.msisdn}"', 'Called-Station-Id = "internet"',
        ]  # fmt: skip
        if place:
            lines += self._counters(usage, place, old=usage.kind == "no_gigawords")
        shown = at_us + usage.skew_us
        lines.append(f'Event-Timestamp = "{utc(shown):%b %d %Y %H:%M:%S} UTC"')
        lines.append(f"Timestamp = {shown // SECOND}")
        head = f"{utc(shown):%a %b} {utc(shown).day:2d} {utc(shown):%H:%M:%S %Y}"
        return head + "\n" + "".join(f"\t{line}\n" for line in lines) + "\n"

    def _counters(self, usage: Usage, place: int, *, old: bool) -> list[str]:
        at_us, up, down = usage.steps[place]
        shown = [
            f"Acct-Session-Time = {(at_us - usage.start_us) // SECOND}",
            f"Acct-Input-Octets = {up % WRAP}", f"Acct-Output-Octets = {down % WRAP}",
        ]  # fmt: skip
        if not old:
            shown += [
                f"Acct-Input-Gigawords = {up // WRAP}",
                f"Acct-Output-Gigawords = {down // WRAP}",
            ]
        if place == len(usage.steps) - 1:
            shown.append("Acct-Terminate-Cause = User-Request")
        return shown

    def name(self, node: int, number: int) -> str:
        return f"detail-nas{node + 1}-{number:06d}"
