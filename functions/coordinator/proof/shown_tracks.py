"""What of the reference the reader of a capture can have shown, whoever serves it. Pure."""

from collections.abc import Sequence

from coordinator.proof.captures import Capture, Reader
from coordinator.proof.packets import MediaKind, Packet, Part
from coordinator.proof.tracks import TrackId, track_of


def shown_by(reader: Reader, packets: Sequence[Packet]) -> Sequence[Packet]:
    """Packets as the reader of a capture would have shown them."""
    if reader is Reader.OWN or not packets:
        return packets
    return [
        Packet(p.arrived_s, p.media, p.dts_ms, p.size, p.digest, p.is_key, p.connection)
        for p in packets
        if p.media is not MediaKind.DATA and p.part is Part.FRAMES and p.track == 0
    ]


def unshown_by(capture: Capture, window: Sequence[Packet]) -> frozenset[TrackId]:
    """The tracks of a window that began while ffprobe was reading: after its analysis it shows no
    new ones."""
    if capture.reader is Reader.OWN:
        return frozenset()
    before = {track_of(p) for p in window if p.arrived_s < capture.started_s}
    return frozenset(map(track_of, window)) - before
