"""Who is checked in a draw, and when: candidates out of the latest sweeps, then the lottery."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from coordinator.rosters import Roster, Slot
from coordinator.schedule import Lottery
from coordinator.suspicion import Trust
from coordinator.sweeps import Outcome, Sweep
from coordinator.trustbook import TrustBook


@dataclass(frozen=True, slots=True)
class Due:
    """A check to be made."""

    slot: Slot
    due_s: float
    caused_by_s: float | None = None
    """Not drawn, but due because the node is flagged: when the check that flagged it was due.
    A flagged node is retested in every draw."""


def candidates(sweeps: Iterable[Sweep], rosters: Mapping[int, Roster]) -> list[Slot]:
    """The nodes whose stats claimed in the latest sweep of their shard that they relay now."""
    found = []
    for sweep in sweeps:
        slots = rosters[sweep.shard].slots
        found += [
            slots[at] for at, poll in sorted(sweep.polls.items()) if poll.outcome is Outcome.UP
        ]
    return found


def due_in(draw: int, slots: Iterable[Slot], book: TrustBook, lottery: Lottery) -> list[Due]:
    """The checks of a draw, earliest first: drawn ones, and all flagged nodes."""
    found = []
    for slot in slots:
        state = book.of(slot.node_id)
        drawn = lottery.is_due(slot.node_id, draw)
        if state.trust is not Trust.FRAUD and (drawn or state.trust is Trust.FLAGGED):
            caused_by_s = None if drawn else state.flagged_s
            found.append(Due(slot, lottery.due_s(slot.node_id, draw), caused_by_s))
    return sorted(found, key=lambda due: (due.due_s, due.slot.node_id))
