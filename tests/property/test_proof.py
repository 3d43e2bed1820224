"""Laws of the proof: honest relays always pass, nothing else ever does, and only the reference
can make a check inconclusive."""

from dataclasses import replace
from random import Random

from hypothesis import given, settings
from hypothesis import strategies as st

from coordinator.proof.captures import Capture
from coordinator.proof.judging import Verdict, judge
from coordinator.proof.packets import DTS_MODULUS_MS, MediaKind, Packet
from tests.packet_streams import T0, live, served, with_packets

REFERENCE = live(130)
AT = T0 + 101
CAPTURE = served(REFERENCE, started_s=AT)
OTHER = live(130, label="other")

starts = st.floats(AT, AT + 20)
shifts = st.integers(0, DTS_MODULUS_MS - 1)
seeds = st.integers(0, 2**32)
any_packets = st.lists(
    st.builds(
        Packet,
        arrived_s=st.floats(AT - 5, AT + 10),
        media=st.sampled_from(MediaKind),
        dts_ms=st.integers(-(2**40), 2**40),
        size=st.integers(0, 2**24),
        digest=st.sampled_from([p.digest for p in REFERENCE[-1500:-1450]] + ["", "x"]),
    ),
    max_size=60,
)


def verdict(capture: Capture, reference: list[Packet] = REFERENCE) -> Verdict:
    """Only the verdict."""
    return judge(reference, capture).verdict


@given(started_s=starts, lag_s=st.floats(0, 4.4), dts_shift_ms=shifts, has_cache=st.booleans())
def test_an_honest_relay_passes_whenever_it_is_asked(
    started_s: float, lag_s: float, dts_shift_ms: int, has_cache: bool
) -> None:
    """Any second, any lag within the bound, any timestamps, with and without a cache."""
    capture = served(
        REFERENCE,
        started_s=started_s,
        lag_s=lag_s,
        dts_shift_ms=dts_shift_ms,
        has_cache=has_cache,
    )
    assert verdict(capture) is Verdict.PASS


@given(started_s=starts, stalled_at_s=st.floats(0, 4), stall_s=st.floats(0, 1), seed=seeds)
def test_an_honest_connection_may_jitter_and_stall_for_a_second(
    started_s: float, stalled_at_s: float, stall_s: float, seed: int
) -> None:
    """100 ± 50 ms, never out of order, and once everything waits for up to a second."""
    random, at = Random(seed), started_s + stalled_at_s
    late: list[Packet] = []
    for packet in served(REFERENCE, started_s=started_s, lag_s=0).packets:
        arrived_s = packet.arrived_s + random.uniform(0.05, 0.15)
        arrived_s = at + stall_s if at <= arrived_s <= at + stall_s else arrived_s
        late.append(replace(packet, arrived_s=max([arrived_s, *(p.arrived_s for p in late[-1:])])))
    capture = served(REFERENCE, started_s=started_s)
    came = [p for p in late if p.arrived_s <= capture.ended_s]
    assert verdict(with_packets(capture, came)) is Verdict.PASS


@given(started_s=starts, lag_s=st.floats(5.1, 100), has_cache=st.booleans())
def test_a_delayed_relay_never_passes(started_s: float, lag_s: float, has_cache: bool) -> None:
    """Beyond the bound it fails, and never ends as unknown."""
    late = served(REFERENCE, started_s=started_s, lag_s=lag_s, has_cache=has_cache)
    assert verdict(late) is Verdict.FAIL


