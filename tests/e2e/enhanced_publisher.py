"""`python -m tests.e2e.enhanced_publisher URL VIDEO AUDIO`: codecs of enhanced RTMP, in real time.

PyAV brings a newer FFmpeg than the machine's: its FLV names codecs by FourCC. A test picture and a
tone, until it is stopped or the relay ends it.
"""

import sys
import time

import av
from av.audio.stream import AudioStream
from av.container import InputContainer
from av.video.stream import VideoStream

RATE = 15
_PICTURE = f"testsrc2=size=320x180:rate={RATE}"
_SOUND = "sine=frequency=440:sample_rate=48000"
_OPTIONS = {
    "libx265": {"preset": "ultrafast", "tune": "zerolatency", "x265-params": "keyint=15"},
    "libsvtav1": {"preset": "12", "g": "15", "svtav1-params": "pred-struct=1:lookahead=0"},
    "libvpx-vp9": {"deadline": "realtime", "cpu-used": "8", "g": "15"},
}
"""A key frame each second."""


def publish(url: str, video: str, audio: str) -> None:
    """Encode and send until the connection ends."""
    picture, tone = (av.open(source, format="lavfi") for source in (_PICTURE, _SOUND))
    assert isinstance(picture, InputContainer)
    assert isinstance(tone, InputContainer)
    with picture, tone, av.open(url, "w", format="flv") as out:
        shown = out.add_stream(video, rate=RATE, options=_OPTIONS[video])
        heard = out.add_stream(audio, rate=48_000)
        assert isinstance(shown, VideoStream)
        assert isinstance(heard, AudioStream)
        shown.width, shown.height, shown.pix_fmt = 320, 180, "yuv420p"
        heard.layout = "stereo"
        began_s, sounds = time.monotonic(), tone.decode(audio=0)
        resampler = av.AudioResampler(format=heard.format, layout="stereo", rate=48_000)
        sounded_s = 0.0
        for number, frame in enumerate(picture.decode(video=0)):
            out.mux(shown.encode(frame))
            while sounded_s < number / RATE:
                sound = next(sounds)
                sounded_s += sound.samples / 48_000
                for piece in resampler.resample(sound):
                    out.mux(heard.encode(piece))
            time.sleep(max(0.0, began_s + number / RATE - time.monotonic()))


if __name__ == "__main__":
    publish(*sys.argv[1:4])
