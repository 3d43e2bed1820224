"""What a reference remembers: how it dates packets, what it forgets, and how much there was."""

from collections.abc import Iterable, Sequence
from dataclasses import replace

import pytest

from coordinator.adapters.media.message_packets import packets_of
from coordinator.adapters.media.reference_window import (
    MEMORY_S,
    PACKETS_MAX,
    SETTLE_S,
    ReferenceWindow,
    back_dated,
)
from coordinator.adapters.media.rtmp_reference import Reference
from coordinator.proof.captures import Capture
from coordinator.proof.judging import Verdict, judge
from coordinator.proof.packets import DTS_MODULUS_MS, MediaKind, Packet, Part
from coordinator.reasons import Reason
from rtmp.addresses import RtmpAddress
from rtmp.messages import Message
from tests.packet_streams import T0, live, served
from tests.signed_streams import HEADERS, picture, signed

HEADER = Packet(T0, MediaKind.VIDEO, 0, 40, "header", part=Part.HEADER)


def seen(packets: Iterable[Packet]) -> ReferenceWindow:
    """A window that was given them; it has settled."""
    window = ReferenceWindow()
    for packet in packets:
        window.take(packet)
    window.settle()
    return window


def test_a_stretch_begins_with_the_headers_in_force() -> None:
    """They came with the connection, however long ago; what is counted is the stretch alone."""
    stream = live(50)
    window = seen([HEADER, *stream])
    asked = window.packets(T0 + 30, T0 + 40)
    assert asked[0] == HEADER
    assert asked[1:] == [p for p in stream if T0 + 30 <= p.arrived_s <= T0 + 40]
    rest = [p for p in stream if p.arrived_s >= T0 + 30]
    assert window.served(T0 + 30) == (sum(p.size for p in rest), len(rest))
    assert window.served(T0 + 60) == (0, 0)
    assert window.has_seen(T0 + 1)
    assert not window.has_seen(T0 - 1)


def test_a_header_that_was_replaced_is_remembered() -> None:
    """A publisher changes its picture's size: who came before was given the old one."""
    new = replace(HEADER, arrived_s=T0 + 200, digest="another")
    stream = sorted([HEADER, new, *live(240)], key=lambda p: p.arrived_s)
    window = seen(stream)
    assert window.packets(T0 + 190, T0 + 201)[0] == HEADER
    assert new in window.packets(T0 + 190, T0 + 201)
    assert window.packets(T0 + 201, T0 + 203)[0] == new
    assert HEADER not in window.packets(T0 + 201, T0 + 203)


def test_headers_without_end_are_forgotten() -> None:
    """A publisher may send one with every picture."""
    many = [replace(HEADER, arrived_s=T0 + n / 10, digest=f"{n}") for n in range(6000)]
    window = seen(many)
    assert len(window.packets(T0 + 1000, T0 + 1000)) == 1
    assert window.packets(T0 + 500, T0 + 500)[0].digest == "4999"
    assert window.packets(T0, T0) == []


def test_what_waits_to_be_dated_is_counted() -> None:
    """The first packet behind a silence: nobody knows yet how old it is."""
    window = seen(live(5))
    window.take(replace(live(1)[0], arrived_s=T0 + 20))
    assert window.packets(T0 + 10, T0 + 30) == []
    assert window.served(T0 + 10) == (live(1)[0].size, 1)


def test_what_is_old_is_forgotten_and_what_is_counted_stays_right() -> None:
    """By time, and by number."""
    stream = live(2 * MEMORY_S)
    window = seen(stream)
    kept = window.packets(0, T0 + 3 * MEMORY_S)
    assert T0 + 0.7 * MEMORY_S < kept[0].arrived_s <= T0 + MEMORY_S
    assert window.served(0) == (sum(p.size for p in kept), len(kept))
    assert window.served(T0 + 1.9 * MEMORY_S).messages == len(
        [p for p in stream if p.arrived_s >= T0 + 1.9 * MEMORY_S]
    )
    many = seen(Packet(T0, MediaKind.AUDIO, 0, 5, "x") for _ in range(PACKETS_MAX + 2))
    assert PACKETS_MAX / 2 < many.served(0).messages <= PACKETS_MAX


