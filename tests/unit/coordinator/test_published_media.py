"""What a publisher sends, and what of it viewers cannot play."""

import pytest

from coordinator.published_media import (
    KEY_INTERVAL_MS_MAX,
    PublishedMedia,
    codec_name,
    news_of,
    warnings_about,
)


@pytest.mark.parametrize(
    "media",
    [
        PublishedMedia(),
        PublishedMedia("H264", "AAC", 2_000),
        PublishedMedia("H264", ""),
        PublishedMedia("", "AAC"),
        PublishedMedia("H264", "AAC", KEY_INTERVAL_MS_MAX),
        PublishedMedia("H264", "AAC", None),
    ],
    ids=["nothing", "usual", "picture alone", "sound alone", "ten seconds", "no interval yet"],
)
def test_what_everybody_can_play_is_warned_of_by_nothing(media: PublishedMedia) -> None:
    assert warnings_about(media) == []


NOBODY_S = "no browser plays it, and not every other player"
FFMPEG_6, FFMPEG_8 = "FFmpeg 6.1 (2023)", "FFmpeg 8.0 (2025)"


@pytest.mark.parametrize(
    ("codec", "name", "says"),
    [
        ("MP3", "MP3", "Chrome and its kin do not play it"),
        ("Opus", "Opus", FFMPEG_8),
        ("FLAC", "FLAC", FFMPEG_8),
        ("AC-3", "AC-3", FFMPEG_8),
        ("E-AC-3", "E-AC-3", FFMPEG_8),
        ("pcm", "PCM", NOBODY_S),
        ("adpcm", "ADPCM", NOBODY_S),
        ("g711", "G.711", NOBODY_S),
        ("nellymoser", "Nellymoser", NOBODY_S),
        ("speex", "Speex", NOBODY_S),
        ("mhm1", "mhm1", "no player is known to play it"),
    ],
)
def test_each_sound_that_leaves_somebody_out_is_named(codec: str, name: str, says: str) -> None:
    (warning,) = warnings_about(PublishedMedia("H264", codec, 2_000))
    assert warning.startswith(f"The sound is {name}: ")
    assert says in warning
    assert warning.endswith(" Set AAC in your encoder.")


@pytest.mark.parametrize(
    ("codec", "name", "says"),
    [
        ("HEVC", "HEVC", FFMPEG_6),
        ("AV1", "AV1", FFMPEG_6),
        ("VP9", "VP9", "browsers play it"),
        ("VP8", "VP8", NOBODY_S),
        ("VVC", "VVC", NOBODY_S),
        ("flv1", "Sorenson H.263", NOBODY_S),
        ("vp6f", "VP6", NOBODY_S),
        ("vp6a", "VP6 with alpha", NOBODY_S),
        ("screen", "Screen video", NOBODY_S),
        ("screen2", "Screen video 2", NOBODY_S),
        ("dvh1", "dvh1", "no player is known to play it"),
    ],
)
def test_each_picture_that_leaves_somebody_out_is_named(codec: str, name: str, says: str) -> None:
    (warning,) = warnings_about(PublishedMedia(codec, "AAC", 2_000))
    assert warning.startswith(f"The picture is {name}: ")
    assert says in warning
    assert warning.endswith(" Set H.264 in your encoder.")


def test_key_frames_that_are_far_apart_are_named_with_their_interval() -> None:
    (warning,) = warnings_about(PublishedMedia("H264", "AAC", KEY_INTERVAL_MS_MAX + 1_900))
    assert warning.startswith("Key frames are 11.9 s apart: ")
    assert "Set a keyframe interval of 2 s" in warning


def test_sound_alone_has_no_key_frames() -> None:
    assert warnings_about(PublishedMedia("", "AAC", 60_000)) == []


def test_everything_that_is_wrong_is_said() -> None:
    assert len(warnings_about(PublishedMedia("flv1", "MP3", 12_000))) == 3


def test_people_know_codecs_by_other_names() -> None:
    assert [codec_name(each) for each in ("H264", "AAC", "speex", "mhm1")] == [
        *("H.264", "AAC", "Speex", "mhm1")
    ]


BEFORE = PublishedMedia("H264", "AAC", 2_000, 100.0)


@pytest.mark.parametrize(
    "now",
    [
        PublishedMedia("H264", "AAC", 12_000, 200.0),
        PublishedMedia("H264", "MP3", 2_000, 200.0),
        PublishedMedia("HEVC", "AAC", 2_000, 200.0),
        PublishedMedia("H264", "", 2_000, 200.0),
    ],
)
def test_another_codec_or_a_long_interval_is_news(now: PublishedMedia) -> None:
    assert news_of(BEFORE, now) == now


@pytest.mark.parametrize("between_ms", [2_000, 4_000, None])
def test_a_change_that_no_page_shows_is_no_news(between_ms: int | None) -> None:
    """`since` says from when on it has been like this: later reports do not move it."""
    assert news_of(BEFORE, PublishedMedia("H264", "AAC", between_ms, 200.0)) is None


def test_an_interval_that_is_known_at_last_moves_nothing_else() -> None:
    before = PublishedMedia("H264", "AAC", None, 100.0)
    assert news_of(before, PublishedMedia("H264", "AAC", 2_000, 200.0)) == BEFORE
