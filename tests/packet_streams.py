"""Made-up streams of packets: what an ingest serves, and what a node makes of it."""

from collections.abc import Iterable
from dataclasses import replace

from coordinator.proof.captures import Capture
from coordinator.proof.packets import DTS_MODULUS_MS, MediaKind, Packet

T0 = 1_700_000_000.0
"""When the streams below begin."""


def live(
    seconds: float = 60,
    *,
    fps: float = 15,
    gop_s: float = 2,
    picture: bool = True,
    sound: bool = True,
    start_s: float = T0,
    dts_ms: int = 0,
    label: str = "live",
) -> list[Packet]:
    """A stream in which every payload is different, in order of arrival."""
    packets: list[tuple[float, MediaKind, int, str, bool]] = []
    for n in range(int(seconds * fps) if picture else 0):
        at, is_key = n / fps, n % round(gop_s * fps) == 0
        size = 7000 if is_key else 500 + n % 97
        packets.append((at, MediaKind.VIDEO, size, f"{label}-v{n}", is_key))
    for n in range(int(seconds * 43) if sound else 0):
        packets.append((n / 43, MediaKind.AUDIO, 170 + n % 13, f"{label}-a{n}", True))
    packets.sort(key=lambda p: p[0])
    return [
        Packet(start_s + at, kind, (dts_ms + round(at * 1000)) % DTS_MODULUS_MS, size, what, is_key)
        for at, kind, size, what, is_key in packets
    ]


def served(
    packets: Iterable[Packet],
    *,
    started_s: float = T0 + 41,
    seconds: float = 4,
    lag_s: float = 0.05,
    dts_shift_ms: int = 0,
    has_cache: bool = False,
) -> Capture:
    """What a node that relays `packets` with a lag serves to one connection.

    Pictures begin at a keyframe: at the next one, or with a cache at the newest, sent at once.
    """
    open_s, ended_s = started_s + 0.11, started_s + seconds
    arriving = [(p.arrived_s + lag_s, p) for p in packets if p.arrived_s + lag_s <= ended_s]
    past = [p for at_s, p in arriving if at_s < open_s]
    newest_key = max((i for i, p in enumerate(past) if p.is_key and p.is_video), default=len(past))
    cache = [(open_s, p) for p in past[newest_key:]] if has_cache else []
    taken: list[Packet] = []
    has_key = False
    for at_s, packet in [*cache, *((at_s, p) for at_s, p in arriving if open_s <= at_s)]:
        has_key = has_key or (packet.is_video and packet.is_key)
        if has_key or not packet.is_video:
            dts_ms = (packet.dts_ms + dts_shift_ms) % DTS_MODULUS_MS
            taken.append(replace(packet, arrived_s=at_s, dts_ms=dts_ms, is_key=False))
    return Capture(started_s, ended_s, tuple(taken), bytes_received=sum(p.size for p in taken))


def with_packets(capture: Capture, packets: Iterable[Packet]) -> Capture:
    """The same connection with other packets."""
    return replace(capture, packets=tuple(packets))
