"""Laws of the proof over all kinds of streams: honest relays never fail, cheats never pass."""

from collections.abc import Callable
from dataclasses import replace
from math import inf

from hypothesis import example, given, settings
from hypothesis import strategies as st

from coordinator.proof.captures import Capture
from coordinator.proof.judging import Proof, Verdict, capture_seconds, judge
from coordinator.proof.packets import DTS_MODULUS_MS, MediaKind, Packet, Part
from coordinator.proof.tracks import is_judged
from tests.generated_streams import ENDLESS, Pictures, Publisher, Relay, Sounds, until
from tests.packet_streams import T0

CHECKED_S = 130.0
"""When checks begin, about: the reference remembers two minutes by then."""
gops = st.sampled_from([0.5, 1.0, 2.0, 4.0, 8.0, 12.0, 20.0, 30.0, ENDLESS])
begins = st.one_of(st.just(0.0), st.floats(100, CHECKED_S - 1))
ends = st.one_of(st.just(inf), st.floats(CHECKED_S - 12, CHECKED_S + 12))
pictures = st.builds(
    Pictures,
    fps=st.sampled_from([0.5, 2.0, 15.0, 30.0]),
    gop_s=gops,
    codec=st.sampled_from(["avc1", "hvc1", "av01"]),
    begins_s=begins,
    ends_s=ends,
    is_still=st.booleans(),
)
sounds = st.builds(
    Sounds,
    a_second=st.sampled_from([38.3, 43.0, 50.0]),
    codec=st.sampled_from(["mp4a", ".mp3", "Opus"]),
    begins_s=begins,
    ends_s=ends,
    is_silent=st.booleans(),
)
track_sets = st.one_of(
    st.tuples(pictures, sounds),
    st.tuples(pictures),
    st.tuples(sounds),
    st.tuples(pictures, sounds, sounds),
    st.tuples(sounds, sounds),
).filter(lambda tracks: any(track.begins_s == 0 and track.ends_s == inf for track in tracks))
publishers = st.builds(
    Publisher,
    tracks=track_sets,
    dts_ms=st.sampled_from([0, 2**31 - 131_000, DTS_MODULUS_MS - 131_000, 7]),
)
relays = st.builds(
    Relay,
    lag_s=st.floats(0, 3),
    cache_s=st.sampled_from([0.0, 20.0]),
    merge_s=st.sampled_from([0.0, 0.045, 0.35]),
    jitter_s=st.sampled_from([0.0, 0.1]),
    dts_shift_ms=st.integers(0, DTS_MODULUS_MS - 1),
    seed=st.integers(0, 2**16),
    stalls=st.sampled_from([(), ((1.7, 0.8),)]),
)
starts = st.floats(T0 + CHECKED_S, T0 + CHECKED_S + 9)


def judged(stream: list[Packet], capture: Capture) -> Proof:
    """As the prober does: by what the reference has a second after the end."""
    return judge(until(stream, capture.ended_s + 1), capture)


def seconds_for(stream: list[Packet], started_s: float, at_least_s: float) -> float:
    """How long the prober would make the check."""
    return max(at_least_s, capture_seconds(until(stream, started_s), started_s))


only_key_at_101 = Publisher((Pictures(fps=2.0, gop_s=ENDLESS, begins_s=101.0), Sounds()))
"""29 s before a viewer comes: a server that has none to hand out still waits for the next."""


@settings(max_examples=100, deadline=None)
@given(publishers, relays, starts, st.sampled_from([0.0, 10.0, 14.0]))
@example(only_key_at_101, Relay(lag_s=0.0, cache_s=0.0), T0 + CHECKED_S, 0.0)
@example(only_key_at_101, Relay(lag_s=2.9, cache_s=0.0), T0 + CHECKED_S + 3, 0.0)
def test_an_honest_relay_never_fails(
    publisher: Publisher, relay: Relay, started_s: float, at_least_s: float
) -> None:
    """Whatever is published, and however it is relayed: it passes, at any length.

    Only how long a camera's first wait for a key frame will be, nobody can know before its end.
    Where a track is switched off meanwhile, the check may have planned with it.
    """
    stream = publisher.stream()
    capture = relay.serves(stream, started_s, seconds_for(stream, started_s, at_least_s))
    proof = judged(stream, capture)
    is_new = any(
        isinstance(track, Pictures) and T0 + track.begins_s > started_s - track.gop_s - 2
        for track in publisher.tracks
        if track.begins_s
    )
    is_over = any(track.ends_s < inf for track in publisher.tracks)
    if is_new or is_over:
        assert proof.verdict in (Verdict.PASS, Verdict.UNKNOWN), proof
    else:
        assert proof.verdict is Verdict.PASS, proof


def looped(stream: list[Packet], relay: Relay, started_s: float, seconds: float) -> Capture:
    """A recording of 30 s of the beginning, begun anew for ever; its timestamps go on."""
    recording = [p for p in stream if p.arrived_s < T0 + 30]
    return relay.serves(
        [
            replace(
                p,
                arrived_s=p.arrived_s + 30 * n,
                dts_ms=(p.dts_ms + 30_000 * n) % DTS_MODULUS_MS,
            )
            for n in range(6)
            for p in recording
        ],
        started_s,
        seconds,
    )