def test_a_burst_is_dated_back_by_its_timestamps() -> None:
    """Three seconds of cache that came at once arrive as they did when they were live."""
    true = live(3)
    burst = [replace(p, arrived_s=true[-1].arrived_s) for p in true]
    dated = back_dated(burst)
    assert [p.digest for p in dated] == [p.digest for p in true]
    assert all(abs(a.arrived_s - b.arrived_s) < 0.002 for a, b in zip(dated, true, strict=True))


def test_live_packets_keep_their_times() -> None:
    """Nothing is ever dated later, and next to nothing earlier."""
    true = live(3)
    assert all(
        0 <= a.arrived_s - b.arrived_s < 0.002 for a, b in zip(true, back_dated(true), strict=True)
    )


def test_a_burst_across_the_wrap_of_timestamps_is_dated_back() -> None:
    """32 bits of milliseconds."""
    true = live(2, dts_ms=DTS_MODULUS_MS - 1000)
    burst = [replace(p, arrived_s=true[-1].arrived_s) for p in true]
    assert true[-1].arrived_s - back_dated(burst)[0].arrived_s > 1.9
    assert back_dated([]) == []


def test_a_check_is_judged_alike_by_what_is_looked_up_and_by_everything() -> None:
    """A window hands out the half minute around a capture, and the rest to whoever asks."""
    stream = live(200)
    window = seen([HEADER, *stream])
    at_s = T0 + 150
    loop = [replace(p, arrived_s=p.arrived_s + 60) for p in stream if p.arrived_s < T0 + 100]
    for relayed in (stream, loop, live(200, label="other")):
        capture = served(relayed, started_s=at_s)
        until_s = capture.ended_s + 1
        past = window.remembered(at_s - 120, at_s - 25, until_s)
        assert judge(past, capture) == judge(window.packets(at_s - 120, until_s), capture)
        assert judge(past, capture, gop_s=2.0).reason == judge(past, capture).reason
    assert judge(past, served(loop, started_s=at_s)).reason is Reason.REPLAYED


def test_what_is_old_is_touched_only_where_something_is_strange() -> None:
    """It is thousands of packets, and nearly every check is of an honest node."""
    stream, at_s = live(200), T0 + 150
    asked: list[bool] = []
    window = seen(stream)
    known = window.remembered(at_s - 120, at_s - 25, at_s + 5)

    def older() -> Sequence[Packet]:
        asked.append(True)
        return known.older()

    past = replace(known, older=older)
    assert judge(past, served(stream, started_s=at_s), gop_s=2.0).verdict is Verdict.PASS
    assert not asked
    assert judge(past, served(live(200, label="x"), started_s=at_s), gop_s=2.0).strangers > 0
    assert asked == [True]
    assert [p.arrived_s for p in past.recent] == sorted(p.arrived_s for p in past.recent)
    assert past.older()[-1].arrived_s < at_s - 25 <= past.recent[0].arrived_s


def test_headers_of_a_capture_are_those_in_force_and_those_since() -> None:
    """Whoever came before a publisher changed its picture was given the old one."""
    new = replace(HEADER, arrived_s=T0 + 100, digest="another")
    window = seen(sorted([HEADER, new, *live(200)], key=lambda p: p.arrived_s))
    assert list(window.remembered(T0 + 30, T0 + 125, T0 + 155).headers) == [HEADER, new]
    assert list(window.remembered(T0 + 101, T0 + 125, T0 + 155).headers) == [new]
    assert list(window.remembered(T0 + 30, T0 + 40, T0 + 99).headers) == [HEADER]


