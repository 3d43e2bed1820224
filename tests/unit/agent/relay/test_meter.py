"""The meter: live or waiting, and counters that never fall while the relay runs."""

from hypothesis import given
from hypothesis import strategies as st

from agent.relay.engines.engine import Reading, StreamReading, Video
from agent.relay.meter import ARRIVAL_GAP_S_MAX, Meter

VIDEO = Video("H264", 640, 360, 15.0)


def reading(bytes_in: int, bytes_out: int = 0, name: str = "s", published: bool = True) -> Reading:
    """A relay with one stream that two people watch."""
    return (StreamReading(name, published, 2, bytes_in, bytes_out, VIDEO, None),)


def test_a_stream_is_live_from_the_first_byte_on() -> None:
    meter = Meter("s")
    assert not meter.view(2.0).is_live
    meter.take(reading(7), 3.0)
    meter.take(reading(11), 5.0)
    view = meter.view(5.5)
    assert (view.is_live, view.live_s, view.bytes_in, view.viewers) == (True, 2.5, 11, 2)
    assert view.video == VIDEO


def test_a_frozen_upstream_is_waiting_although_it_shows_as_publishing() -> None:
    meter = Meter("s")
    meter.take(reading(7), 3.0)
    meter.take(reading(7), 3.0 + ARRIVAL_GAP_S_MAX)
    assert meter.view(3.0 + ARRIVAL_GAP_S_MAX).is_live
    later = meter.view(3.1 + ARRIVAL_GAP_S_MAX)
    assert (later.is_live, later.live_s, later.video) == (False, 0.0, None)


def test_a_publisher_who_leaves_is_noticed_at_once() -> None:
    meter = Meter("s")
    meter.take(reading(7), 3.0)
    meter.take((), 4.0)
    assert not meter.view(4.0).is_live
    meter.take(reading(5), 5.0)
    view = meter.view(6.0)
    assert (view.is_live, view.live_s, view.bytes_in) == (True, 1.0, 12)


def test_other_streams_do_not_count_unless_all_do() -> None:
    one, everything = Meter("s"), Meter("")
    for meter in (one, everything):
        meter.take(reading(7) + reading(11, 13, name="t"), 1.0)
    assert (one.view(1.0).bytes_in, one.view(1.0).bytes_out) == (7, 0)
    assert (everything.view(1.0).bytes_in, everything.view(1.0).bytes_out) == (18, 13)
    assert everything.stream_names == ["s", "t"]


def test_a_restarted_relay_counts_from_zero() -> None:
    meter = Meter("s")
    meter.take(reading(7, 11), 3.0)
    meter.restart()
    assert (meter.view(3.0).bytes_in, meter.view(3.0).bytes_out) == (0, 0)
    assert not meter.view(3.0).is_live


@given(st.lists(st.one_of(st.none(), st.tuples(st.integers(0, 99), st.integers(0, 99)))))
def test_counters_never_fall_whatever_the_relay_says(counts: list[tuple[int, int] | None]) -> None:
    meter = Meter("s")
    before = (0, 0)
    for second, count in enumerate(counts):
        meter.take(reading(*count) if count else (), float(second))
        view = meter.view(float(second))
        assert view.bytes_in >= before[0]
        assert view.bytes_out >= before[1]
        before = (view.bytes_in, view.bytes_out)
