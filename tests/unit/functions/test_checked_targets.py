"""A name may lead checks to somebody else, and few of them."""

from collections.abc import Sequence

import pytest

from coordinator.adapters.log import Log
from coordinator.adapters.media.rtmp_reference import Reference
from coordinator.adapters.outbound.guard import Guard
from coordinator.adapters.outbound.http_client import HttpClient
from coordinator.adapters.outbound.replies import Failed, Fetched
from coordinator.checking.checks import Verdict
from coordinator.proof.judging import Proof, ProofParameters
from coordinator.reasons import Reason
from coordinator.strangers.addresses import AddressRefused, HttpAddress
from coordinator.strangers.source_bounds import CHECKED, Side
from coordinator.sweeping.rosters import Slot
from prober.capacity import Capacity
from prober.captor import captor_of
from prober.checked_targets import BEGINS_S, CheckedTargets
from prober.checker import Checker
from prober.draws import Due
from rtmp.addresses import RtmpAddress
from tests.generated_streams import Publisher
from tests.integration.stats_servers import stats_of
from tests.packet_streams import T0

VICTIM, OTHER = "51.7.3.2", "51.7.3.3"
MOST = CHECKED[Side.TARGET].burst


class _Targets:
    """A prober's, an hour after its start, and a clock."""

    def __init__(self, parts: int = 1, since_s: float = BEGINS_S) -> None:
        self.now_s = 0.0
        self.targets = CheckedTargets(lambda: self.now_s, parts)
        self.now_s += since_s

    def why(
        self, name: str, address: str = VICTIM, *, has_passed: bool = True, host: str = ""
    ) -> Reason | None:
        """Why it is not connected to; None if it is."""
        try:
            self.targets.require(_slot(name, host), address, has_passed=has_passed)
        except AddressRefused as refused:
            return refused.reason
        return None


def _slot(name: str, host: str = "") -> Slot:
    return Slot(name, "s3", "http://a.example/s", host or f"{name}.example", 1935, 5, 1.0)


def test_a_thousand_names_of_one_address_are_a_few_connections() -> None:
    """Whoever has passed before is as one that cannot be reached: else a node could have its
    checks spared whenever it serves nothing."""
    targets = _Targets()
    found = [targets.why(f"n{n}") for n in range(1_000)]
    assert found == [None] * MOST + [Reason.TARGET_CROWDED] * (1_000 - MOST)
    assert targets.why("n0", OTHER) is None


def test_in_an_hour_they_are_not_many_more() -> None:
    """By all parts of the prober together."""
    calls = 0
    parts = [_Targets(4) for _ in range(4)]
    for second in range(3_600):
        for part in parts:
            part.now_s = BEGINS_S + second
            calls += part.why(f"n{second}") is None
    assert calls <= CHECKED[Side.TARGET].most_in(3_600)


def test_whoever_passed_there_by_its_own_statistics_is_no_stranger() -> None:
    """There and nowhere else."""
    targets = _Targets()
    targets.targets.confirmed(_slot("own"), VICTIM)
    for n in range(MOST + 3):
        targets.why(f"n{n}")
        targets.why(f"n{n}", OTHER)
    assert [targets.why("own") for _ in range(20)] == [None] * 20
    assert targets.why("own", OTHER) is Reason.TARGET_CROWDED


@pytest.mark.parametrize(("since_s", "has_passed"), [(BEGINS_S, False), (BEGINS_S - 1, True)])
def test_nothing_is_held_against_whom_nobody_could_know(since_s: float, has_passed: bool) -> None:
    """Who never passed is paid nothing; and our own start is our fault."""
    targets = _Targets(since_s=since_s)
    found = [targets.why(f"n{n}", has_passed=has_passed) for n in range(MOST + 1)]
    assert found[-1] is Reason.UNKNOWN_ADDRESS


def test_literal_and_private_addresses_are_not_counted() -> None:
    """The collector has asked just there; and no stranger can name what is inside."""
    targets = _Targets()
    assert {targets.why(f"n{n}", host=VICTIM) for n in range(99)} == {None}
    assert {targets.why(f"n{n}", "192.168.1.7") for n in range(99)} == {None}


async def _at_the_victim(_: str) -> Sequence[str]:
    return [VICTIM]


class _Checking:
    """A prober's checker an hour after its start; every name leads to the victim."""

    def __init__(self, client: HttpClient) -> None:
        self.now_s = T0 + 130 - BEGINS_S
        self.checker = Checker(
            captor_of(self._clock),
            client,
            ProofParameters(),
            self._clock,
            self._sleep,
            Log("prober", "ERROR"),
            Capacity(1.0),
        )
        self.now_s += BEGINS_S

    def _clock(self) -> float:
        return self.now_s

    async def _sleep(self, seconds: float) -> None:
        self.now_s += seconds

    async def check(self, due: Due) -> tuple[Verdict, Reason]:
        reference = Reference(RtmpAddress("192.0.2.1", 1935, "live", "s3"), now=self._clock)
        for packet in Publisher().stream():
            reference.window.take(packet)
        made = await self.checker.check(due, 7, reference, self.checker.ingest_checks())
        return made.verdict, made.reason


@pytest.mark.parametrize(
    ("has_passed", "told"),
    [
        (True, (Verdict.FAIL, Reason.UNREACHABLE)),
        (False, (Verdict.UNKNOWN, Reason.UNKNOWN_ADDRESS)),
    ],
)
async def test_a_check_that_may_not_be_made_connects_to_nobody(
    has_passed: bool, told: tuple[Verdict, Reason]
) -> None:
    """Others led there before it."""
    checking = _Checking(HttpClient(Guard(allow_private=False, resolve=_at_the_victim)))
    for n in range(MOST):
        checking.checker.targets.require(_slot(f"n{n}"), VICTIM, has_passed=False)
    due = Due(_slot("late"), checking.now_s, has_passed=has_passed)
    assert await checking.check(due) == told


class _Statistics(HttpClient):
    """Of one node, wherever it is asked."""

    async def get(self, address: HttpAddress, *, at: str | None = None) -> Fetched | Failed:
        return Fetched(stats_of("own"), at or "")


@pytest.mark.parametrize(("name", "is_known"), [("own", True), ("other", False)])
async def test_a_pass_makes_the_address_known_if_the_node_s_statistics_answer_there(
    name: str, is_known: bool
) -> None:
    """And not if another's do."""
    checker = _Checking(_Statistics(Guard(allow_private=False))).checker
    await checker._owned(Proof(Verdict.PASS, Reason.PASSED), Due(_slot(name), 0.0), VICTIM)
    for n in range(MOST):
        checker.targets.require(_slot(f"n{n}"), VICTIM, has_passed=False)
    found = None
    try:
        checker.targets.require(_slot(name), VICTIM, has_passed=True)
    except AddressRefused as refused:
        found = refused.reason
    assert (found is None) is is_known