async def test_what_came_while_we_stood_still_is_waited_for_before_anybody_is_judged() -> None:
    """A node's packets would be strangers, and it a fraud, for a moment of ours."""
    now_s, frozen_s = T0 + 40.0, 3.0
    began_s, ended_s = now_s - 4.0, now_s + 1.0

    async def sleep(seconds: float) -> None:
        nonlocal now_s
        now_s += seconds
        if seconds:  # the stream goes on meanwhile
            for packet in live(60):
                if woken_s < packet.arrived_s <= now_s:
                    reference.window.take(packet)

    reference = Reference(RtmpAddress("127.0.0.1", 1935, "live", "show"), now=lambda: now_s)
    woken_s = now_s + frozen_s
    for packet in live(60):
        if packet.arrived_s <= woken_s:
            read_s = packet.arrived_s if packet.arrived_s <= now_s else woken_s
            reference.window.take(replace(packet, arrived_s=read_s))
    now_s = woken_s
    served = tuple(p for p in live(60) if began_s <= p.arrived_s <= ended_s)
    capture = Capture(began_s, ended_s, served)
    assert judge(reference.packets(0, now_s), capture).reason is Reason.WRONG_CONTENT
    await reference.seen(ended_s + 1.0, sleep)
    proof = judge(reference.packets(0, now_s), capture)
    assert (proof.reason, proof.strangers) == (Reason.PASSED, 0)
    assert now_s == woken_s + SETTLE_S


@pytest.mark.parametrize(
    ("lost", "was_live"),
    [((0.0, 0.0), True), ((20.0, 21.9), True), ((20.0, 22.5), False), ((5.0, 9.0), True)],
)
def test_a_silence_within_the_time_asked_for_is_an_interruption(
    lost: tuple[float, float], was_live: bool
) -> None:
    """One before it is none, and neither is a pause that nobody would notice."""
    reference = Reference(RtmpAddress("127.0.0.1", 1935, "live", "show"), now=lambda: T0)
    for packet in live(40):
        if not lost[0] <= packet.arrived_s - T0 < lost[1]:
            reference.window.take(packet)
    assert reference.was_live(T0 + 10, T0 + 40) is was_live
    assert not reference.was_live(T0 - 1, T0 + 40)  # nobody listened then
    assert not reference.was_live(T0 + 10, T0 + 43)  # and it ends


async def test_a_stream_that_ends_as_we_wake_is_waited_for_no_longer() -> None:
    """What came last is dated by what there is."""
    now_s, waited = T0 + 40.0, list[float]()

    async def sleep(seconds: float) -> None:
        waited.append(seconds)

    reference = Reference(RtmpAddress("127.0.0.1", 1935, "live", "show"), now=lambda: now_s)
    packets = live(30)
    for packet in packets:
        late_s = now_s if packet.arrived_s > T0 + 25 else packet.arrived_s
        reference.window.take(replace(packet, arrived_s=late_s))
    await reference.seen(now_s, sleep)
    assert waited == [0.0, SETTLE_S]
    assert len(reference.packets(T0 - 1, now_s)) == len(packets)


def marked_show(seconds: int) -> list[tuple[Message, float]]:
    """25 pictures a second of 200 bytes, a key frame each second, marks; and when each comes."""
    rest = bytes(200)
    pictures = [picture(n, is_key=n % 25 == 0) for n in range(seconds * 25)]
    show = [one._replace(body=one.body + rest) for one in pictures]
    return [(m, T0 + m.timestamp_ms / 1000) for m in signed([*HEADERS, *show], every=12)]


@pytest.mark.parametrize(
    ("lost", "reason"),
    [
        ((0.0, 0.0), Reason.PASSED),
        ((36.1, 37.0), Reason.UNKNOWN_REFERENCE),
        ((36.1, 36.2), Reason.UNKNOWN_REFERENCE),
        ((1.0, 2.0), Reason.PASSED),
    ],
)
def test_what_the_ingest_left_out_for_us_is_held_against_nobody(
    lost: tuple[float, float], reason: Reason
) -> None:
    """It leaves packets out for whoever reads slowly, and goes on at a key frame. We may be slow,
    and a node may not: its packets would be strangers."""
    reference = Reference(RtmpAddress("127.0.0.1", 1935, "live", "show"), now=lambda: T0)
    show = marked_show(50)
    for message, at_s in show:
        if not lost[0] <= at_s - T0 < lost[1]:
            reference.take(message, at_s)
    served = [
        replace(packet, arrived_s=at_s)
        for message, at_s in show
        if T0 + 35 <= at_s <= T0 + 40 or message in HEADERS
        for packet in packets_of(message, max(at_s, T0 + 35))
    ]
    proof = judge(reference.packets(0, T0 + 41), Capture(T0 + 35, T0 + 40, tuple(served)))
    assert proof.reason is reason
