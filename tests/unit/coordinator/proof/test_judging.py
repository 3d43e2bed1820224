"""Every reason a check can end with, each from the smallest stream that shows it."""

from collections.abc import Callable
from dataclasses import replace

import pytest

from coordinator.checking.suspicion import PROVEN_WRONG
from coordinator.proof.captures import Capture, Reader
from coordinator.proof.judging import (
    Proof,
    ProofParameters,
    Verdict,
    capture_seconds,
    judge,
)
from coordinator.proof.packets import DTS_MODULUS_MS, MediaKind, Packet, Part, dts_difference_ms
from coordinator.proof.stream_pace import pace_of
from coordinator.proof.tracks import MARK
from coordinator.reasons import Reason
from rtmp.marks import MARK_NAME
from tests.generated_streams import ENDLESS, Pictures, Publisher, Relay, Sounds, until
from tests.packet_streams import T0, live, served, with_packets

REFERENCE = live()
HONEST = served(REFERENCE)


def reason_of(capture: Capture, reference: list[Packet] = REFERENCE) -> Reason:
    """The reason, after making sure that it fits its verdict."""
    proof = judge(reference, capture)
    passed = proof.reason is Reason.PASSED
    assert (proof.verdict is Verdict.PASS) == passed
    assert (proof.verdict is Verdict.UNKNOWN) == proof.reason.is_ours
    return proof.reason


def test_a_live_relay_passes_with_its_numbers() -> None:
    """All that was due came, at one offset, a lag of 50 ms, with at least one keyframe."""
    proof = judge(REFERENCE, HONEST)
    assert proof.verdict is Verdict.PASS
    assert (proof.byte_ratio, proof.packet_ratio, proof.foreign_ratio) == (1, 1, 0)
    assert proof.matched == proof.eligible >= 10
    assert proof.keyframes >= 1
    assert proof.offset_span_ms == 0
    assert proof.delay_s == pytest.approx(0.05)
    assert proof.lag_s is not None
    assert proof.lag_s < 0.2
    assert proof.received == len(HONEST.packets)


@pytest.mark.parametrize(
    ("stream", "seconds"),
    [
        (live(gop_s=10), 13.0),
        (live(sound=False), 4.0),
        (live(picture=False), 3.0),
        (live(fps=2, gop_s=1), 8.0),
        (live(dts_ms=DTS_MODULUS_MS - 43_000), 4.0),
    ],
    ids=["keyframes 10 s apart", "no sound", "no picture", "2 frames a second", "timestamps wrap"],
)
def test_every_kind_of_stream_can_be_proven(stream: list[Packet], seconds: float) -> None:
    """With and without a cache on the node, and never longer than `capture_seconds` asks."""
    for has_cache in (False, True):
        assert reason_of(served(stream, seconds=seconds, has_cache=has_cache), stream) == "passed"
    assert capture_seconds(stream, T0 + 41) <= seconds + 0.3


def test_a_packet_proves_something_from_the_smallest_size_on() -> None:
    """What is smaller may be the same in any stream."""
    smallest = ProofParameters().size_min
    fits = [replace(p, size=smallest) for p in REFERENCE]
    assert reason_of(served(fits), fits) == "passed"
    too_small = [replace(p, size=smallest - 1) for p in REFERENCE]
    assert reason_of(served(too_small), too_small).is_ours


def test_timestamps_of_pictures_shown_out_of_order_do_not_matter() -> None:
    """B-frames reorder presentation only; packets are compared by decoding time."""
    shifted = served(REFERENCE, dts_shift_ms=-987_654_321)
    assert reason_of(shifted) == "passed"


def test_a_picture_that_stands_still_is_proven_by_its_sound() -> None:
    """Black frames hash alike, so they prove nothing: neither for a node nor against it."""
    still = [replace(p, digest="black", size=900) if p.is_video else p for p in REFERENCE]
    capture = served(still)
    assert reason_of(capture, still) == "passed"
    mute = [p for p in capture.packets if p.is_video]
    assert reason_of(with_packets(capture, mute), still) == "too_slow"


def test_a_picture_that_stands_still_without_sound_proves_nothing() -> None:
    """The reference is too poor, and that is nobody's fault. But who serves nothing fails."""
    still = [replace(p, digest="black", size=900) for p in live(sound=False)]
    assert reason_of(served(still), still) == "unknown:reference"
    assert reason_of(with_packets(HONEST, []), still) == "no_stream"


