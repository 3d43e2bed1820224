"""Some seconds of a picture and a tone, as ffmpeg makes them."""

import subprocess

from bench.checks_source import messages_of
from rtmp.messages import Message

SIZE = 320, 180


def short_show(seconds: float = 2) -> list[Message]:
    """Every tag of it: 15 pictures a second, a key frame every two seconds."""
    width, height = SIZE
    picture = f"testsrc2=s={width}x{height}:r=15"
    argv = [
        *("ffmpeg", "-nostdin", "-v", "error", "-f", "lavfi", "-i", picture),
        *("-f", "lavfi", "-i", "sine", "-c:v", "libx264", "-preset", "ultrafast", "-g", "30"),
        *("-threads", "1", "-pix_fmt", "yuv420p", "-c:a", "aac", "-t", str(seconds)),
        *("-f", "flv", "pipe:1"),
    ]
    return list(messages_of(subprocess.run(argv, check=True, capture_output=True).stdout))
