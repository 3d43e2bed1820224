"""The publisher: ffmpeg sending a live test picture with a clock, noise and a tone to the ingest.

Noise and clock matter: encoders are deterministic, and a picture that repeats byte for byte could
not be told from a recording of itself.
"""

import os
import subprocess
from pathlib import Path

FRAME_RATE = 15
SIZE = "640x360"
KEYFRAME_SECONDS = 2
VIDEO_KBIT = 600
_FONTS = ("DejaVuSansMono.ttf", "LiberationMono-Regular.ttf", "NotoSansMono-Regular.ttf")
_FONT_FOLDERS = (Path("/usr/share/fonts"), Path("/usr/local/share/fonts"))
_FFMPEG_SECONDS_MAX = 20


def font() -> Path | None:
    """A font file that ffmpeg can draw the clock with; None if there is none."""
    found = {path.name: path for folder in _FONT_FOLDERS for path in folder.rglob("*.ttf")}
    named = (found[name] for name in _FONTS if name in found)
    return next(named, next(iter(sorted(found.values())), None))


def can_draw_text() -> bool:
    """Whether this ffmpeg was built with the filter for it."""
    filters = subprocess.run(
        ("ffmpeg", "-hide_banner", "-filters"),
        capture_output=True,
        text=True,
        timeout=_FFMPEG_SECONDS_MAX,
        check=True,
    )
    return " drawtext " in filters.stdout


def keep_secret(publish_url: str, folder: Path) -> tuple[str, Path]:
    """The address without its key, and a file of ffmpeg options that has it.

    Everybody on a machine may read the command lines of all programs. Raises OSError."""
    address, _, query = publish_url.partition("?")
    options = folder / "publisher.ffpreset"
    descriptor = os.open(options, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w") as file:
        file.write(f"rtmp_playpath={address.rpartition('/')[2]}?{query}\n")
    return address, options


def argv(
    publish_url: str, seed: int, clock_font: Path | None, options: Path | None = None
) -> tuple[str, ...]:
    """ffmpeg's command line. Without a font the picture still shows testsrc2's own timer."""
    picture = f"noise=all_seed={seed}:alls=6:allf=t"
    if clock_font is not None:
        picture += (
            f",drawtext=fontfile={clock_font}:text='%{{gmtime}} UTC':fontsize=28:fontcolor=white"
            ":box=1:boxcolor=black@0.6:boxborderw=8:x=(w-text_w)/2:y=h-60"
        )
    sound = (
        "sine=frequency=220:beep_factor=4:sample_rate=44100[tone];"
        f"anoisesrc=color=pink:amplitude=0.02:sample_rate=44100:seed={seed}[hiss];"
        "[tone][hiss]amix=inputs=2:duration=shortest"
    )
    gop = str(FRAME_RATE * KEYFRAME_SECONDS)
    return (
        *("ffmpeg", "-nostdin", "-hide_banner", "-loglevel", "warning", "-nostats"),
        *("-re", "-f", "lavfi", "-i", f"testsrc2=size={SIZE}:rate={FRAME_RATE}"),
        *("-re", "-f", "lavfi", "-i", sound),
        *("-vf", picture, "-map", "0:v", "-map", "1:a"),
        *("-c:v", "libx264", "-preset", "ultrafast", "-tune", "zerolatency", "-threads", "1"),
        *("-pix_fmt", "yuv420p", "-g", gop, "-keyint_min", gop, "-sc_threshold", "0"),
        *("-b:v", f"{VIDEO_KBIT}k", "-maxrate", f"{VIDEO_KBIT}k", "-bufsize", f"{VIDEO_KBIT}k"),
        *("-c:a", "aac", "-b:a", "64k", "-ac", "1"),
        *(("-fpre", str(options)) if options else ()),
        *("-f", "flv", "-flvflags", "no_duration_filesize", publish_url),
    )
