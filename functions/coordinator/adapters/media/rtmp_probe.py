"""One spot check: a real RTMP connection to a node, and the packets it serves.

A hostile server attacks the parser, so the tool runs under limits, knows no secret, and its
output is counted. A return code of 0 is not success: packets are.
"""

from collections.abc import Callable

from coordinator.adapters.media.media_process import (
    ProcessLimits,
    Start,
    ToolEnd,
    by_line,
    run_tool,
)
from coordinator.adapters.media.packet_lines import PacketLines, ffprobe_argv
from coordinator.proof.captures import Capture, Ending, Reader
from coordinator.proof.packets import Packet
from coordinator.reasons import Reason
from rtmp.addresses import RtmpAddress

PACKETS_MAX = 20_000
BYTES_MAX = 128 * 1024 * 1024
PROBE_LIMITS = ProcessLimits(cpu_s=3, memory_bytes=1_500_000_000, files=24)
"""An honest capture takes 0.12 CPU seconds; an endless flood takes all it can get."""
HONEST_CPU_S = 0.5
"""Whoever makes it work for longer is no honest node, and has no part in what a busy machine
excuses."""
LIVE_S = 0.75
"""How long before its end a capture prints what it has, if the second track never came."""
ANALYSE_S_MIN = 0.5
"""What it takes to tell the codec of a track."""
START_SECONDS_MAX = 3.0
"""So long the tool may take to come to connect, which needs 0.07 CPU seconds: a machine on which
it takes longer is too busy to judge anybody."""
_CONNECTS = b"Starting connection attempt to "
_CONNECTED = b"Successfully connected to "
_ENDINGS: dict[Reason | None, Ending] = {
    Reason.UNREACHABLE: Ending.UNREACHABLE,
    Reason.UNKNOWN_INTERNAL: Ending.FAULT,
}


class RtmpProbe:
    """Captures what an address serves. `now` gives Unix seconds."""

    def __init__(self, *, now: Callable[[], float], limits: ProcessLimits = PROBE_LIMITS) -> None:
        self._now = now
        self._limits = limits

    async def capture(
        self, address: RtmpAddress, seconds: float, *, has_one_track: bool = False
    ) -> Capture:
        """Receive the stream for `seconds` of wall clock; raises ValueError for a host name.

        They count from the moment in which the tool begins to connect: until then the time is
        ours, and nothing that anybody serves can make it longer.

        The one connection looks like any viewer's: no connect of our own goes before it, which
        would give a check away. Whether the port answered is read from the tool's own log.

        `has_one_track`: see `analyse_s`.
        """
        if not address.is_literal:
            raise ValueError(f"resolve and check the host first: {address.host}")
        started_s, has_begun = self._now(), False
        wait_s = analyse_s(seconds, has_one_track=has_one_track)
        packets, lines = list[Packet](), PacketLines()
        room = BYTES_MAX

        def begin() -> None:
            nonlocal started_s, has_begun
            started_s, has_begun = self._now(), True

        def take(line: bytes) -> bool:
            nonlocal room
            packet = lines.packet(line, self._now())
            if packet is not None:
                packets.append(packet)
                room -= packet.size
            return room > 0 and len(packets) < PACKETS_MAX

        ended = await run_tool(
            ffprobe_argv(address, analyse_s=wait_s, silence_max_s=seconds),
            limits=self._limits,
            seconds_max=seconds,
            on_data=by_line(take),
            start=Start(_CONNECTS, START_SECONDS_MAX, begin),
        )
        failure = None if packets else failure_of(ended)
        if ended.is_overdue and not has_begun:
            failure = Reason.UNKNOWN_INTERNAL
        return Capture(
            started_s=started_s,
            ended_s=self._now() if failure is Reason.UNREACHABLE else started_s + seconds,
            packets=tuple(packets),
            failure=failure,
            cpu_s=ended.cpu_s,
            late_s=late_s(ended),
            bytes_received=BYTES_MAX - room,
            reader=Reader.FFPROBE,
            ending=_ENDINGS.get(failure, Ending.PLANNED),
        )


def analyse_s(seconds: float, *, has_one_track: bool) -> float:
    """How long the tool may wait for a second track; where there is one alone, in vain.

    It counts from the first packet, and some servers send none before a key frame: then it would
    print nothing in time."""
    return max(ANALYSE_S_MIN, 0.0 if has_one_track else seconds - LIVE_S)


def late_s(ended: ToolEnd) -> float:
    """How late the tool was by our own fault: whoever keeps it busy makes it wait as well."""
    return ended.waited_s if ended.cpu_s <= HONEST_CPU_S else 0.0


def failure_of(ended: ToolEnd) -> Reason:
    """Why there are no packets, by what the tool's log proves that it did.

    A tool that never came to connect (not installed, no memory, an overloaded machine) is our own
    fault. Nothing that a server sends can produce these lines or take them back: they are written
    before its first byte is read.
    """
    if _CONNECTS not in ended.stderr:
        return Reason.UNKNOWN_INTERNAL
    if _CONNECTED not in ended.stderr:
        return Reason.UNREACHABLE
    return Reason.NO_STREAM
