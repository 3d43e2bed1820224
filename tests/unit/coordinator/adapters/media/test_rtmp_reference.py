"""How the reference dates packets, and how it shares and forgets connections."""

from dataclasses import replace

from coordinator.adapters.media.rtmp_reference import back_dated
from coordinator.proof.packets import DTS_MODULUS_MS
from tests.packet_streams import live


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
