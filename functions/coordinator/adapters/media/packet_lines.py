"""The packets of an RTMP stream as lines of ffprobe: the command, and a line's meaning.

Why ffprobe and not ffmpeg's framehash: the same demuxer and hashes, and it also tells keyframes,
keeps timestamps as they are, and prints a packet at once (a muxer waits for the other track).
"""

import re

from coordinator.adapters.media.message_packets import DIGEST_CHARACTERS
from coordinator.proof.packets import MediaKind, Packet
from rtmp.addresses import RtmpAddress

_LINE = re.compile(
    rb"(video|audio)\|(-?[0-9]{1,20})\|([0-9]{1,9})\|([K_][A-Z_]{1,3})\|SHA256:([0-9a-f]{64})"
)
_BEGUN = re.compile(
    rb"((?:video|audio)\|-?[0-9]{1,20}\|[0-9]{1,9}\|[K_][A-Z_]{1,3})\|[A-Za-z ]{1,64}"
)
CODECS = {"video": "avc1", "audio": "mp4a"}
"""What it is allowed to read, by FourCC: no stream of others is read with it."""


def packet_of(line: bytes, arrived_s: float, connection: int = 0) -> Packet | None:
    """Read one line, `video|530023|62176|K_|SHA256:9fc3…`; None for anything else."""
    found = _LINE.fullmatch(line)
    if found is None:
        return None
    kind, dts_ms, size, flags, digest = found.groups()
    return Packet(
        arrived_s=arrived_s,
        media=MediaKind(kind.decode()),
        dts_ms=int(dts_ms),
        size=int(size),
        digest=digest[:DIGEST_CHARACTERS].decode(),
        is_key=flags.startswith(b"K"),
        connection=connection,
    )


class PacketLines:
    """What ffprobe prints, line by line: a packet with a new codec header before it takes two."""

    def __init__(self) -> None:
        self._begun = b""

    def packet(self, line: bytes, arrived_s: float) -> Packet | None:
        """The packet that is whole with this line, or None."""
        whole = self._begun + line if line.startswith(b"|") else line
        begun = _BEGUN.fullmatch(line)
        self._begun = begun[1] if begun else b""
        return packet_of(whole, arrived_s)


def ffprobe_argv(address: RtmpAddress, *, analyse_s: float, silence_max_s: float) -> list[str]:
    """The command that prints a line per packet, for ever.

    `analyse_s`: how long ffprobe may wait for the second of picture and sound; it prints nothing
    before it has seen both or this time is over, so it must exceed the keyframe interval.
    `silence_max_s`: a connection that is silent for so long ends.
    """
    return [
        *("stdbuf", "-oL", "ffprobe", "-hide_banner", "-loglevel", "verbose"),
        *("-rw_timeout", str(round(silence_max_s * 1e6))),
        *("-protocol_whitelist", "rtmp,tcp", "-format_whitelist", "flv"),
        *("-codec_whitelist", "h264,aac", "-max_pixels", "8847360", "-threads", "1"),
        *("-analyzeduration", str(round(analyse_s * 1e6)), "-probesize", "5000000"),
        *("-fpsprobesize", "0", "-f", "flv"),
        *("-show_packets", "-show_data_hash", "sha256"),
        *("-show_entries", "packet=codec_type,dts,size,flags,data_hash", "-of", "compact=p=0:nk=1"),
        *("-i", address.url),
    ]
