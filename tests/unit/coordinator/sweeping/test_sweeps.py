"""One node's row, and one shard's document."""

from dataclasses import replace

import pytest

from coordinator.documents.bitmaps import bitmap_from
from coordinator.reasons import Reason
from coordinator.strangers.relay_stats import Media, RelayStats
from coordinator.sweeping.polls import OUTCOME_OF_FAILURE, Outcome, Poll, outcome_of
from coordinator.sweeping.rosters import Slot
from coordinator.sweeping.shards import WHOLE, Shard
from coordinator.sweeping.sweeps import SWEEP_BITS, SWEEPS, Sweep, newest_of, sweep_key

SLOT = Slot("n2", "s3", "http://192.0.2.5:8080/stats.json", "192.0.2.5", 1935, 7, 11.0)
LIVE = RelayStats(Media.LIVE, viewers=3, bytes_in=500, bytes_out=900, node_id="n2")


def _judged(
    answer: RelayStats | Reason, previous: Poll | None = None, *, live: bool = True
) -> tuple[Outcome, Reason]:
    poll = outcome_of(SLOT, answer, previous, stream_is_live=live, tick=13)
    return poll.outcome, poll.reason


@pytest.mark.parametrize(
    ("answer", "live", "outcome", "reason"),
    [
        (LIVE, True, Outcome.UP, Reason.OK),
        (LIVE._replace(node_id=None), True, Outcome.UP, Reason.OK),
        (LIVE._replace(node_id="n9"), True, Outcome.INVALID, Reason.WRONG_NODE),
        (LIVE._replace(media=Media.ABSENT), True, Outcome.INVALID, Reason.WRONG_STREAM),
        (LIVE._replace(media=Media.RELAY_DOWN), True, Outcome.DOWN, Reason.RELAY_DOWN),
        (LIVE._replace(media=Media.WAITING), True, Outcome.DOWN, Reason.UPSTREAM_DOWN),
        (LIVE._replace(media=Media.WAITING), False, Outcome.IDLE, Reason.STREAM_IDLE),
        (Reason.CONNECT_FAILED, True, Outcome.DOWN, Reason.CONNECT_FAILED),
        (Reason.ADDRESS_BLOCKED, True, Outcome.BLOCKED, Reason.ADDRESS_BLOCKED),
        (Reason.STATS_INVALID, True, Outcome.INVALID, Reason.STATS_INVALID),
        (Reason.UNKNOWN_INTERNAL, True, Outcome.UNKNOWN, Reason.UNKNOWN_INTERNAL),
    ],
)
def test_what_a_node_says_decides_its_outcome(
    answer: RelayStats | Reason, live: bool, outcome: Outcome, reason: Reason
) -> None:
    """Each with its own public reason."""
    assert _judged(answer, live=live) == (outcome, reason)


def test_counters_that_stand_still_are_a_stall() -> None:
    """After two sweeps without a byte; one may be chance."""
    first = outcome_of(SLOT, LIVE, None, stream_is_live=True, tick=13)
    second = outcome_of(SLOT, LIVE, first, stream_is_live=True, tick=14)
    third = outcome_of(SLOT, LIVE, second, stream_is_live=True, tick=15)
    assert [p.outcome for p in (first, second, third)] == [Outcome.UP, Outcome.UP, Outcome.STALLED]
    moving = LIVE._replace(bytes_in=501)
    assert outcome_of(SLOT, moving, third, stream_is_live=True, tick=16).outcome is Outcome.UP


def test_an_unmeasured_minute_keeps_whether_the_node_was_up() -> None:
    """Who has just joined was not; of who was never measured on this roster nobody knows."""
    fault = Reason.UNKNOWN_INTERNAL
    for answer, was_up in ((LIVE, True), (Reason.CONNECT_FAILED, False)):
        poll = outcome_of(SLOT, answer, None, stream_is_live=True, tick=13)
        for tick in (14, 15):
            poll = outcome_of(SLOT, fault, poll, stream_is_live=True, tick=tick)
            assert poll.was_up is was_up
            bits = Sweep(WHOLE, tick, 1, {5: poll}).bits()
            assert bits.not_up_before == (0 if was_up else 1 << 5)
    for tick, was_up in ((SLOT.joined_tick, False), (SLOT.joined_tick + 1, True)):
        poll = outcome_of(SLOT, fault, None, stream_is_live=True, tick=tick)
        assert poll.was_up is was_up


