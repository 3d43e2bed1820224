"""The second reader: ffmpeg in its limited child process, on bytes that were captured before.

It gets them from memory and knows no network. It says what every packet hashes to, and decodes one
key frame: what no player could play shows here, whatever the packets' hashes are.
"""

import re

from coordinator.adapters.media.media_process import ProcessLimits, run_tool
from coordinator.adapters.media.message_packets import DIGEST_CHARACTERS
from coordinator.checking.thumbnails import BYTES_MAX, HEIGHT, WIDTH, is_jpeg
from coordinator.proof.packets import MediaKind
from coordinator.proof.second_opinion import Payload, Reading
from rtmp.errors import RtmpError
from rtmp.flv import PayloadKind, payload_of
from rtmp.flv_file import flv_file
from rtmp.messages import Message, MessageKind

SECONDS_MAX = 8.0
AGAIN_SECONDS_MAX = 4.0
"""For what was read in vain beside others."""
ANALYSED_S, ANALYSED_BYTES = 160, 17_000_000
"""More than any footage has: a track may begin at its end, and is looked for until then."""
READ_CPU_S = 3
"""Twenty times what an honest footage takes."""
HONEST_CPU_S = 1.0
"""Whoever keeps it busy for longer has no part in what a busy machine excuses."""
READER_LIMITS = ProcessLimits(cpu_s=READ_CPU_S)
SAID_BYTES_MAX = 2_000_000
"""A line has 110 bytes: those of the longest footage are two thirds of that."""
_JPEG = re.compile(rb"\xff\xd8\xff.*?\xff\xd9", re.DOTALL)
_HEAD = re.compile(rb"^#(media_type|codec_id|dimensions) ([0-9]{1,2}): ([a-z0-9_]{1,40})$", re.M)
_PACKET = re.compile(
    rb"^([0-9]{1,2}), +-?[0-9]+, +-?[0-9]+, +-?[0-9]+, +([0-9]{1,9}), ([0-9a-f]{64})", re.M
)
TOOL = "ffmpeg", "-nostdin", "-hide_banner", "-loglevel", "error"
_KINDS = {b"video": MediaKind.VIDEO, b"audio": MediaKind.AUDIO}


async def reading_of(messages: list[Message], seconds_max: float = SECONDS_MAX) -> Reading:
    """What it finds; nothing where it cannot read. Raises OSError if it cannot be started.

    TimeoutError, which is one, if it was not given the time that it needs: that is our fault. What
    keeps it busy for longer than it may be is the fault of the bytes."""
    said, shown = bytearray(), shown_of(messages)

    def take(data: bytes) -> bool:
        said.extend(data)
        return len(said) <= SAID_BYTES_MAX

    ended = await run_tool(
        ffmpeg_argv(has_video=any(m.kind == MessageKind.VIDEO for m in shown)),
        limits=READER_LIMITS,
        seconds_max=seconds_max,
        on_data=take,
        given=flv_file(shown),
    )
    if ended.is_overdue and ended.cpu_s < HONEST_CPU_S:
        raise TimeoutError(f"it had {ended.cpu_s:.1f} CPU seconds of {seconds_max:.0f}")
    return parse_reading(bytes(said))


def shown_of(messages: list[Message]) -> list[Message]:
    """Without the tracks that have a header and nothing else.

    A camera that is off has one. Beside a picture without a size ffmpeg reads nothing at all."""
    played = {m.kind for m in messages if _is_frames(m)} | {MessageKind.DATA}
    return [m for m in messages if m.kind in played]


def _is_frames(message: Message) -> bool:
    try:
        payload = payload_of(message)
    except RtmpError:
        return True  # whatever it is, ffmpeg is to see it
    return payload is not None and payload.kind is PayloadKind.FRAMES


def ffmpeg_argv(*, has_video: bool) -> list[str]:
    """The command that writes a line for each packet and, if it may, one JPEG among them.

    By itself ffmpeg leaves out what comes before the first key frame."""
    return [
        *(*TOOL, *source_argv("pipe:0")),
        *("-map", "0:v?", "-map", "0:a?", "-c", "copy", "-copyinkf"),
        *("-f", "framehash", "-hash", "sha256", "pipe:1"),
        *(picture_argv(0, "pipe:1") if has_video else []),
    ]


def source_argv(url: str, *, queue: bool = False) -> list[str]:
    """One capture that is read, within its limits; `queue`: beside others."""
    return [
        *("-protocol_whitelist", "pipe", "-format_whitelist", "flv"),
        *("-codec_whitelist", "h264,aac", "-max_pixels", "8847360", "-threads", "1"),
        *("-analyzeduration", str(ANALYSED_S * 1_000_000), "-probesize", str(ANALYSED_BYTES)),
        *("-fpsprobesize", "0", *(("-thread_queue_size", "1024") if queue else ())),
        *("-skip_frame", "nokey", "-f", "flv", "-i", url),
    ]


def picture_argv(source: int, url: str) -> list[str]:
    """One key frame of a source as a JPEG."""
    fit = f"scale={WIDTH}:{HEIGHT}:force_original_aspect_ratio=decrease:flags=fast_bilinear"
    return [
        *("-map", f"{source}:v:0", "-frames:v", "1", "-vf", f"{fit},format=yuvj420p"),
        *("-c:v", "mjpeg", "-q:v", "7", "-threads", "1", "-map_metadata", "-1"),
        *("-f", "image2pipe", url),
    ]


def parse_reading(said: bytes) -> Reading:
    """Read what the tool wrote; whatever is no line of it is left out.

    Its two files come by one pipe, each piece whole: it writes one after the other."""
    found = _JPEG.search(said)
    picture = found.group() if found else None
    lines = said if found is None else said[: found.start()] + said[found.end() :]
    heads = {(name, number): value for name, number, value in _HEAD.findall(lines)}
    width, _, height = heads.get((b"dimensions", _first_picture(heads)), b"").partition(b"x")
    return Reading(
        codecs=tuple(v.decode() for (name, _), v in sorted(heads.items()) if name == b"codec_id"),
        width=int(width) if width.isdigit() else 0,
        height=int(height) if height.isdigit() else 0,
        packets=tuple(_packets(lines, heads)),
        picture=picture if picture and len(picture) <= BYTES_MAX and is_jpeg(picture) else None,
    )


def _first_picture(heads: dict[tuple[bytes, bytes], bytes]) -> bytes:
    streams = (n for (name, n), v in heads.items() if (name, v) == (b"media_type", b"video"))
    return next(streams, b"")


def _packets(lines: bytes, heads: dict[tuple[bytes, bytes], bytes]) -> list[Payload]:
    return [
        (kind, int(size), digest[:DIGEST_CHARACTERS].decode())
        for stream, size, digest in _PACKET.findall(lines)
        if (kind := _KINDS.get(heads.get((b"media_type", stream), b""))) is not None
    ]
