"""What publishers send: encoded once by ffmpeg, kept as FLV files, and played live later.

Pictures are tiny, and carry noise: an encoder that gets the same frames makes the same bytes.
"""

import hashlib
import subprocess
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import av

from bench.report import BUILD, NotMeasurableError

FOLDER = BUILD / "recordings"
SECONDS = 120
"""Longer than a check remembers, for almost all checks: nothing of it comes twice in one."""
ENDLESS_S = 1_800
"""As long as a run lasts: a recording that begins anew begins with a key frame."""
ENCODER_SECONDS_MAX = 300.0
RATE = 10
SMALL, LARGE = "160x90", "256x144"
VOICE = "anoisesrc=color=pink:amplitude=0.1:sample_rate={rate}:seed=7"
SILENCE = "anullsrc=sample_rate={rate}:channel_layout=mono"
AAC = ("-c:a", "aac", "-b:a", "24k", "-ac", "1")
MP3 = ("-c:a", "libmp3lame", "-b:a", "32k", "-ac", "1")
OPUS = ("-c:a", "libopus", "-b:a", "24k", "-ac", "1", "-frame_duration", "40")
_BITS = ("-b:v", "120k", "-maxrate", "120k", "-bufsize", "120k")


@dataclass(frozen=True, slots=True)
class Recipe:
    """What ffmpeg is told."""

    sources: tuple[str, ...]
    """Filters that bring a picture or a sound each."""
    encoders: tuple[str, ...]
    seconds: int = SECONDS

    @property
    def argv(self) -> tuple[str, ...]:
        """The command, but for the file that it writes."""
        inputs = [part for source in self.sources for part in ("-f", "lavfi", "-i", source)]
        maps = [part for n in range(len(self.sources)) for part in ("-map", str(n))]
        return (
            *("ffmpeg", "-nostdin", "-hide_banner", "-loglevel", "error", "-y"),
            *(*inputs, *maps, *self.encoders, "-t", str(self.seconds)),
        )

    @property
    def digest(self) -> str:
        """Another recipe makes another file."""
        return hashlib.sha256("\0".join(self.argv).encode()).hexdigest()[:12]


def moving(size: str = SMALL, rate: float = RATE, seed: int = 5) -> str:
    """A test picture with noise."""
    return f"testsrc2=size={size}:rate={rate},noise=alls=6:allf=t:all_seed={seed}"


def still(colour: str) -> str:
    """The same picture all the time."""
    return f"color={colour}:size={SMALL}:rate={RATE}"


def sound(source: str = VOICE, rate: int = 16_000) -> str:
    """By name, at a rate: few packets a second are enough."""
    return source.format(rate=rate)


def h264(gop: int, *more: str) -> tuple[str, ...]:
    """A key frame each `gop` frames, and no other one."""
    return (
        *("-c:v", "libx264", "-preset", "ultrafast", "-tune", "zerolatency", "-threads", "1"),
        *("-pix_fmt", "yuv420p", "-g", str(gop), "-keyint_min", str(gop), "-sc_threshold", "0"),
        *(*_BITS, *more),
    )


def other(codec: str, *more: str) -> tuple[str, ...]:
    """A codec of enhanced RTMP, with a key frame each two seconds."""
    return ("-c:v", codec, "-pix_fmt", "yuv420p", "-g", str(2 * RATE), "-b:v", "120k", *more)


