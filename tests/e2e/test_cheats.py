"""Every cheat before the real prober, beside honest nodes: `make cheats` with fewer trials."""

import os
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from bench.cheat_figures import figures_of, is_provable
from bench.cheat_kinds import CONTENT, FLAGGED_WITHIN, NOTHING, RELAYING, UNCHECKED
from bench.cheats import measure
from bench.kinds.honest_kinds import NEIGHBOUR, OF_ENGINE, HonestKind, kinds_like
from bench.kinds.reader_differences import differences, opinions_of
from bench.trial_plans import Plan
from bench.trials import Tally
from coordinator.checking.checks import Verdict
from coordinator.checking.lengths import Length
from coordinator.checking.suspicion import PROVEN_WRONG
from coordinator.reasons import Reason
from emulator.cheats import PROGRAMS
from tests.e2e.agents import ENGINE, node_engine
from tests.e2e.media import children_of_this_process

pytestmark = pytest.mark.asyncio(loop_scope="module")
SLOW = frozenset({"delayed-70", *FLAGGED_WITHIN})
"""Needs more than a minute before it serves at all, or fails only some checks; `make cheats`
tries them."""
KINDS = kinds_like(f"show by {node}" for node in OF_ENGINE)
if (
    ENGINE == "restream"
):  # what others pull, an ingest of restream sends; not all of them hand it on
    KINDS += kinds_like(
        ("no-sound by 1 hop", "sound-only by slow line", "still by 1 hop", "hevc by 1 hop")
    )
    KINDS += kinds_like(("late-picture by 1 hop", "reset by 2 hops"))
PLAN = Plan(
    kinds=KINDS,
    cheats=tuple(kind for kind in PROGRAMS if kind not in SLOW),
    checks=2 * len(KINDS),
    trials=1,
    at_once=8,
    engine=ENGINE,
    longest=Length.LONG,
)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def found(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[dict[str, Tally]]:
    """One run for all the tests below; it leaves no process behind."""
    os.environ["PATH"] = node_engine().get("PATH", os.environ["PATH"])
    children = children_of_this_process()
    yield await measure(PLAN, tmp_path_factory.mktemp("logs"))
    assert children_of_this_process() == children


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.name)
async def test_no_honest_node_fails(found: dict[str, Tally], kind: HonestKind) -> None:
    """One hop, two, ffmpeg, throttled, behind a line that delays and stalls; rare publishers."""
    tally = found[kind.name]
    assert len(tally.checks) == 2
    assert tally.count(Verdict.FAIL) == 0, tally.checks
    assert is_provable(tally), tally.checks


async def test_both_readers_say_the_same_or_it_is_written_why(found: dict[str, Tally]) -> None:
    """Each kind's bytes went through both."""
    honest = [found[kind.name] for kind in KINDS]
    assert all(map(opinions_of, honest))
    assert all(differences(honest).values()), differences(honest)


async def test_the_goals_are_told_of_what_was_tried(found: dict[str, Tally]) -> None:
    """What `make cheats` hands in: fewer checks than it wants, and none that failed."""
    missed = {figure.name for figure in figures_of(found) if figure.met is False}
    assert missed <= {"honest kinds of publisher and node", "honest checks"}


@pytest.mark.parametrize("kind", sorted((CONTENT | NOTHING) - SLOW))
async def test_a_cheat_does_not_pass(found: dict[str, Tally], kind: str) -> None:
    """Neither with other content, nor with less of it, nor with nothing."""
    (check,) = found[kind].checks
    assert check.verdict is Verdict.FAIL, check


@pytest.mark.parametrize("kind", ["loop", "other-content", "re-encoded", "wrong-stream"])
async def test_other_packets_are_called_that(found: dict[str, Tally], kind: str) -> None:
    """Two of these flag at once, so the reason matters."""
    (check,) = found[kind].checks
    assert check.reason in PROVEN_WRONG, check


@pytest.mark.parametrize("kind", sorted(RELAYING))
async def test_whoever_forwards_the_live_stream_passes(found: dict[str, Tally], kind: str) -> None:
    """No check can tell; docs/threat-model.md says so, and this keeps it true."""
    (check,) = found[kind].checks
    assert check.verdict is Verdict.PASS, check


@pytest.mark.parametrize("kind", sorted(PROGRAMS.keys() - SLOW - UNCHECKED))
async def test_every_cheats_statistics_look_alive(found: dict[str, Tally], kind: str) -> None:
    """So that it is the check, and not a clumsy claim, that tells."""
    tally = found[kind]
    assert tally.polls
    assert tally.polled_up == tally.polls.total()


async def test_a_borrowed_address_is_never_up(found: dict[str, Tally]) -> None:
    """The honest neighbour's own statistics answer there, with its own id."""
    tally = found["borrowed-address"]
    assert tally.polls
    assert set(tally.polls) == {Reason.WRONG_NODE}


async def test_the_neighbour_whose_address_was_claimed_stays_up(found: dict[str, Tally]) -> None:
    """Claiming is no weapon."""
    tally = found[NEIGHBOUR.name]
    assert set(tally.polls) == {Reason.OK}
