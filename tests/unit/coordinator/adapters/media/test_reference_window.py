"""What a reference remembers: how it dates packets, what it forgets, and how much there was."""

from collections.abc import Iterable
from dataclasses import replace

from coordinator.adapters.media.reference_window import (
    MEMORY_S,
    PACKETS_MAX,
    ReferenceWindow,
    back_dated,
)
from coordinator.proof.packets import DTS_MODULUS_MS, MediaKind, Packet, Part
from tests.packet_streams import T0, live

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
