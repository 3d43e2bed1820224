"""Very long checks: spans are judged, what lies between them is counted."""

from collections import Counter
from collections.abc import Callable
from dataclasses import replace

import pytest

from coordinator.proof.captures import Capture, Count, Span
from coordinator.proof.judging import Proof, Verdict
from coordinator.proof.packets import Packet
from coordinator.proof.spans import judge_capture
from coordinator.reasons import Reason
from tests.generated_streams import Pictures, Publisher, Relay, Sounds, until
from tests.packet_streams import T0

STARTED_S = T0 + 60
SECONDS = 120.0
SPANS = (
    Span(STARTED_S + 17, STARTED_S + 22),
    Span(STARTED_S + 71, STARTED_S + 76),
    Span(STARTED_S + 115, STARTED_S + 120),
)
STREAM = Publisher().stream()


def read_in_spans(capture: Capture) -> Capture:
    """The same connection as the reader yields it: spans whole, a count for each second between."""
    inside = [p for p in capture.packets if any(span.holds(p.arrived_s) for span in SPANS)]
    between: Counter[float] = Counter()
    sizes: Counter[float] = Counter()
    for packet in capture.packets:
        if not any(span.holds(packet.arrived_s) for span in SPANS):
            second = STARTED_S + (packet.arrived_s - STARTED_S) // 1
            between[second] += 1
            sizes[second] += packet.size
    counts = tuple(Count(at_s, n, sizes[at_s]) for at_s, n in sorted(between.items()))
    return replace(capture, packets=tuple(inside), read=SPANS, counts=counts)


def reason_of(
    relay: Relay, stream: list[Packet] = STREAM, cut: Callable[[Packet], bool] = lambda _: False
) -> Reason:
    """What a very long check of a relay comes to; `cut` are packets that it does not serve."""
    capture = relay.serves([p for p in stream if not cut(p)], STARTED_S, SECONDS)
    return judge_capture(until(stream, T0 + 181), read_in_spans(capture)).reason


@pytest.mark.parametrize(
    "relay",
    [Relay(), Relay(lag_s=2.5, cache_s=0), Relay(jitter_s=0.1), Relay(stalls=((40, 1.2),))],
    ids=["near", "far, without a cache", "jitter", "a stall between the spans"],
)
def test_an_honest_relay_passes(relay: Relay) -> None:
    """With all three spans, for two minutes."""
    assert reason_of(relay) == "passed"


@pytest.mark.parametrize(
    "tracks",
    [
        (Pictures(),),
        (Sounds(),),
        (Pictures(is_still=True), Sounds(is_silent=True)),
        (Pictures(gop_s=30.0), Sounds()),
        (Pictures(fps=0.5, gop_s=2.0),),
    ],
    ids=["no sound", "no picture", "still and silent", "key frames 30 s apart", "slides alone"],
)
def test_every_kind_of_stream_can_be_proven(tracks: tuple[Pictures | Sounds, ...]) -> None:
    """In the middle of a connection nobody waits for a key frame."""
    assert reason_of(Relay(), Publisher(tracks).stream()) == "passed"


@pytest.mark.parametrize("into_s", [-0.5, 0.1, 1.7, 3.2, 4.6, 4.9, 5.3])
@pytest.mark.parametrize("lag_s", [0.0, 0.05, 2.5])
@pytest.mark.parametrize("is_over", [False, True])
def test_a_camera_may_be_switched_on_or_off_in_a_span(
    into_s: float, lag_s: float, *, is_over: bool
) -> None:
    """A picture that begins as the span ends is nothing that a viewer had to see in it."""
    at_s = SPANS[0].since_s - T0 + into_s
    picture = Pictures(fps=10.0, ends_s=at_s) if is_over else Pictures(fps=10.0, begins_s=at_s)
    assert reason_of(Relay(lag_s=lag_s), Publisher((picture, Sounds(15.6))).stream()) == "passed"


