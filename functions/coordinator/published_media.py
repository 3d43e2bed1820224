"""What a publisher sends, and what of it viewers cannot play: said to the sponsor at publish.

Nothing is refused: the relay carries any codec unread. The table says who is left out, and what to
set in its place. Where it is from:

- Desktop players that read RTMP (VLC, mpv, ffplay) are as good as their FFmpeg. FFmpeg's Changelog
  has HEVC, AV1 and VP9 in FLV from 6.1 on. It has "Enhanced FLV v2" from 8.0 on: Opus, FLAC, AC-3.
- Browsers get the same packets in MP4 (Media Source Extensions, or HLS). All of them have H.264
  and AAC. `MediaSource.isTypeSupported` of Debian's Chromium says yes to AV1, VP9, Opus and FLAC in
  MP4. It says no to HEVC without such hardware, and to AC-3, MP3, VP8, VVC and G.711. Safari plays
  HEVC and AC-3, and AV1 in hardware only (caniuse.com). What Flash Player had for itself (PCM,
  ADPCM, Nellymoser, Speex, Sorenson, VP6, screen video) no browser takes from MP4.
"""

from dataclasses import dataclass, replace

KEY_INTERVAL_MS_MAX = 10_000
"""Encoders begin with 2 to 8.3 s. A viewer in a browser waits for a key frame after every gap."""
CODEC_CHARS_MAX = 16
"""Of a codec's name: a FourCC has four."""


@dataclass(frozen=True, slots=True)
class PublishedMedia:
    """The first track of each kind, as the ingest sees it. Empty: there is none, or not yet."""

    video: str = ""
    audio: str = ""
    key_interval_ms: int | None = None
    """Between key frames; None while fewer than two were seen."""
    since_s: float | None = None
    """From when on it has been like this; None where nothing was ever published."""


_PLAYED = frozenset(("H264", "AAC"))
_HARDLY_ANY = "no browser plays it, and not every other player"
_FOR_SOME = "not every browser plays it, and no other player that is older than FFmpeg {}"
_FOR_MANY = "browsers play it, but no other player that is older than FFmpeg {}"
_V1, _V2 = "6.1 (2023)", "8.0 (2025)"
_LEFT_OUT = {
    "MP3": "Chrome and its kin do not play it in a live stream",
    "HEVC": _FOR_SOME.format(_V1),
    "AV1": _FOR_SOME.format(_V1),
    "VP9": _FOR_MANY.format(_V1),
    "Opus": _FOR_SOME.format(_V2),
    "FLAC": _FOR_SOME.format(_V2),
    "AC-3": _FOR_SOME.format(_V2),
    "E-AC-3": _FOR_SOME.format(_V2),
    "VP8": _HARDLY_ANY,
    "VVC": _HARDLY_ANY,
    **dict.fromkeys(("pcm", "adpcm", "g711", "nellymoser", "speex"), _HARDLY_ANY),
    **dict.fromkeys(("flv1", "vp6f", "vp6a", "screen", "screen2"), _HARDLY_ANY),
}
"""By codec, as the ingest names it: who cannot play it."""
_CALLED = {
    "pcm": "PCM",
    "adpcm": "ADPCM",
    "g711": "G.711",
    "nellymoser": "Nellymoser",
    "speex": "Speex",
    "flv1": "Sorenson H.263",
    "vp6f": "VP6",
    "vp6a": "VP6 with alpha",
    "screen": "Screen video",
    "screen2": "Screen video 2",
    "H264": "H.264",
}


def codec_name(codec: str) -> str:
    """What people call it."""
    return _CALLED.get(codec, codec)


def warnings_about(media: PublishedMedia) -> list[str]:
    """Sentences for the sponsor: what viewers cannot play, and what to do; none if all is well."""
    found = [
        *_about("The picture", media.video, "H.264"),
        *_about("The sound", media.audio, "AAC"),
    ]
    between_ms = media.key_interval_ms
    if media.video and between_ms is not None and between_ms > KEY_INTERVAL_MS_MAX:
        found.append(
            f"Key frames are {between_ms / 1000:.1f} s apart: a viewer may wait that long for a "
            "picture. Set a keyframe interval of 2 s in your encoder."
        )
    return found


def news_of(before: PublishedMedia, now: PublishedMedia) -> PublishedMedia | None:
    """What is known after this report; None if pages would say the same.

    A key interval that varies within its bound is no news; that it is known at last is."""
    same_codecs = (before.video, before.audio) == (now.video, now.audio)
    if not same_codecs or _is_long(before) != _is_long(now):
        return now
    if before.key_interval_ms is None and now.key_interval_ms is not None:
        return replace(now, since_s=before.since_s)
    return None


def _about(what: str, codec: str, better: str) -> list[str]:
    if not codec or codec in _PLAYED:
        return []
    left_out = _LEFT_OUT.get(codec, "no player is known to play it")
    return [f"{what} is {codec_name(codec)}: {left_out}. Set {better} in your encoder."]


def _is_long(media: PublishedMedia) -> bool:
    return (media.key_interval_ms or 0) > KEY_INTERVAL_MS_MAX