def test_a_closed_port_is_unreachable_at_once() -> None:
    """No minimum length of a capture applies to a connection that never was."""
    closed = Capture(T0 + 41, T0 + 41.01, failure=Reason.UNREACHABLE)
    assert reason_of(closed) == "unreachable"
    assert reason_of(closed, live(30)) == "unknown:ingest_down"


def test_a_fault_of_the_prober_is_nobodys_loss() -> None:
    """What was not measured is recorded as such."""
    assert reason_of(Capture(T0, T0, failure=Reason.UNKNOWN_CAPACITY)) == "unknown:capacity"


def test_no_packets_are_no_stream() -> None:
    """The reason of the probe is kept where it has one."""
    assert reason_of(with_packets(HONEST, [])) == "no_stream"
    assert reason_of(replace(HONEST, packets=(), failure=Reason.NO_STREAM)) == "no_stream"


def test_a_node_that_stops_has_stalled() -> None:
    """A few live packets and then nothing: hanging up early does not make the check shorter."""
    assert reason_of(with_packets(HONEST, HONEST.packets[:40])) == "stalled"


def test_a_node_that_brings_half_is_too_slow() -> None:
    """Every second packet, or every second byte of time: both are less than the stream."""
    assert reason_of(with_packets(HONEST, HONEST.packets[::2])) == "too_slow"
    throttled = [
        replace(p, arrived_s=T0 + 51 + 2 * (p.arrived_s - T0 - 51))
        for p in REFERENCE
        if p.arrived_s >= T0 + 51
    ]
    slow = served(throttled, started_s=T0 + 50.5, seconds=8, lag_s=0)
    assert reason_of(slow, live(80)) == "too_slow"


def test_a_short_pass_with_a_growing_delay_is_doubtful_and_a_long_capture_decides() -> None:
    """0.9 of the rate is in time at first, and falls behind for ever."""
    stream = live(80)

    def too_slow(started_s: float, seconds: float) -> Capture:
        later = [p for p in stream if p.arrived_s >= started_s]
        slow = [replace(p, arrived_s=p.arrived_s + (p.arrived_s - started_s) / 9) for p in later]
        return served(slow, started_s=started_s - 0.5, seconds=seconds, lag_s=0)

    short = judge(stream, too_slow(T0 + 51, 4))
    assert short.verdict is Verdict.PASS
    assert short.is_doubtful()
    for seconds in (10, 14, 28):
        assert judge(stream, too_slow(T0 + 51, seconds)).reason is Reason.FALLING_BEHIND
    assert not judge(REFERENCE, HONEST).is_doubtful()
    assert not judge(REFERENCE, with_packets(HONEST, [])).is_doubtful()


def test_a_pass_whose_end_is_missing_is_doubtful() -> None:
    """A stall of the last moment, or a server that stops after some kB."""
    cut = [p for p in HONEST.packets if p.arrived_s < HONEST.ended_s - 1.2]
    proof = judge(REFERENCE, with_packets(HONEST, cut))
    assert proof.verdict is Verdict.PASS
    assert proof.is_doubtful()


def test_sound_alone_is_too_slow_where_there_is_a_picture() -> None:
    """And so is a picture without its sound."""
    for kind in (True, False):
        part = [p for p in HONEST.packets if p.is_video is kind]
        assert reason_of(with_packets(HONEST, part)) == "too_slow"


def test_keyframes_alone_do_not_pass_however_many_bytes_they_are() -> None:
    """In a calm picture keyframes are nearly all bytes, so packets are counted as well."""
    calm = [replace(p, size=100_000) if p.is_key and p.is_video else p for p in live(gop_s=0.4)]
    capture = served(calm)
    keys = {p.digest for p in calm if p.is_key}
    only_keys = with_packets(capture, [p for p in capture.packets if p.digest in keys])
    assert reason_of(capture, calm) == "passed"
    assert reason_of(only_keys, calm) == "too_slow"


