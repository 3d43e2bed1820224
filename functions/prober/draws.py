"""Who is checked in a draw, and when: candidates out of the latest sweeps, then the lottery."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from coordinator.checking.checks import Control
from coordinator.checking.delistings import first_failure_s, is_retested
from coordinator.checking.lengths import Length, longer_of
from coordinator.checking.lottery import STAKE_MAX, Lottery
from coordinator.checking.neighbours import watched
from coordinator.checking.stakes import stake_of
from coordinator.checking.suspicion import Trust, TrustState, may_change_by_failing
from coordinator.checking.trust_book import TrustBook
from coordinator.sweeping.rosters import Roster, Slot
from coordinator.sweeping.shards import Shard
from coordinator.sweeping.sweeps import Sweep, drawable


@dataclass(frozen=True, slots=True)
class Due:
    """A check to be made."""

    slot: Slot
    due_s: float
    length: Length = Length.SHORT
    caused_by_s: float | None = None
    """Not drawn, but due because of another check, and when that was due: the one that flagged
    the node, which is retested in every draw, or its first failure a few draws ago."""
    is_extra: bool = False
    """A newcomer's, a retest, or one that lasts longer than others' of the same ticket: half of the
    places are kept from them. New keys cost nothing, and checks of two minutes much."""
    is_by_ffprobe: bool = False
    """Whether ffprobe makes the connection, where it reads the stream."""
    is_decoded: bool = False
    """Whether the second reader decodes what comes: drawn, or much hangs on this check."""
    spans_s: tuple[float, ...] = ()
    """When the spans begin that are read of it, if it is a very long one."""
    retest_after_s: float = 0.0
    """How long after it a check that got nothing is repeated."""
    has_passed: bool = False
    """Whether any check of it ever passed."""
    is_watched: bool = False
    """Whether it stands beside a node that keeps its word: so all its checks are very long."""


def candidates(sweeps: Iterable[Sweep], rosters: Mapping[Shard, Roster]) -> list[Slot]:
    """The nodes whose minute, by the latest sweep of their shard, may count as up."""
    found = []
    for sweep in sweeps:
        slots = rosters[sweep.shard].slots
        drawn_from = drawable(sweep.bits(), rosters[sweep.shard])
        found += [slot for at, slot in enumerate(slots) if drawn_from >> at & 1]
    return found


def due_in(  # noqa: PLR0913, PLR0917 - this is all that decides it, and nothing else may
    draw: int,
    slots: Iterable[Slot],
    book: TrustBook,
    lottery: Lottery,
    sweep_seconds: int,
    controls: Mapping[str, Control] | None = None,
) -> list[Due]:
    """The checks of a draw, earliest first: drawn ones, all flagged nodes, all control nodes, and
    nodes that have just failed."""
    known, found = controls or {}, list[Due]()
    standing = [(slot, book.of(slot.node_id)) for slot in slots]
    fixed = _fixed_stakes(standing, draw * lottery.check_seconds, known)
    for slot, state in standing:
        drawn = lottery.is_due(slot.node_id, draw, slot.first_seen_tick * sweep_seconds)
        is_flagged = state.trust is Trust.FLAGGED
        retested = is_flagged or is_retested(state, draw, lottery.check_seconds)
        if state.trust is not Trust.FRAUD and (drawn or retested or slot.node_id in known):
            cause_s = state.flagged_s if is_flagged else first_failure_s(state)
            caused_by_s = cause_s if retested and not drawn else None
            due_s = lottery.due_s(slot.node_id, draw)
            name, is_new = slot.node_id, lottery.is_new(draw, slot.first_seen_tick * sweep_seconds)
            # Or who cuts viewers late would pass what is to find that again.
            stake = fixed.get(name, stake_of(state, due_s))
            length = longer_of(lottery.length(name, draw, stake), state.failed_length)
            lasts_longer = length is not lottery.length(name, draw)
            is_extra = is_new or lasts_longer or caused_by_s is not None
            found.append(
                Due(
                    slot,
                    due_s,
                    length,
                    caused_by_s,
                    is_extra=is_extra and name not in known,
                    is_by_ffprobe=lottery.is_by_ffprobe(name, draw),
                    is_decoded=lottery.is_decoded(name, draw) or may_change_by_failing(state),
                    spans_s=lottery.spans_s(name, draw),
                    retest_after_s=lottery.retest_after_s(name, draw),
                    has_passed=state.last_pass_s is not None,
                    is_watched=name in fixed and name not in known,
                )
            )
    return sorted(found, key=lambda due: (due.due_s, due.slot.node_id))


def _fixed_stakes(
    standing: Iterable[tuple[Slot, TrustState]], at_s: float, controls: Mapping[str, Control]
) -> dict[str, int]:
    """Of control nodes, which nobody stands beside, and of those beside who keeps its word."""
    others = [(slot, state) for slot, state in standing if slot.node_id not in controls]
    streams = {slot.node_id: slot.stream_id for slot, _ in others}
    beside = watched(streams, {slot.node_id: state for slot, state in others}, at_s)
    return dict.fromkeys(controls, STAKE_MAX) | dict.fromkeys(beside, 0)


def frauds_among(slots: Iterable[Slot], book: TrustBook) -> dict[str, float]:
    """Confirmed frauds among them, and when the check that confirmed each was due."""
    states = {slot.node_id: book.of(slot.node_id) for slot in slots}
    return {
        node_id: state.last_check_s or 0.0
        for node_id, state in states.items()
        if state.trust is Trust.FRAUD
    }