@pytest.mark.parametrize("lag_s", [0.0, 0.05, 2.5, 4.0])
def test_slides_may_pause_while_a_span_is_read(lag_s: float) -> None:
    """At any instant: a relay that is late shows nothing a little later than others."""
    stream, found = Publisher((Pictures(fps=0.5, gop_s=2.0),)).stream(), set[Verdict]()
    for n in range(40):
        begins_s = SPANS[1].since_s - 10 + n * 0.4
        paused = [p for p in stream if not (p.is_video and 0 <= p.arrived_s - begins_s < 10)]
        capture = read_in_spans(Relay(lag_s=lag_s).serves(paused, STARTED_S, SECONDS))
        found.add(judge_capture(until(paused, T0 + 181), capture).verdict)
    assert found <= {Verdict.PASS, Verdict.UNKNOWN}
    assert Verdict.PASS in found


def second_of(packet: Packet) -> float:
    """Seconds into the capture."""
    return packet.arrived_s - STARTED_S


@pytest.mark.parametrize("cut_s", [16, 60, 116])
def test_who_cuts_viewers_is_found_by_the_last_span(cut_s: float) -> None:
    """However long it served before."""
    reason = reason_of(Relay(), cut=lambda p: second_of(p) > cut_s)
    assert reason in (Reason.NO_STREAM, Reason.STALLED)


def test_who_serves_only_between_the_spans_is_found() -> None:
    """It cannot know where they are; if it did, it would fail as a short check does."""
    reason = reason_of(Relay(), cut=lambda p: 70 < second_of(p) < 77)
    assert reason in (Reason.NO_STREAM, Reason.STALLED, Reason.TOO_SLOW)


def test_who_pauses_between_the_spans_is_found() -> None:
    """Four seconds of nothing are no stall."""
    assert reason_of(Relay(), cut=lambda p: 40 < second_of(p) < 45) == "stalled"


def test_who_serves_half_between_the_spans_is_found() -> None:
    """What is counted there has to be as much as the ingest served."""
    thinned = [n % 2 == 0 for n in range(len(STREAM))]
    left_out = {id(p) for p, is_out in zip(STREAM, thinned, strict=True) if is_out}
    reason = reason_of(
        Relay(), cut=lambda p: 23 < second_of(p) < 70 and id(p) in left_out and not p.is_key
    )
    assert reason == "too_slow"


def test_a_line_of_less_than_the_rate_falls_behind() -> None:
    """By a second in the time between the first span and the last."""
    slow = [replace(p, arrived_s=p.arrived_s + max(0.0, second_of(p)) / 90) for p in STREAM]
    capture = read_in_spans(Relay().serves(slow, STARTED_S, SECONDS))
    assert judge_capture(until(STREAM, T0 + 181), capture).reason == "falling_behind"


def test_other_content_in_one_span_fails_the_check() -> None:
    """The other two may be as right as they like."""
    swapped = [
        replace(p, digest=f"other-{p.digest}") if 71 < second_of(p) < 76 else p for p in STREAM
    ]
    capture = read_in_spans(Relay().serves(swapped, STARTED_S, SECONDS))
    proof = judge_capture(until(STREAM, T0 + 181), capture)
    assert (proof.verdict, proof.reason) == (Verdict.FAIL, Reason.WRONG_CONTENT)


def test_a_capture_that_was_read_whole_is_judged_as_ever() -> None:
    """And so is one that never came to be."""
    capture = Relay().serves(STREAM, STARTED_S, 6)
    reference = until(STREAM, STARTED_S + 7)
    assert judge_capture(reference, capture).reason == "passed"
    closed = Capture(STARTED_S, STARTED_S, failure=Reason.UNREACHABLE, read=SPANS)
    assert judge_capture(reference, closed).reason == "unreachable"


def test_what_is_missing_between_the_spans_says_nothing_where_we_were_late() -> None:
    """It was counted by a machine that was too busy to count."""
    quiet = [p for p in STREAM if not STARTED_S + 40 <= p.arrived_s < STARTED_S + 60]
    capture = read_in_spans(Relay().serves(quiet, STARTED_S, SECONDS))
    reference = until(STREAM, T0 + 181)
    assert judge_capture(reference, capture).verdict is Verdict.FAIL
    assert judge_capture(reference, replace(capture, late_s=1.5)).reason is Reason.UNKNOWN_BUSY