@pytest.mark.parametrize(
    ("lag_s", "reason"),
    [
        (4.3, "passed"),
        (5, "lagging"),
        (7, "lagging"),
        (13, "lagging"),
        (29, "replayed"),
        (90, "wrong_content"),
    ],
)
def test_a_delay_is_named_by_how_far_it_goes(lag_s: float, reason: str) -> None:
    """Late, a recording, or older than the reference remembers."""
    stream = live(160)
    recent = [p for p in stream if p.arrived_s > T0 + 150 - 80]
    assert reason_of(served(stream, lag_s=lag_s, started_s=T0 + 150), recent) == reason


def test_a_loop_is_replayed() -> None:
    """A recording of 20 s, begun anew for ever, with timestamps that go on."""
    stream = live(120)
    recording = [p for p in stream if p.arrived_s < T0 + 20]
    loop = [
        replace(p, arrived_s=p.arrived_s + 20 * n, dts_ms=p.dts_ms + 20_000 * n)
        for n in range(6)
        for p in recording
    ]
    assert reason_of(served(loop, started_s=T0 + 101), stream) == "replayed"


def test_other_content_is_wrong_content() -> None:
    """So is the same picture encoded again: other bytes are other content."""
    assert reason_of(served(live(label="other"))) == "wrong_content"


def test_a_live_stream_thinned_with_other_content_is_wrong_content() -> None:
    """All of the live stream and a third as much of something else, under one connection."""
    extra = served(live(label="other", fps=5)).packets
    assert reason_of(with_packets(HONEST, [*HONEST.packets, *extra])) == "wrong_content"


def test_a_few_stray_packets_accuse_nobody() -> None:
    """Content is called wrong on evidence: not for three packets of an ended stream."""
    stray = served(live(label="other")).packets[:3]
    assert reason_of(with_packets(HONEST, stray)) == "altered"
    large = [replace(p, size=10**6) for p in stray]
    assert reason_of(with_packets(HONEST, [*HONEST.packets, *large])) == "altered"


def test_live_packets_at_wrong_timestamps_do_not_count() -> None:
    """One offset for all, or a player could not play it."""
    torn = [replace(p, dts_ms=p.dts_ms + 997 * n) for n, p in enumerate(HONEST.packets)]
    assert judge(REFERENCE, with_packets(HONEST, torn)).verdict is Verdict.FAIL


def test_a_late_stream_made_up_with_live_packets_does_not_pass() -> None:
    """A few new packets shorten the lag, and make everything between them due as well."""
    late = served(REFERENCE, lag_s=7).packets
    assert judge(REFERENCE, with_packets(HONEST, [*late, *HONEST.packets[-30:]])).verdict == "fail"


def test_content_is_not_judged_before_the_reference_has_seen_the_window() -> None:
    """A node's cache may be older than our first packet: what it lacks is missing, not foreign."""
    young = [p for p in REFERENCE if p.arrived_s > T0 + 30]
    assert reason_of(served(live(label="other")), young) == "too_slow"
    assert reason_of(HONEST, young) == "passed"
    assert reason_of(with_packets(HONEST, []), young) == "no_stream"


def test_a_gap_of_the_reference_excuses_and_never_accuses() -> None:
    """Packets that we missed are not held against a node; what matches still counts for it."""
    holes = [p for p in REFERENCE if not T0 + 40 < p.arrived_s < T0 + 43]
    assert reason_of(HONEST, holes) == "unknown:reference"
    assert reason_of(with_packets(HONEST, []), holes) == "unknown:reference"


def test_a_new_connection_of_the_reference_is_a_gap() -> None:
    """Even a short one: some packets are missing that a node did serve."""
    second = [replace(p, connection=2) if p.arrived_s > T0 + 43 else p for p in REFERENCE]
    assert reason_of(with_packets(HONEST, []), second) == "unknown:reference"
    assert reason_of(HONEST, second) == "passed"


def test_an_ingest_that_ends_during_a_capture_is_down() -> None:
    """The node had nothing to serve."""
    ended = live(41)
    assert reason_of(served(ended), ended) == "unknown:ingest_down"
    assert reason_of(HONEST, []) == "unknown:ingest_down"


def test_a_stream_restarted_in_the_middle_passes_or_excuses() -> None:
    """The publisher came back with timestamps from 0; node and ingest number them differently."""
    first = live(43.01)
    second = live(30, start_s=T0 + 43.1, label="again")
    whole = [*first, *second]
    relayed = served([*first, *(replace(p, dts_ms=p.dts_ms + 43_100) for p in second)])
    assert reason_of(relayed, whole) == "passed"
    assert reason_of(with_packets(relayed, relayed.packets[:30]), whole) == "unknown:reference"


