"""Retests: when they come, and that nobody's place is taken while a check waits for its own."""

import asyncio

import pytest

from coordinator.adapters.log import Log
from coordinator.adapters.media.rtmp_reference import Reference
from coordinator.adapters.outbound.guard import Guard
from coordinator.adapters.outbound.http_client import HttpClient
from coordinator.checking.checks import Check, Verdict
from coordinator.checking.lengths import Length
from coordinator.proof.judging import Proof, ProofParameters
from coordinator.reasons import Reason
from coordinator.sweeping.rosters import Slot
from prober.capacity import Capacity
from prober.captor import captor_of
from prober.checker import Checker, retest_after_s
from prober.draw_checks import unknown
from prober.draws import Due
from rtmp.addresses import RtmpAddress
from tests.generated_streams import Publisher
from tests.packet_streams import T0

LATER_S = 31.0
DUE_S = T0 + 130
NOWHERE = Slot("n3", "s3", "http://192.0.2.5/stats.json", "192.0.2.5", 1935, 1, 1.0)
"""An address that is nobody's: the guard turns it down, and no socket is opened."""


class Waiting:
    """A checker whose time passes as it sleeps."""

    def __init__(self) -> None:
        self.now_s = DUE_S
        self.capacity = Capacity(1.0)
        self.taken: list[tuple[float, int]] = []
        """(how long it slept, how many places were taken meanwhile)."""
        self.checker = Checker(
            captor_of(self.clock),
            HttpClient(Guard(allow_private=False)),
            ProofParameters(),
            self.clock,
            self.sleep,
            Log("prober", "ERROR"),
            self.capacity,
        )

    def clock(self) -> float:
        return self.now_s

    async def sleep(self, seconds: float) -> None:
        self.taken.append((seconds, self.capacity.all.count))
        self.now_s += seconds

    async def check(self, due: Due) -> Verdict:
        return (await self.made(due)).verdict

    async def made(self, due: Due) -> Check:
        """The whole check."""
        reference = Reference(RtmpAddress("192.0.2.1", 1935, "live", "s3"), now=self.clock)
        for packet in Publisher().stream():
            reference.window.take(packet)
        return await self.checker.check(due, 7, reference, self.checker.ingest_checks())


def test_who_waits_for_a_retest_keeps_nobody_else_from_being_checked() -> None:
    """A minute at most of doing nothing; afterwards all that was taken is given back."""
    waiting = Waiting()
    due = Due(NOWHERE, DUE_S, retest_after_s=LATER_S)
    assert asyncio.run(waiting.check(due)) is Verdict.FAIL
    assert (LATER_S, 0) in waiting.taken
    assert [count for seconds, count in waiting.taken if seconds not in (LATER_S, 0.0)] == [1, 1]
    assert (waiting.capacity.all.count, waiting.capacity.all.work_micros) == (0, 0)


@pytest.mark.parametrize("is_watched", [False, True])
def test_a_check_says_whether_its_node_was_watched(is_watched: bool) -> None:
    """Also one that could not be made: what fails voids by it."""
    due = Due(NOWHERE, DUE_S, retest_after_s=LATER_S, is_watched=is_watched)
    assert asyncio.run(Waiting().made(due)).is_watched is is_watched
    assert unknown(due, 7, Reason.UNKNOWN_CAPACITY).is_watched is is_watched


@pytest.mark.parametrize("is_gone", [False, True])
def test_who_has_said_goodbye_is_not_looked_for_again(is_gone: bool) -> None:
    """Of everybody else a failure counts only when its retest fails."""
    waiting = Waiting()

    async def has_left(node_id: str, stream_id: str) -> bool:
        return is_gone and (node_id, stream_id) == (NOWHERE.node_id, NOWHERE.stream_id)

    waiting.checker.has_left = has_left
    due = Due(NOWHERE, DUE_S, retest_after_s=LATER_S)
    assert asyncio.run(waiting.check(due)) is Verdict.FAIL
    assert ((LATER_S, 0) in waiting.taken) is not is_gone


class _CancelledError(Exception):
    """The run is given up while the check sleeps."""


def test_a_check_that_is_given_up_as_it_waits_has_taken_nothing() -> None:
    """What it gave back is not given back twice."""
    waiting = Waiting()

    async def sleep(seconds: float) -> None:
        await Waiting.sleep(waiting, seconds)
        if seconds == LATER_S:
            raise _CancelledError

    waiting.checker.sleep = sleep
    with pytest.raises(_CancelledError):
        asyncio.run(waiting.check(Due(NOWHERE, DUE_S, retest_after_s=LATER_S)))
    assert (waiting.capacity.all.count, waiting.capacity.all.work_micros) == (0, 0)


@pytest.mark.parametrize(
    ("length", "reason", "wanted_s"),
    [
        (Length.SHORT, Reason.UNREACHABLE, LATER_S),
        (Length.SHORT, Reason.NO_STREAM, LATER_S),
        (Length.SHORT, Reason.STALLED, 0.0),
        (Length.LONG, Reason.TOO_SLOW, 0.0),
        (Length.VERY_LONG, Reason.NO_STREAM, LATER_S),
        (Length.VERY_LONG, Reason.STALLED, LATER_S),
    ],
)
def test_who_may_know_a_retest_when_it_comes_at_once_does_not(
    length: Length, reason: Reason, wanted_s: float
) -> None:
    """Who turns away the first caller, and who cuts viewers late, and serves the next one."""
    due = Due(NOWHERE, DUE_S, length, retest_after_s=LATER_S)
    assert retest_after_s(due, Proof(Verdict.FAIL, reason)) == wanted_s