def test_a_sweep_says_who_waits_for_a_live_stream() -> None:
    """Of those that are down; who waits for a dead one is idle."""
    waits, ailing = (LIVE._replace(media=each) for each in (Media.WAITING, Media.RELAY_DOWN))
    answers: list[RelayStats | Reason] = [waits, ailing, Reason.CONNECT_FAILED, LIVE]
    for live, waiting in ((True, 0b0001), (False, 0)):
        polls = {
            at: outcome_of(SLOT, answer, None, stream_is_live=live, tick=13)
            for at, answer in enumerate(answers)
        }
        assert Sweep(WHOLE, 13, 1, polls).bits().waiting == waiting


def test_a_relay_without_counters_cannot_stand_still() -> None:
    """rtmp_relay counts no bytes; checks tell."""
    poll = None
    for tick in range(13, 20):
        stats = LIVE._replace(bytes_in=None)
        poll = outcome_of(SLOT, stats, poll, stream_is_live=True, tick=tick)
    assert poll is not None
    assert poll.outcome is Outcome.UP
    assert (poll.minutes_up, poll.minutes_due, poll.since_tick) == (7, 7, 13)


def test_missed_polls_are_counted_in_a_row() -> None:
    """An answer of no use is one; statistics end the row, bad news too."""
    impostor, elsewhere = LIVE._replace(node_id="n3"), RelayStats(Media.ABSENT)
    poll, misses = None, []
    answers: list[RelayStats | Reason] = [Reason.CONNECT_FAILED, Reason.STATS_INVALID]
    for tick, answer in enumerate([*answers, impostor, elsewhere, LIVE], 13):
        poll = outcome_of(SLOT, answer, poll, stream_is_live=True, tick=tick)
        misses.append(poll.misses)
    assert misses == [1, 2, 3, 4, 0]


def test_every_failure_of_a_poll_has_an_outcome() -> None:
    """Or a sweep would end with an error."""
    poll_failures = {
        Reason.URL_INVALID, Reason.ADDRESS_BLOCKED, Reason.PORT_BLOCKED, Reason.NAME_UNRESOLVED,
        Reason.CONNECT_FAILED, Reason.STATS_TIMEOUT, Reason.STATS_BAD_HTTP,
        Reason.STATS_TOO_LARGE, Reason.STATS_INVALID, Reason.UNKNOWN_RESOLVER,
    }  # fmt: skip
    assert poll_failures <= OUTCOME_OF_FAILURE.keys()
    ours = {reason for reason, how in OUTCOME_OF_FAILURE.items() if how is Outcome.UNKNOWN}
    assert ours == {reason for reason in OUTCOME_OF_FAILURE if reason.is_ours}


def test_a_sweep_survives_its_document() -> None:
    """Rows and bitmaps say the same."""
    up = outcome_of(SLOT, LIVE, None, stream_is_live=True, tick=13)
    down = outcome_of(SLOT, Reason.CONNECT_FAILED, None, stream_is_live=True, tick=13)
    sweep = Sweep(shard=WHOLE, tick=13, roster_version=1, polls={0: up, 3: down, 17: up})
    fields = SWEEPS.encode(sweep)
    assert SWEEPS.decode(fields) == sweep
    assert bitmap_from(fields["probed"]) == 1 << 0 | 1 << 3 | 1 << 17
    bits = SWEEP_BITS.decode({**fields, "recorded_s": 787.0})
    assert bits.up == 1 << 0 | 1 << 17
    assert (bits.unknown, bits.recorded_s) == (0, 787.0)


def test_a_node_is_lost_after_three_misses() -> None:
    """Not after two."""
    rows = {at: Poll(Outcome.DOWN, Reason.CONNECT_FAILED, 5, 2, misses=at) for at in (1, 2, 3, 4)}
    assert Sweep(WHOLE, 13, 1, rows).lost() == [3, 4]


def test_the_newest_sweeps_are_of_one_division() -> None:
    """Those of the count before, and of an earlier reign of the same one, are not among them."""
    old = [Sweep(Shard(number, 3), 13, 1, {}, since_tick=1) for number in range(3)]
    between = Sweep(WHOLE, 17, 14, {}, since_tick=14)
    new = [Sweep(Shard(at, 3), 19 + at, 18, {}, since_tick=18) for at in (1, 0)]
    stale = replace(new[1], tick=18)
    assert newest_of([*old, between, *new, stale]) == [new[1], new[0]]
    assert newest_of(old) == old
    assert newest_of([]) == []


@pytest.mark.parametrize("name", ["sweep-0-17", "sweep-0of1", "sweep-0of1-x", "0of1-17", "latest"])
def test_what_is_no_sweeps_name_is_refused(name: str) -> None:
    """Somebody typed it."""
    assert sweep_key("sweep-2of3-000000000017") == (Shard(2, 3), 17)
    with pytest.raises(ValueError, match="named like"):
        sweep_key(name)