def test_a_capture_shorter_than_the_keyframe_interval_accuses_nobody() -> None:
    """It was our own choice, and `capture_seconds` makes a better one."""
    slow_keys = live(gop_s=10)
    short = served(slow_keys, started_s=T0 + 41, seconds=4)
    assert reason_of(short, slow_keys) == "unknown:reference"
    assert 10 < capture_seconds(slow_keys, T0 + 41) <= ProofParameters().capture_max_s
    assert capture_seconds([], T0) == ProofParameters().capture_min_s


def test_a_stall_of_a_second_at_the_end_is_forgiven() -> None:
    """Whatever an honest connection still had in flight when the time was over."""
    cut = [p for p in HONEST.packets if p.arrived_s < HONEST.ended_s - 1]
    assert reason_of(with_packets(HONEST, cut)) == "passed"


HALF_MS = DTS_MODULUS_MS // 2


@pytest.mark.parametrize(
    ("later", "earlier", "difference"),
    [
        (7, 5, 2),
        (5, 7, -2),
        (3, DTS_MODULUS_MS - 2, 5),
        (DTS_MODULUS_MS - 2, 3, -5),
        (-2, 3, -5),
        (HALF_MS - 1, 0, HALF_MS - 1),
        (HALF_MS, 0, -HALF_MS),
    ],
)
def test_timestamps_are_compared_on_a_circle(later: int, earlier: int, difference: int) -> None:
    """32 bits of milliseconds wrap after 49.7 days."""
    assert dts_difference_ms(later, earlier) == difference


@pytest.mark.parametrize(
    ("lag_s", "delay_s", "doubtful"), [(4.3, 4.1, False), (0.2, 0.1, False), (4.3, 0.1, True)]
)
def test_a_pass_is_doubtful_for_what_is_missing_and_not_for_its_delay(
    lag_s: float, delay_s: float, doubtful: bool
) -> None:
    """The newest packet lies back by the delay of all; only beyond that the end is missing."""
    proof = Proof(Verdict.PASS, Reason.PASSED, lag_s=lag_s, delay_s=delay_s)
    assert proof.is_doubtful(ProofParameters(tail_max_s=1.1)) is doubtful


def without(capture: Capture, dropped: Callable[[Packet], bool]) -> Capture:
    """The same connection, some packets of which never came."""
    return with_packets(capture, [p for p in capture.packets if not dropped(p)])


def test_timestamps_that_do_not_fit_have_a_reason_of_their_own() -> None:
    """The packets are the ingest's; a player could not play them."""
    torn = [replace(p, dts_ms=p.dts_ms + 997 * n) for n, p in enumerate(HONEST.packets)]
    assert reason_of(with_packets(HONEST, torn)) == "timestamps"


def test_two_of_a_hundred_pictures_may_be_missing_and_not_four() -> None:
    """Honest relays bring all; a key frame is never forgiven."""
    pictures = [p for p in HONEST.packets if p.is_video and not is_key(p)]
    for left_out, reason in ((1, "passed"), (2, "too_slow")):
        few = {p.digest for p in pictures[10 : 10 + left_out]}
        kept = [p for p in served(REFERENCE, seconds=6).packets if p.digest not in few]
        assert reason_of(with_packets(served(REFERENCE, seconds=6), kept)) == reason
    keys = {p.digest for p in HONEST.packets if p.is_video and is_key(p)}
    assert reason_of(without(HONEST, lambda p: p.digest in keys)) == "too_slow"


def is_key(packet: Packet) -> bool:
    """Captures do not say it."""
    return packet.size == 7000


def test_one_changed_packet_is_seen_and_accuses_nobody() -> None:
    """TCP loses and changes nothing; but a single packet may be one that we missed."""
    at = len(HONEST.packets) // 2
    packets = list(HONEST.packets)
    packets[at] = replace(packets[at], digest="touched")
    assert reason_of(with_packets(HONEST, packets)) == "altered"