def delayed(stream: list[Packet], relay: Relay, started_s: float, seconds: float) -> Capture:
    """The stream, from a buffer of seven seconds."""
    return replace(relay, lag_s=7).serves(stream, started_s, seconds)


def another(stream: list[Packet], relay: Relay, started_s: float, seconds: float) -> Capture:
    """As much of something else."""
    return relay.serves(
        [replace(p, digest=f"other-{p.digest}") for p in stream], started_s, seconds
    )


def thinned(stream: list[Packet], relay: Relay, started_s: float, seconds: float) -> Capture:
    """Every twelfth packet of each track is left out, but for what a picture begins with."""
    counts: dict[tuple[MediaKind, int], int] = {}
    kept = []
    for packet in stream:
        track = packet.media, packet.track
        counts[track] = counts.get(track, 0) + 1
        is_media = packet.media is not MediaKind.DATA and packet.part is Part.FRAMES
        if not is_media or packet.is_key or counts[track] % 12:
            kept.append(packet)
    return relay.serves(kept, started_s, seconds)


def muted(stream: list[Packet], relay: Relay, started_s: float, seconds: float) -> Capture:
    """Silence in place of each sound."""
    return relay.serves(
        [
            replace(p, digest="silence", size=9)
            if p.media is MediaKind.AUDIO and p.part is Part.FRAMES
            else p
            for p in stream
        ],
        started_s,
        seconds,
    )


def blind(stream: list[Packet], relay: Relay, started_s: float, seconds: float) -> Capture:
    """Sound, marks and what describes the pictures, but no picture."""
    return relay.serves(
        [p for p in stream if not p.is_video or p.part is not Part.FRAMES], started_s, seconds
    )


def empty(stream: list[Packet], relay: Relay, started_s: float, seconds: float) -> Capture:
    """Headers and marks alone: a line to the ingest, and nothing to see or hear."""
    return relay.serves([p for p in stream if p.part is not Part.FRAMES], started_s, seconds)


def touched(stream: list[Packet], relay: Relay, started_s: float, seconds: float) -> Capture:
    """One byte of one packet is another."""
    capture = relay.serves(stream, started_s, seconds)
    packets = list(capture.packets)
    places = [n for n, p in enumerate(packets) if is_judged(p) and p.media is not MediaKind.DATA]
    at = next((n for n in places[len(places) // 2 :] if packets[n].size >= 64), None)
    if at is not None:
        packets[at] = replace(packets[at], digest="touched")
    return replace(capture, packets=tuple(packets) if at is not None else ())


def undecodable(stream: list[Packet], relay: Relay, started_s: float, seconds: float) -> Capture:
    """One byte of the codec header is another, and all that follows is right."""
    return relay.serves(
        [replace(p, digest="touched") if p.part is Part.HEADER else p for p in stream],
        started_s,
        seconds,
    )


def within(capture: Capture, begin_s: float, end_s: float) -> list[tuple[str, int]]:
    """What came, but for that at the edges."""
    since_s, until_s = capture.started_s + begin_s, capture.ended_s - end_s
    return [(p.digest, p.track) for p in capture.packets if since_s <= p.arrived_s <= until_s]


CHEATS = (looped, delayed, another, thinned, muted, blind, empty, touched, undecodable)
old_tracks = st.builds(
    Publisher,
    tracks=track_sets.map(
        lambda tracks: tuple(replace(track, begins_s=0.0, ends_s=inf) for track in tracks)
    ),
    dts_ms=st.sampled_from([0, 2**31 - 131_000, DTS_MODULUS_MS - 131_000]),
)


slides = Publisher((Pictures(fps=0.5, gop_s=0.5), Sounds(43.0)))
"""A short check of who is three seconds behind may end before any of them is due."""
LONG_S = 14.0
silent_beside_pictures = Publisher((Pictures(fps=30.0), Sounds(38.3, is_silent=True)))
"""Sound that proves nothing, beside pictures of which a check needs so little that it ends soon."""


@settings(max_examples=120, deadline=None)
@given(old_tracks, relays, starts, st.sampled_from(CHEATS))
@example(silent_beside_pictures, Relay(0.0, 0.0, 0.0), T0 + CHECKED_S, muted)
@example(slides, Relay(2.875, 0.0, 0.0, 0.1), T0 + CHECKED_S + 1.75, blind)
def test_a_cheat_never_passes(
    publisher: Publisher,
    relay: Relay,
    started_s: float,
    cheat: Callable[[list[Packet], Relay, float, float], Capture],
) -> None:
    """Whatever is published: it fails, and cannot make itself inconclusive.

    Only who leaves out slides may have to be checked for longer (ADR 62 makes that dear)."""
    stream = publisher.stream()
    has_slides = any(isinstance(track, Pictures) and track.fps <= 1 for track in publisher.tracks)
    at_least_s = LONG_S if has_slides and cheat is blind else 0.0
    seconds = seconds_for(stream, started_s, at_least_s)
    honest = relay.serves(stream, started_s, seconds)
    capture = cheat(stream, relay, started_s, seconds)
    edges_s = (1.25, 1.75) if cheat is thinned else (0.0, 0.0)  # there a packet may be missing
    if within(capture, *edges_s) == within(honest, *edges_s):
        return  # this stream has nothing that this cheat would change
    proof = judged(stream, capture)
    assert proof.verdict is Verdict.FAIL, (proof, cheat.__name__)
