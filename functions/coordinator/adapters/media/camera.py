"""One small picture of a stream: a connection of its own, one keyframe decoded, one JPEG."""

from coordinator.adapters.media.media_process import ProcessLimits, run_tool
from coordinator.checking.thumbnails import BYTES_MAX, HEIGHT, WIDTH, is_jpeg
from rtmp.addresses import RtmpAddress

SECONDS_MAX = 12.0
"""A keyframe may be ten seconds away."""
CAMERA_LIMITS = ProcessLimits(cpu_s=3)


async def picture_of(address: RtmpAddress, seconds_max: float = SECONDS_MAX) -> bytes | None:
    """A JPEG of at most 320 x 180 pixels and 64 KiB; None if none came in time.

    `address` is the ingest's, or one that was resolved and checked. Raises OSError if the tool
    cannot be started."""
    data = bytearray()

    def take(part: bytes) -> bool:
        data.extend(part)
        return len(data) <= BYTES_MAX

    await run_tool(
        ffmpeg_argv(address, seconds_max),
        limits=CAMERA_LIMITS,
        seconds_max=seconds_max,
        on_data=take,
    )
    jpeg = bytes(data)
    return jpeg if is_jpeg(jpeg) else None


def ffmpeg_argv(address: RtmpAddress, silence_max_s: float) -> list[str]:
    """The command that writes one JPEG to stdout; the same restrictions as a check's."""
    fit = f"scale={WIDTH}:{HEIGHT}:force_original_aspect_ratio=decrease:flags=fast_bilinear"
    return [
        *("ffmpeg", "-nostdin", "-hide_banner", "-loglevel", "error"),
        *("-rw_timeout", str(round(silence_max_s * 1e6))),
        *("-protocol_whitelist", "rtmp,tcp,pipe", "-format_whitelist", "flv"),
        *("-codec_whitelist", "h264,aac", "-max_pixels", "8847360", "-threads", "1"),
        *("-analyzeduration", "500000", "-probesize", "5000000", "-fpsprobesize", "0"),
        *("-skip_frame", "nokey", "-f", "flv", "-i", address.url),
        *("-an", "-sn", "-dn", "-frames:v", "1", "-vf", f"{fit},format=yuvj420p"),
        *("-c:v", "mjpeg", "-q:v", "7", "-threads", "1", "-map_metadata", "-1"),
        *("-f", "image2pipe", "pipe:1"),
    ]