def test_a_track_that_the_reference_began_to_see_accuses_nobody() -> None:
    """A camera that was switched on: of its first pictures the reference may have missed some."""
    camera = [replace(p, arrived_s=p.arrived_s + 30) for p in live(30, sound=False)]
    missed = [p for p in camera if p.arrived_s > T0 + 35]
    sound = live(picture=False)
    capture = served([*sound, *camera], has_cache=True, started_s=T0 + 40)
    later = with_packets(capture, [*served(camera, started_s=T0 + 34).packets, *capture.packets])
    assert judge([*sound, *missed], later).reason not in PROVEN_WRONG


def test_a_track_that_the_ingest_has_not_at_all_does_not_pass() -> None:
    """Radio with a picture of the node's own."""
    radio = live(picture=False)
    shown = [*served(radio).packets, *served(live(sound=False, label="advert")).packets]
    assert reason_of(with_packets(HONEST, shown), radio) == "altered"


def test_marks_go_by_the_name_that_ingests_give_them() -> None:
    """The rules know nothing of RTMP, and so repeat it."""
    assert MARK == MARK_NAME


STILL = Publisher((Pictures(is_still=True), Sounds(is_silent=True)))


def test_marks_prove_a_still_picture_with_silence() -> None:
    """No packet of it is unique; each must be there all the same, at its timestamp."""
    stream = STILL.stream(60)
    capture = Relay(dts_shift_ms=12_345).serves(stream, T0 + 41, 9)
    assert reason_of(capture, stream) == "passed"
    mute = without(capture, lambda p: p.media is MediaKind.AUDIO and p.part is Part.FRAMES)
    assert reason_of(mute, stream) == "too_slow"
    half = with_packets(capture, [p for n, p in enumerate(capture.packets) if n < 9 or n % 12])
    assert reason_of(half, stream) == "too_slow"
    unmarked = without(capture, lambda p: p.codec == MARK)
    assert reason_of(unmarked, stream) == "unmarked"


def test_marks_beside_a_recording_prove_nothing() -> None:
    """A live line to the ingest, and media of a minute ago."""
    stream = Publisher().stream(160)
    now = Relay().serves(stream, T0 + 150, 6)
    old = Relay(lag_s=60).serves(stream, T0 + 150, 6)
    marks = [p for p in now.packets if p.codec == MARK]
    media = [p for p in old.packets if p.codec != MARK]
    assert reason_of(with_packets(now, [*marks, *media]), stream) == "replayed"


def test_marks_are_not_asked_for_where_media_prove_the_stream() -> None:
    """Some engines leave script data out."""
    stream = Publisher().stream(60)
    capture = Relay().serves(stream, T0 + 41, 6)
    assert reason_of(without(capture, lambda p: p.codec == MARK), stream) == "passed"


@pytest.mark.parametrize("change", ["left out", "changed", "another one too"])
def test_a_stream_without_its_codec_header_is_none(change: str) -> None:
    """Every packet is right, and nobody can play them."""
    stream = Publisher().stream(60)
    capture = Relay().serves(stream, T0 + 41, 6)
    headers = [p for p in capture.packets if p.part is Part.HEADER]
    rest = [p for p in capture.packets if p.part is not Part.HEADER]
    wrong = [replace(p, digest="wrong") for p in headers]
    begun = {"left out": [], "changed": wrong, "another one too": [*headers, *wrong]}[change]
    assert reason_of(with_packets(capture, [*begun, *rest]), stream) == "wrong_header"
    assert reason_of(with_packets(capture, [*headers, *rest]), stream) == "passed"


def test_what_ffprobe_cannot_show_is_not_held_against_a_node() -> None:
    """Headers, marks and names of codecs: the second reader's captures have none."""
    stream = Publisher().stream(60)
    seen = [
        replace(p, codec="", part=Part.FRAMES)
        for p in Relay().serves(stream, T0 + 41, 6).packets
        if p.part is Part.FRAMES
    ]
    capture = Capture(T0 + 41, T0 + 47, tuple(seen), reader=Reader.FFPROBE)
    assert reason_of(capture, stream) == "passed"


def test_nothing_fails_whatever_the_key_interval() -> None:
    """From headers and marks nobody sees or hears anything."""
    for gop_s in (2, 12, 30, ENDLESS):
        stream = Publisher((Pictures(gop_s=gop_s),)).stream()
        started_s = T0 + 130
        seconds = capture_seconds(until(stream, started_s), started_s)
        capture = Relay().serves(stream, started_s, seconds)
        reference = until(stream, capture.ended_s + 1)
        assert reason_of(capture, reference) == "passed"
        nothing = without(capture, lambda p: p.part is Part.FRAMES)
        assert reason_of(nothing, reference) == "no_stream"