_HEVC = ("-preset", "ultrafast", "-tune", "zerolatency")
_X265 = "keyint={gop}:min-keyint={gop}:scenecut=0:log-level=error:pools=1"
_AV1 = other("libsvtav1", "-preset", "12", "-svtav1-params", "lookahead=0")
_VP9 = other("libvpx-vp9", "-deadline", "realtime", "-cpu-used", "8")
_TUNE_B = ("-tune", "film", "-bf", "2")
RECIPES: Mapping[str, Recipe] = {
    "plain": Recipe((moving(), sound()), (*h264(2 * RATE), *AAC)),
    "large": Recipe((moving(LARGE), sound()), (*h264(2 * RATE), *AAC)),
    "no-sound": Recipe((moving(),), h264(2 * RATE)),
    "sound-only": Recipe((sound(),), AAC),
    "mp3-radio": Recipe((sound(rate=44_100),), MP3),
    "gop-12": Recipe((moving(), sound()), (*h264(12 * RATE), *AAC)),
    "gop-20": Recipe((moving(), sound()), (*h264(20 * RATE), *AAC)),
    "gop-30": Recipe((moving(), sound()), (*h264(30 * RATE), *AAC)),
    "gop-12-silent": Recipe((moving(),), h264(12 * RATE)),
    "gop-endless": Recipe(
        (moving(), sound()),
        (*h264(ENDLESS_S * RATE, "-x264-params", "keyint=infinite"), *AAC),
        ENDLESS_S,
    ),
    "mp3": Recipe((moving(), sound(rate=44_100)), (*h264(2 * RATE), *MP3)),
    "opus": Recipe((moving(), sound(rate=48_000)), (*h264(2 * RATE), *OPUS)),
    "hevc": Recipe(
        (moving(), sound()),
        (*other("libx265", *_HEVC, "-x265-params", _X265.format(gop=2 * RATE)), *AAC),
    ),
    "hevc-gop-12": Recipe(
        (moving(), sound(rate=48_000)),
        (*other("libx265", *_HEVC, "-x265-params", _X265.format(gop=12 * RATE)), *OPUS),
    ),
    "av1": Recipe((moving(), sound(rate=48_000)), (*_AV1, *OPUS)),
    "vp9": Recipe((moving(), sound(rate=48_000)), (*_VP9, *OPUS)),
    "b-frames": Recipe((moving(), sound()), (*h264(2 * RATE, *_TUNE_B), *AAC)),
    "sixty": Recipe((moving(rate=60), sound(rate=48_000)), (*h264(120), *AAC)),
    "slides": Recipe((moving(LARGE, 0.5), sound()), (*h264(1), *AAC)),
    "slides-silent": Recipe((moving(LARGE, 0.5),), h264(1)),
    "still": Recipe((still("gray"), sound(SILENCE)), (*h264(2 * RATE), *AAC)),
    "still-alone": Recipe((still("navy"),), h264(2 * RATE)),
    "still-gop-20": Recipe((still("black"), sound(SILENCE)), (*h264(20 * RATE), *AAC)),
    "silence": Recipe((sound(SILENCE),), AAC),
    "two-sounds": Recipe(
        (moving(), sound(), "sine=frequency=440:sample_rate=16000"), (*h264(2 * RATE), *AAC)
    ),
}
"""By name."""


def made(name: str, folder: Path = FOLDER) -> Path:
    """The recording, encoded if that was not done before. Raises NotMeasurableError."""
    recipe = RECIPES[name]
    path = folder / f"{name}-{recipe.digest}.flv"
    if not path.exists():
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=folder) as draft:
            encoded, muxed = Path(draft) / "encoded.mkv", Path(draft) / "muxed.flv"
            _encode((*recipe.argv, str(encoded)), name)
            _as_flv(encoded, muxed)
            muxed.rename(path)
    return path


def _encode(argv: tuple[str, ...], name: str) -> None:
    try:
        subprocess.run(argv, check=True, timeout=ENCODER_SECONDS_MAX, capture_output=True)
    except (OSError, subprocess.SubprocessError) as error:
        said = getattr(error, "stderr", b"") or b""
        raise NotMeasurableError(f"ffmpeg does not encode {name}: {error} {said!r}") from error


def _as_flv(encoded: Path, muxed: Path) -> None:
    """PyAV brings a newer FFmpeg than the machine's: its FLV knows codecs by FourCC, and tracks."""
    with av.open(str(encoded)) as source, av.open(str(muxed), "w", format="flv") as out:
        streams = {
            stream.index: out.add_stream_from_template(stream, opaque=True)
            for stream in source.streams
        }
        for packet in source.demux():
            if packet.dts is not None:  # the end is a packet too
                packet.stream = streams[packet.stream.index]
                out.mux(packet)
