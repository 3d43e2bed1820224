"""What a reference remembers of a stream: its last packets, each dated as it was live. No I/O."""

from bisect import bisect_left, bisect_right
from dataclasses import replace

from coordinator.adapters.media.play_connection import Room
from coordinator.proof.packets import MediaKind, Packet, Part, dts_difference_ms
from coordinator.proof.remembered import ARRIVAL, Remembered

MEMORY_S = 160.0
"""The longest check, and what was served before it."""
PACKETS_MAX = 60_000
"""160 s of 375 packets a second; the oldest go first."""
SETTLE_S = 0.25
SILENCE_S = 2.0


class ReferenceWindow:
    """Packets in, in order of arrival; any stretch of the last minutes out."""

    def __init__(self) -> None:
        self._packets: list[Packet] = []
        self._before: list[int] = []
        """How many bytes came before each of them."""
        self._size = 0
        self._headers: dict[tuple[MediaKind, int], list[Packet]] = {}
        """Of each track: the newest, and those that it replaced while they are remembered."""
        self._burst: list[Packet] = []
        self.read_s = 0.0
        """When the last packet was read."""
        self._live_s = 0.0
        self.resumed_s = 0.0
        """When the last silence ended; the first packet ends the one before it."""

    def packets(self, since_s: float, until_s: float) -> list[Packet]:
        """The packets that arrived in [since_s, until_s], in order of arrival.

        Before them the codec headers in force then: whoever comes is given these first."""
        headers = [p for of in self._headers.values() for p in _in_force(of, since_s)]
        return [*headers, *self._packets[self._place(since_s) : self._end(until_s)]]

    def remembered(self, since_s: float, recent_s: float, until_s: float) -> Remembered:
        """The same, for a capture that is held against what arrived from `recent_s` on."""
        headers = [
            packet
            for told in self._headers.values()
            for packet in _in_force(told, since_s)
            + [p for p in told if since_s <= p.arrived_s <= until_s]
        ]

        def older() -> list[Packet]:
            return self._packets[self._place(since_s) : self._place(recent_s)]

        recent = self._packets[self._place(recent_s) : self._end(until_s)]
        return Remembered(recent, headers, older)

    def served(self, since_s: float) -> Room:
        """How much has arrived since then; nothing older counts, as headers do in `packets`."""
        low = self._place(since_s)
        before = self._before[low] if low < len(self._before) else self._size
        unsettled = sum(packet.size for packet in self._burst)
        count = len(self._packets) - low + len(self._burst)
        return Room(self._size - before + unsettled, count)

    def has_seen(self, since_s: float) -> bool:
        """Whether it has listened for so long already, as far as that shows."""
        return bool(self._packets) and self._packets[0].arrived_s <= since_s

    def is_live(self, now_s: float) -> bool:
        """True if a picture or a sound came within the last two seconds."""
        return self._live_s > now_s - SILENCE_S

    @property
    def settles_s(self) -> float:
        """When what came after a silence can be dated, and is remembered; 0 if nothing waits."""
        return self._burst[0].arrived_s + SETTLE_S if self._burst else 0.0

    def take(self, packet: Packet) -> None:
        """One more; what comes after a silence may be older than it looks."""
        if self._burst or packet.arrived_s - self.read_s > SILENCE_S:
            self._burst.append(packet)
            if packet.arrived_s - self._burst[0].arrived_s > SETTLE_S:
                self.settle()
        else:
            self._keep(packet)
        self.read_s = packet.arrived_s

    def settle(self) -> None:
        """Date the packets of a burst back to when they were live, by their timestamps.

        A connection begins with a burst (the server's cache), and so does life after this process
        was frozen. Dated as read, they would make a delay look short.
        """
        burst, self._burst = self._burst, []
        for packet in back_dated(burst):
            self._keep(packet)

    def _place(self, since_s: float) -> int:
        return bisect_left(self._packets, since_s, key=ARRIVAL)

    def _end(self, until_s: float) -> int:
        return bisect_right(self._packets, until_s, key=ARRIVAL)

    def _keep(self, packet: Packet) -> None:
        kept = self._packets
        if kept and kept[-1].arrived_s > packet.arrived_s:
            packet = replace(packet, arrived_s=kept[-1].arrived_s)  # keep the order of arrival
        kept.append(packet)
        self._before.append(self._size)
        self._size += packet.size
        if packet.part is Part.HEADER:
            told = self._headers.setdefault((packet.media, packet.track), [])
            told.append(packet)
            while len(told) > 1 and told[1].arrived_s < kept[0].arrived_s:
                del told[0]
        if packet.part is Part.FRAMES:
            if packet.arrived_s - self._live_s > SILENCE_S:
                self.resumed_s = packet.arrived_s
            self._live_s = packet.arrived_s
        if len(kept) > PACKETS_MAX or kept[0].arrived_s < packet.arrived_s - 1.25 * MEMORY_S:
            over = max(self._place(packet.arrived_s - MEMORY_S), len(kept) // 8)
            del kept[:over], self._before[:over]


def _in_force(headers: list[Packet], at_s: float) -> list[Packet]:
    """The last one before that, if there is one."""
    return [p for p in headers if p.arrived_s < at_s][-1:]


def back_dated(burst: list[Packet]) -> list[Packet]:
    """Packets of one burst, each arriving as long before the last as its timestamp says.

    Headers and script data are dated anew for whoever comes, so their timestamps say nothing."""
    frames = [packet for packet in burst if packet.part is Part.FRAMES]
    if not frames:
        return burst
    newest = max(frames, key=lambda p: dts_difference_ms(p.dts_ms, frames[0].dts_ms))
    last_s = burst[-1].arrived_s

    def dated(packet: Packet) -> Packet:
        if packet.part is not Part.FRAMES:
            return packet
        live_s = last_s - dts_difference_ms(newest.dts_ms, packet.dts_ms) / 1000
        return replace(packet, arrived_s=min(packet.arrived_s, live_s))

    return sorted(map(dated, burst), key=lambda p: p.arrived_s)