def test_a_busy_reference_makes_nothing_due_from_before_the_key_frame() -> None:
    """It read a batch at one instant: pictures, and behind them the key frame of a newcomer."""
    started_s = T0 + 41
    key_s = next(
        p.arrived_s
        for p in REFERENCE
        if p.is_video and p.is_key and p.arrived_s >= started_s + ProofParameters().setup_s
    )
    together = [
        replace(p, arrived_s=key_s) if key_s - 0.4 < p.arrived_s < key_s else p for p in REFERENCE
    ]
    assert sum(p.is_video and p.arrived_s == key_s for p in together) > 5
    assert judge(together, served(REFERENCE, started_s=started_s)).reason is Reason.PASSED


def test_what_a_busy_reference_read_at_once_is_not_due_at_once() -> None:
    """Three batches came together there; the node's capture ended between the first two."""
    last = HONEST.packets[-1].arrived_s
    batch = [p for p in REFERENCE if last - 0.3 < p.arrived_s < last + 0.3]
    together = [replace(p, arrived_s=batch[0].arrived_s) if p in batch else p for p in REFERENCE]
    proof = judge(together, HONEST)
    assert proof.verdict is Verdict.PASS
    assert proof.packet_ratio == 1


LATE = ProofParameters().busy_s + 0.01


def test_what_only_time_tells_says_nothing_of_a_node_where_we_were_late() -> None:
    """Nothing came, or too little, or nobody answered: our own machine may have been busy."""
    nothing = Capture(T0 + 41, T0 + 45, failure=Reason.NO_STREAM)
    closed = Capture(T0 + 41, T0 + 45, failure=Reason.UNREACHABLE)
    half = served(REFERENCE)
    half = with_packets(half, [p for p in half.packets if p.arrived_s < T0 + 43])
    for capture, reason in ((nothing, "no_stream"), (closed, "unreachable"), (half, "stalled")):
        assert reason_of(capture) == reason
        assert reason_of(replace(capture, late_s=LATE - 0.02)) == reason
        assert reason_of(replace(capture, late_s=LATE)) == "unknown:busy"


def test_wrong_content_is_wrong_however_late_we_were() -> None:
    """And what is right is right."""
    other = replace(served(live(label="other")), late_s=LATE)
    assert reason_of(other) == "wrong_content"
    assert reason_of(replace(served(REFERENCE), late_s=LATE)) == "passed"


@pytest.mark.parametrize(
    ("lag_s", "late_s", "reason"),
    [
        (5.0, 0.0, "lagging"),
        (5.0, 0.7, "unknown:busy"),
        (3.0, 0.7, "passed"),
        (0.1, 0.7, "passed"),
    ],
)
def test_our_own_lateness_hides_nobody_s(lag_s: float, late_s: float, reason: str) -> None:
    """Where the reference was read late, who is five seconds behind it seems to be in time."""
    reference = [replace(p, arrived_s=p.arrived_s + late_s) for p in live()]
    capture = replace(served(live(), lag_s=lag_s, seconds=6), late_s=late_s)
    assert reason_of(capture, reference) == reason


@pytest.mark.parametrize("gop_s", [0.5, 2.0, 8.0, 40.0])
@pytest.mark.parametrize("shown", [1.0, 0.5])
def test_a_key_interval_that_was_looked_up_before_changes_nothing(
    gop_s: float, shown: float
) -> None:
    """Checks of one second share it: the numbers of each are as if it had looked by itself."""
    stream = live(170, gop_s=gop_s)
    started_s = T0 + 130
    pace = pace_of([p for p in stream if p.arrived_s <= started_s], started_s)
    assert pace.gop_s == pytest.approx(min(gop_s, 130), abs=0.1)
    whole = served(stream, started_s=started_s, seconds=pace.capture_s)
    capture = with_packets(whole, whole.packets[: round(shown * len(whole.packets))])
    assert judge(stream, capture, gop_s=pace.gop_s) == judge(stream, capture)


