"""Who publishes a stream and who plays it, around an agent."""

import json
import subprocess
from typing import Any

from tests.e2e.coordinator_stand_in import STREAM_ID, STREAM_KEY
from tests.e2e.watched import HOST, Watched

PLAY_S_MAX = 60


def publisher(
    rtmp_port: int, key: str = STREAM_KEY, stream_id: str = STREAM_ID, size: str = "640x360"
) -> Watched:
    """ffmpeg publishing a test picture with noise and a tone, in real time, until stopped."""
    return Watched(
        [
            *("ffmpeg", "-nostdin", "-hide_banner", "-loglevel", "error", "-re"),
            *("-f", "lavfi", "-i", f"testsrc2=size={size}:rate=15"),
            *("-f", "lavfi", "-i", "sine=frequency=440:sample_rate=44100"),
            *("-vf", "noise=alls=6:allf=t", "-c:v", "libx264", "-preset", "ultrafast", "-g", "30"),
            *("-pix_fmt", "yuv420p", "-threads", "1", "-b:v", "400k", "-c:a", "aac", "-f", "flv"),
            f"rtmp://{HOST}:{rtmp_port}/live/{stream_id}?key={key}",
        ]
    )


def player(rtmp_port: int) -> Watched:
    """ffmpeg playing a stream into nowhere until stopped."""
    url = f"rtmp://{HOST}:{rtmp_port}/live/{STREAM_ID}"
    return Watched(
        ["ffmpeg", "-nostdin", "-v", "error", "-i", url, *("-c", "copy", "-f", "null", "-")]
    )


def probe(rtmp_port: int, seconds: int = 4) -> dict[str, Any]:
    """What ffprobe finds in the stream, after really reading some seconds of it.

    A picture may begin only with the next keyframe, which is up to 2 s away.
    """
    done = subprocess.run(
        [
            *(
                "ffprobe",
                "-v",
                "error",
                "-of",
                "json",
                "-read_intervals",
                f"%+{seconds}",
                "-count_packets",
            ),
            *("-show_entries", "stream=codec_name,width,height,nb_read_packets"),
            f"rtmp://{HOST}:{rtmp_port}/live/{STREAM_ID}",
        ],
        capture_output=True,
        timeout=PLAY_S_MAX,
        check=False,
    )
    assert done.returncode == 0, done.stderr.decode()
    found: dict[str, Any] = json.loads(done.stdout)
    # An ingest's marks are to ffprobe a stream of data without a codec.
    return {stream["codec_name"]: stream for stream in found["streams"] if "codec_name" in stream}
