"""What an ingest tells the coordinator of a real publisher's codecs and key frames."""

from pathlib import Path

from tests.e2e.agents import ingest_in
from tests.e2e.coordinator_stand_in import STREAM_ID, STREAM_KEY
from tests.e2e.watched import HOST, Watched, running

GOP_S, RATE = 12, 15


def publisher(port: int) -> Watched:
    """MP3, and a key frame each twelve seconds of a stream that runs eight times as fast."""
    to = f"rtmp://{HOST}:{port}/live/{STREAM_ID}?key={STREAM_KEY}"
    source = ("-f", "lavfi", "-i", f"testsrc2=s=320x180:r={RATE}", "-f", "lavfi", "-i", "sine")
    keys = ("-g", str(GOP_S * RATE), "-keyint_min", str(GOP_S * RATE), "-sc_threshold", "0")
    picture = ("-c:v", "libx264", "-preset", "ultrafast", "-pix_fmt", "yuv420p", *keys)
    sound = ("-c:a", "libmp3lame", "-ar", "44100")
    fast = ("ffmpeg", "-nostdin", "-v", "error", "-readrate", "8")
    return Watched(
        [*fast, *source[:4], "-readrate", "8", *source[4:], *picture, *sound, "-f", "flv", to]
    )


def test_it_says_what_is_published_and_logs_what_viewers_cannot_play(tmp_path: Path) -> None:
    with ingest_in(tmp_path) as (coordinator, ingest):
        coordinator.warnings = ["The sound is MP3."]
        wanted = {
            "stream_id": STREAM_ID,
            "video": "H264",
            "audio": "MP3",
            "key_interval_ms": GOP_S * 1000,
        }
        with running(publisher(ingest.rtmp_port)) as ffmpeg:
            ingest.wait_until(
                f"a description; ffmpeg says {ffmpeg.output}",
                lambda: wanted in coordinator.described(),
            )
        (warned, *_) = ingest.wait_until("a warning", lambda: ingest.events("media_warning"))
        assert (warned["stream_id"], warned["says"]) == (STREAM_ID, "The sound is MP3.")