@pytest.mark.parametrize("late_s", [0.0, 2.0])
def test_a_reference_that_is_read_as_late_as_the_node_accuses_nobody(late_s: float) -> None:
    """A busy machine reads the reference two seconds late: what it lacks yet is no stranger."""
    stream = live()
    late = [replace(p, arrived_s=p.arrived_s + 2.0) for p in stream]
    capture = replace(served(stream), late_s=late_s)
    assert reason_of(capture, late) == ("unknown:busy" if late_s else "wrong_content")


@pytest.mark.parametrize("is_shown", [True, False])
def test_a_camera_that_is_switched_on_while_ffprobe_reads_is_held_against_nobody(
    is_shown: bool,
) -> None:
    """It shows the picture only if that came before its analysis was over."""
    camera = [p for p in live() if p.is_video and p.arrived_s >= T0 + 42]
    stream = sorted([*live(picture=False), *camera], key=lambda p: p.arrived_s)
    whole = replace(served(stream), reader=Reader.FFPROBE)
    sound = with_packets(whole, [p for p in whole.packets if not p.is_video])
    assert any(p.is_video for p in whole.packets)
    assert reason_of(whole if is_shown else sound, stream) == "passed"
    began_before = sorted([*live(picture=False), *live(sound=False)], key=lambda p: p.arrived_s)
    assert reason_of(sound, began_before) != "passed"


def test_silence_that_repeats_is_told_apart_closer_than_the_tolerance() -> None:
    """A frame each 64 ms, alike but for one in sixteen: each is matched at its own place."""
    silence = [
        Packet(T0 + n * 0.064, MediaKind.AUDIO, n * 64, 4, "rare" if n % 16 == 0 else "often")
        for n in range(1_000)
    ]
    stream = sorted([*live(sound=False), *silence], key=lambda p: p.arrived_s)
    capture = served(stream)
    proof = judge(stream, capture)
    assert (proof.reason, proof.packet_ratio) == (Reason.PASSED, 1.0)
    fewer = [p for p in capture.packets if p.is_video or p.dts_ms % 1024 != 512]
    assert judge(stream, with_packets(capture, fewer)).packet_ratio < 0.95


def planned(stream: list[Packet], relay: Relay, started_s: float) -> Proof:
    """A check that lasts as long as the stream needs by what is known when it begins."""
    seconds = capture_seconds(until(stream, started_s), started_s)
    capture = relay.serves(stream, started_s, seconds)
    return judge(until(stream, capture.ended_s + 1), capture)


@pytest.mark.parametrize("after_s", [-2.0, -1.0, 0.0, 0.5, 1.0, 3.0, 5.0, 8.0])
@pytest.mark.parametrize("cache_s", [0.0, 20.0])
def test_a_sound_that_is_over_does_not_lead(after_s: float, cache_s: float) -> None:
    """A muted microphone leaves pictures, which are proven; who serves nothing fails as ever."""
    stream = Publisher((Pictures(fps=10.0), Sounds(15.6, ends_s=130.0))).stream()
    started_s = T0 + 130 + after_s
    assert planned(stream, Relay(cache_s=cache_s), started_s).verdict is Verdict.PASS
    nothing = Capture(started_s, started_s + 4, failure=Reason.NO_STREAM)
    assert judge(until(stream, started_s + 5), nothing).reason is Reason.NO_STREAM


def test_a_sound_that_ends_meanwhile_may_leave_too_little_to_tell() -> None:
    """Where it led, and a short check was planned by it: at whatever instant it ends."""
    stream = Publisher((Pictures(fps=10.0), Sounds(15.6, ends_s=130.0))).stream()
    starts_s = [T0 + 126 + n * 0.06 for n in range(60)]
    verdicts = {planned(stream, Relay(cache_s=0.0), at_s).verdict for at_s in starts_s}
    assert verdicts == {Verdict.PASS, Verdict.UNKNOWN}


@pytest.mark.parametrize("after_s", [-3.0, -2.0, -1.0, -0.3, 0.3, 1.0])
def test_who_waits_for_a_picture_that_is_over_has_nothing_to_serve(after_s: float) -> None:
    """A relay that keeps none for newcomers may hold back the sound until a key frame comes."""
    stream = Publisher((Pictures(fps=10.0, ends_s=130.0), Sounds(15.6))).stream()
    proof = planned(stream, Relay(cache_s=0.0), T0 + 130 + after_s)
    assert proof.verdict is not Verdict.FAIL, proof
    assert planned(stream, Relay(), T0 + 130 + after_s).verdict is Verdict.PASS