@given(started_s=starts, length_s=st.integers(1, 60), dts_goes_on=st.booleans())
def test_a_loop_never_passes(started_s: float, length_s: int, dts_goes_on: bool) -> None:
    """A recording of any length, repeated from its end until long after."""
    recording = [p for p in REFERENCE if p.arrived_s < T0 + length_s]
    loop = [
        replace(
            p,
            arrived_s=p.arrived_s + length_s * n,
            dts_ms=p.dts_ms + 1000 * length_s * n * dts_goes_on,
        )
        for n in range(1, 130 // length_s + 1)
        for p in recording
    ]
    assert verdict(served(loop, started_s=started_s, has_cache=True)) is Verdict.FAIL


@given(share=st.floats(0, 0.8), seed=seeds, pad=st.booleans())
def test_a_mixture_never_passes(share: float, seed: int, pad: bool) -> None:
    """Some live packets, the others replaced by other content, or by none, or by copies."""
    random = Random(seed)
    other = served(OTHER, started_s=AT).packets
    mixed = [
        live_one if random.random() < share else other_one
        for live_one, other_one in zip(CAPTURE.packets, other, strict=True)
        if pad or random.random() < share
    ]
    assert verdict(with_packets(CAPTURE, mixed)) is Verdict.FAIL


@given(shown=st.floats(0, 0.6))
def test_serving_a_part_of_the_time_never_passes(shown: float) -> None:
    """A node that lets only a part of every second through."""
    part = [p for p in CAPTURE.packets if p.arrived_s % 1 < shown]
    assert verdict(with_packets(CAPTURE, part)) is Verdict.FAIL


@given(packets=any_packets, live_too=st.booleans())
def test_nothing_a_node_sends_makes_its_check_inconclusive(
    packets: list[Packet], live_too: bool
) -> None:
    """Hostile sizes, timestamps, orders and repeats: a verdict, and no error."""
    sent = [*packets, *(CAPTURE.packets[: len(CAPTURE.packets) // 3] if live_too else ())]
    assert verdict(with_packets(CAPTURE, sent)) is Verdict.FAIL


@given(packets=any_packets, seed=seeds, share=st.floats(0, 1))
def test_copies_and_other_content_never_turn_a_fail_into_a_pass(
    packets: list[Packet], seed: int, share: float
) -> None:
    """More of what does not prove anything proves nothing."""
    random = Random(seed)
    part = [p for p in CAPTURE.packets if random.random() < share]
    if verdict(with_packets(CAPTURE, part)) is Verdict.FAIL:
        copies = [replace(p, arrived_s=p.arrived_s + random.random()) for p in part]
        strange = [replace(p, digest="strange") for p in packets]
        assert verdict(with_packets(CAPTURE, [*part, *copies, *strange])) is Verdict.FAIL


@settings(max_examples=30)
@given(seed=seeds, lag_s=st.floats(0, 9))
def test_the_order_in_which_packets_are_listed_does_not_matter(seed: int, lag_s: float) -> None:
    """They carry their times; the proof, with all its numbers, is the same."""
    capture = served(REFERENCE, started_s=AT, lag_s=lag_s)
    mixed, reference = list(capture.packets), list(REFERENCE)
    Random(seed).shuffle(mixed)
    Random(seed).shuffle(reference)
    assert judge(reference, with_packets(capture, mixed)) == judge(REFERENCE, capture)


@settings(max_examples=30)
@given(shift_ms=shifts, lag_s=st.floats(0, 9))
def test_where_timestamps_begin_does_not_matter(shift_ms: int, lag_s: float) -> None:
    """Neither for the ingest nor for the node, wherever they wrap."""
    capture = served(REFERENCE, started_s=AT, lag_s=lag_s)
    moved = [replace(p, dts_ms=(p.dts_ms + shift_ms) % DTS_MODULUS_MS) for p in REFERENCE]
    assert judge(moved, capture) == judge(REFERENCE, capture)


@settings(max_examples=30)
@given(hole_s=st.floats(AT - 4, AT + 1), length_s=st.floats(2.2, 20), keep=st.floats(0, 1))
def test_a_hole_in_the_reference_never_costs_a_node_anything(
    hole_s: float, length_s: float, keep: float
) -> None:
    """Whatever the node served: passed or unknown, not failed."""
    holes = [p for p in REFERENCE if not hole_s < p.arrived_s < hole_s + length_s]
    part = CAPTURE.packets[: int(keep * len(CAPTURE.packets))]
    assert verdict(with_packets(CAPTURE, part), holes) is not Verdict.FAIL
    assert verdict(CAPTURE, holes) is not Verdict.FAIL
