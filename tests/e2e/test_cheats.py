"""Every cheat before the real prober, beside honest nodes: `make cheats` with fewer trials."""

import os
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from bench.cheat_figures import Found
from bench.cheat_kinds import CONTENT, FLAGGED_WITHIN, NOTHING, RELAYING, UNCHECKED
from bench.cheats import Plan, measure
from bench.stage import HONEST
from coordinator.checking.checks import Verdict
from coordinator.checking.suspicion import PROVEN_WRONG
from coordinator.reasons import Reason
from emulator.cheats import PROGRAMS
from tests.e2e.agents import ENGINE, node_engine
from tests.e2e.media import children_of_this_process

pytestmark = pytest.mark.asyncio(loop_scope="module")
SLOW = frozenset({"delayed-70", *FLAGGED_WITHIN})
"""Needs more than a minute before it serves at all, or fails only some checks; `make cheats`
tries them."""
PLAN = Plan(
    trials=1,
    honest_trials=2 * len(HONEST),
    rate=0,
    cheats=tuple(kind for kind in PROGRAMS if kind not in SLOW),
    engine=ENGINE,
)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def found(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Found]:
    """One run for all the tests below; it leaves no process behind."""
    os.environ["PATH"] = node_engine().get("PATH", os.environ["PATH"])
    children = children_of_this_process()
    yield await measure(PLAN, tmp_path_factory.mktemp("logs"))
    assert children_of_this_process() == children


@pytest.mark.parametrize("name", HONEST)
async def test_no_honest_node_fails(found: Found, name: str) -> None:
    """One hop, two, ffmpeg, throttled, behind a line that delays and stalls."""
    tally = found.tallies[name]
    assert tally.checks
    assert tally.count(Verdict.FAIL) == 0, tally.checks


@pytest.mark.parametrize("kind", sorted((CONTENT | NOTHING) - SLOW))
async def test_a_cheat_does_not_pass(found: Found, kind: str) -> None:
    """Neither with other content, nor with less of it, nor with nothing."""
    (check,) = found.tallies[kind].checks
    assert check.verdict is Verdict.FAIL, check


@pytest.mark.parametrize("kind", ["loop", "other-content", "re-encoded", "wrong-stream"])
async def test_other_packets_are_called_that(found: Found, kind: str) -> None:
    """Two of these flag at once, so the reason matters."""
    (check,) = found.tallies[kind].checks
    assert check.reason in PROVEN_WRONG, check


@pytest.mark.parametrize("kind", sorted(RELAYING))
async def test_whoever_forwards_the_live_stream_passes(found: Found, kind: str) -> None:
    """No check can tell; docs/threat-model.md says so, and this keeps it true."""
    (check,) = found.tallies[kind].checks
    assert check.verdict is Verdict.PASS, check


@pytest.mark.parametrize("kind", sorted(PROGRAMS.keys() - SLOW - UNCHECKED))
async def test_every_cheats_statistics_look_alive(found: Found, kind: str) -> None:
    """So that it is the check, and not a clumsy claim, that tells."""
    tally = found.tallies[kind]
    assert tally.polls
    assert tally.polled_up == tally.polls.total()


async def test_a_borrowed_address_is_never_up(found: Found) -> None:
    """The honest neighbour's own statistics answer there, with its own id."""
    tally = found.tallies["borrowed-address"]
    assert tally.polls
    assert set(tally.polls) == {Reason.WRONG_NODE}


async def test_the_neighbour_whose_address_was_claimed_stays_up(found: Found) -> None:
    """Claiming is no weapon."""
    tally = found.tallies[HONEST[0]]
    assert set(tally.polls) == {Reason.OK}
