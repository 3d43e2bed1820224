"""What an ingest tells the coordinator of its streams' media, and when."""

from dataclasses import replace

import pytest

from agent.relay.engines.engine import Audio, Delivery, StreamReading, Video
from agent.relay.media_reports import STEADY_S, Description, MediaNews

H264_AAC = StreamReading(
    name="s1",
    is_published=True,
    viewers=0,
    bytes_in=1,
    bytes_out=1,
    video=Video("H264", 640, 360, 30.0),
    audio=Audio("AAC", 44_100, 2),
)
MP3 = replace(H264_AAC, audio=Audio("MP3", 44_100, 2))
SILENT = replace(H264_AAC, audio=None)
GONE = replace(H264_AAC, is_published=False)


class Ingest:
    """A clock, and a coordinator that hears everything."""

    def __init__(self) -> None:
        self.news, self.now_s = MediaNews(), 100.0

    def after(self, passed_s: float, *streams: StreamReading) -> list[tuple[str, Description]]:
        """What is told at a first look, and once these have been read so long."""
        told = []
        for wait_s in (0.0, passed_s):
            self.now_s += wait_s
            while found := self.news.next(streams, self.now_s):
                self.news.told(*found)
                told.append(found)
        return told


def intervals(between_ms: int) -> StreamReading:
    """The usual stream with such a key interval."""
    return replace(H264_AAC, delivery=Delivery(key_interval_ms=between_ms))


def test_a_stream_is_told_of_once_it_is_steady() -> None:
    """Its sound comes a moment after its picture."""
    ingest = Ingest()
    assert ingest.after(STEADY_S - 1, SILENT) == []
    assert ingest.after(STEADY_S - 1, H264_AAC) == []
    assert ingest.after(1, H264_AAC) == [("s1", Description("H264", "AAC", None))]
    assert ingest.after(60, H264_AAC) == []


def test_a_change_in_mid_stream_is_told() -> None:
    ingest = Ingest()
    ingest.after(STEADY_S, H264_AAC)
    assert ingest.after(STEADY_S, MP3) == [("s1", Description("H264", "MP3", None))]


def test_whoever_publishes_anew_is_told_of_anew() -> None:
    ingest = Ingest()
    ingest.after(STEADY_S, H264_AAC)
    assert ingest.after(STEADY_S, GONE) == []
    assert len(ingest.after(STEADY_S, H264_AAC)) == 1


def test_nothing_is_told_before_a_codec_is_known() -> None:
    assert Ingest().after(60, replace(H264_AAC, video=None, audio=None)) == []


def test_every_stream_is_told_of() -> None:
    told = Ingest().after(STEADY_S, H264_AAC, replace(MP3, name="s2"))
    assert [name for name, _ in told] == ["s1", "s2"]


def test_a_key_interval_is_told_by_steps() -> None:
    """An encoder puts key frames at cuts: that is no news."""
    ingest = Ingest()
    assert len(ingest.after(STEADY_S, intervals(2_000))) == 1
    assert ingest.after(STEADY_S, intervals(4_800)) == []
    ((_, told),) = ingest.after(STEADY_S, intervals(12_000))
    assert told.key_interval_ms == 12_000


def test_a_stream_without_key_frames_is_not_told_of_for_ever() -> None:
    ingest = Ingest()
    told = [one for s in range(60, 600) for one in ingest.after(1, intervals(s * 1_000))]
    assert len(told) == 1


@pytest.mark.parametrize(
    ("codec", "told"), [("av\n1\x00", "av1"), ("ünöp", "np"), ("x" * 99, "x" * 16), ("a b", "a b")]
)
def test_a_codec_s_name_is_a_strangers_and_is_cut_to_what_can_be_shown(
    codec: str, told: str
) -> None:
    stream = replace(H264_AAC, video=Video(codec, 0, 0, 0.0))
    assert Description.of(stream).video == told


def test_an_interval_fits_into_what_the_coordinator_takes() -> None:
    assert Description.of(intervals(2**40)).key_interval_ms == 2**31
    assert Description.of(intervals(-5)).key_interval_ms == 0