def proof_of(cut: Callable[[Packet], bool], stream: list[Packet] = STREAM) -> Proof:
    """Of a very long check; `cut` are packets that the node does not serve.

    The reference has listened since before the connection, as the prober's does."""
    served = Relay().serves([p for p in stream if not cut(p)], STARTED_S, SECONDS)
    return judge_capture(stream, read_in_spans(served))


@pytest.mark.parametrize("cut_s", [2.5, 16, 60, 116])
def test_a_connection_that_began_and_broke_off_was_cut(cut_s: float) -> None:
    """Seconds between spans are only counted, so it lasted a second longer at the most."""
    proof = proof_of(lambda p: second_of(p) > cut_s)
    assert proof.verdict is Verdict.FAIL
    assert proof.is_cut
    assert proof.lasted_s is not None
    assert cut_s - 1 <= proof.lasted_s <= cut_s + 0.1


@pytest.mark.parametrize(
    "cut",
    [
        lambda p: 40 < second_of(p) < 45,
        lambda p: 70 < second_of(p) < 77,
        lambda p: second_of(p) > 60 and int(p.arrived_s * 50) % 2 == 0 and not p.is_key,
    ],
    ids=["silent for a while", "in a span", "half of it from then on"],
)
def test_a_connection_that_fell_short_later_was_cut(cut: Callable[[Packet], bool]) -> None:
    """What only so long a connection sees no new one makes good, however it was brought about."""
    proof = proof_of(cut)
    assert proof.verdict is Verdict.FAIL
    assert proof.is_cut


def test_a_connection_that_did_not_begin_was_not_cut() -> None:
    """A lost connection befalls anybody. Short checks see it, and those that end within 2 s."""
    assert not proof_of(lambda p: second_of(p) > 1.9).is_cut
    assert not proof_of(lambda _: True).is_cut


def test_who_passes_was_not_cut() -> None:
    assert proof_of(lambda _: False).lasted_s is None


@pytest.mark.parametrize("at_s", [3.0, 59.5, 61.0, 100.0])
def test_where_the_publisher_began_anew_nobody_was_cut(at_s: float) -> None:
    """Whoever publishes would else have every node lose five hours by one click: relays may end
    connections when a stream does. It fails as ever, and a retest that passes makes it good."""
    anew = [replace(p, connection=p.connection + 1) if second_of(p) >= at_s else p for p in STREAM]
    proof = proof_of(lambda p: second_of(p) > 60, anew)
    assert proof.lasted_s is None


def test_where_the_ingest_was_silent_nobody_was_cut() -> None:
    quiet = [p for p in STREAM if not 60 < second_of(p) < 64]
    proof = proof_of(lambda p: second_of(p) > 60, quiet)
    assert proof.lasted_s is None


@pytest.mark.parametrize(("times", "is_cut"), [(1.2, True), (4.0, False)])
def test_a_line_that_is_too_slow_for_what_came_to_be_more_was_not_cut(
    times: float, *, is_cut: bool
) -> None:
    """Else whoever publishes could double the rate for seconds, and have pay of hours come back."""
    more = [replace(p, size=int(p.size * times)) if 70 < second_of(p) < 90 else p for p in STREAM]
    thinned = {id(p) for n, p in enumerate(more) if n % 3 == 0 and 70 < second_of(p) < 90}
    proof = proof_of(lambda p: id(p) in thinned and not p.is_key, more)
    assert (proof.verdict, proof.reason) == (Verdict.FAIL, Reason.TOO_SLOW)
    assert proof.is_cut is is_cut


def test_where_the_reference_has_not_listened_so_long_nobody_was_cut() -> None:
    served = Relay().serves([p for p in STREAM if second_of(p) < 60], STARTED_S, SECONDS)
    proof = judge_capture([p for p in STREAM if second_of(p) > -2], read_in_spans(served))
    assert (proof.verdict, proof.lasted_s) == (Verdict.FAIL, None)


def test_where_our_own_machine_was_late_nobody_was_cut() -> None:
    served = Relay().serves([p for p in STREAM if second_of(p) < 60], STARTED_S, SECONDS)
    late = replace(read_in_spans(served), late_s=1.5)
    proof = judge_capture(STREAM, late)
    assert (proof.verdict, proof.lasted_s) == (Verdict.UNKNOWN, None)
