"""Viewers and upload of the last hour and day: bounded, and honest about what nobody saw."""

import sys
from dataclasses import replace

import pytest

from agent.relay.meter import StreamView
from agent.shown.traffic import SAMPLE_EVERY_S, Interval, Ring, Traffic
from tests.unit.agent.told import STREAM

START_S = 7 * 86_400.0


def seen(viewers: int, bytes_out: int) -> StreamView:
    """What the meter says."""
    return replace(STREAM, viewers=viewers, bytes_out=bytes_out)


def test_an_interval_holds_the_most_viewers_and_all_that_was_sent() -> None:
    """Each sample adds what was sent since the one before; the first has none before it."""
    traffic = Traffic()
    for at, (viewers, sent) in enumerate([(2, 1_000), (7, 4_000), (3, 9_000)]):
        traffic.sample(START_S + 10 * at, seen(viewers, sent))
    *before, last = traffic.hour.latest(START_S + 20)
    assert before == [None] * 59
    assert last == Interval(int(START_S // 60), 7, 8_000, 20.0)
    assert last.bits_per_s == 3_200.0


def test_a_counter_that_begins_anew_counts_from_zero() -> None:
    """The relay was restarted: what it has sent since is new."""
    traffic = Traffic()
    for at, sent in enumerate([5_000, 7_000, 300, 900]):
        traffic.sample(START_S + 10 * at, seen(1, sent))
    last = traffic.hour.latest(START_S + 30)[-1]
    assert last
    assert last.sent_bytes == 2_000 + 300 + 600


def test_what_nobody_watched_is_unknown_and_not_zero() -> None:
    """A machine that stood still neither sent nothing nor all of it in one moment."""
    traffic = Traffic()
    traffic.sample(START_S, seen(3, 0))
    traffic.sample(START_S + 600, seen(5, 10**9))
    latest = traffic.hour.latest(START_S + 600)
    assert [each and each.viewers for each in latest[-12:]] == [None, 3, *[None] * 9, 5]
    assert latest[-1]
    assert (latest[-1].sent_bytes, latest[-1].seen_s) == (0, 0.0)
    assert latest[-1].bits_per_s == 0.0


@pytest.mark.parametrize(("name", "intervals", "span_s"), [("hour", 60, 3600), ("day", 96, 86_400)])
def test_a_ring_is_bounded_and_forgets_what_is_older(
    name: str, intervals: int, span_s: int
) -> None:
    """Three days of samples leave as much as the ring is long."""
    traffic = Traffic()
    ring: Ring = getattr(traffic, name)
    samples = 3 * 86_400 // int(SAMPLE_EVERY_S)
    for at in range(samples):
        traffic.sample(START_S + SAMPLE_EVERY_S * at, seen(at, at))
    now_s = START_S + SAMPLE_EVERY_S * (samples - 1)
    latest = ring.latest(now_s)
    assert (len(latest), ring.span_s) == (intervals, span_s)
    known = [each for each in latest if each]
    assert len(known) == intervals
    assert known[0].viewers == samples - 1 - span_s // SAMPLE_EVERY_S + ring.length_s // 10
    assert len(ring._intervals) == intervals
    assert sum(map(sys.getsizeof, ring._intervals)) < 10_000


def test_time_goes_on_without_samples() -> None:
    """What is drawn ends now, whenever the last sample was."""
    ring = Ring(60.0, 3)
    ring.add(0.0, 7, 11, 10.0)
    assert [each and each.viewers for each in ring.latest(119.0)] == [None, 7, None]
    assert ring.latest(600.0) == [None, None, None]


async def test_samples_are_taken_at_once_and_then_regularly() -> None:
    """Until the watch is ended; the sleep between two is the loop's."""
    traffic, asked = Traffic(), []

    def view(now_s: float) -> StreamView:
        asked.append(now_s)
        raise LookupError  # ends the watch after one look

    with pytest.raises(LookupError):
        await traffic.watch(view)
    assert len(asked) == 1
