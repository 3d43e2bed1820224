"""A network document's rows as columns: equal things stand side by side, and compress.

Built column by column too: row by row it took half as long as the polls that it tells of. What a
column holds is chosen so that most of its values are equal, or small. It counts the minutes that a
node was not there, and not those that it was.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from operator import attrgetter

from coordinator.checking.suspicion import NOBODY, TrustState
from coordinator.documents.columns import Columns, rows_of
from coordinator.projections.history import NO_HISTORY, NodeHistory
from coordinator.reasons import Reason
from coordinator.sweeping.packed_rosters import with_host, without_host
from coordinator.sweeping.polls import Outcome, Poll
from coordinator.sweeping.rollups import NodeHour
from coordinator.sweeping.rosters import Slot

_NO_POLL = Poll(Outcome.UNKNOWN, Reason.NOT_YET_SWEPT, 0, 0)
"""Stands for a slot that was not polled: no poll has this reason."""
_UNSHOWN = (
    "passed_short_s",
    "passed_long_s",
    "passed_very_long_s",
    "new_until_s",
    "stake_slot",
    "stake_bits",
    "place",
    "credit",
)
"""Of a node's trust: pay and draws go by these alone."""


@dataclass(frozen=True, slots=True)
class ShownPoll:
    """The columns of polls."""

    outcome: Outcome
    reason: Reason
    minutes_away: int
    """Since the slot was polled first, as far as it was not."""
    minutes_lost: int
    misses: int
    viewers: int
    since_tick: int


@dataclass(frozen=True, slots=True)
class ShownPast:
    """The columns of what was before; the numbers are of the day that is not over."""

    hours: str
    days: str
    due: int
    up: int
    unknown: int
    idle: int
    thumbnail: str | None


def slot_columns(slots: Sequence[Slot]) -> Columns:
    """The slots themselves."""
    columns = {each.name: list(map(attrgetter(each.name), slots)) for each in fields(Slot)}
    columns["stats_url"] = list(map(without_host, slots))
    # Of a node that is polled nobody asks it, and no two are alike.
    columns["changed_s"] = [0.0 if slot.left_tick is None else slot.changed_s for slot in slots]
    # Of one that is polled its row says more. Most nodes were first heard of when they joined.
    for name in ("minutes_due", "minutes_up"):
        columns[name] = [0 if slot.left_tick is None else getattr(slot, name) for slot in slots]
    columns["first_tick"] = [slot.joined_tick - slot.first_tick for slot in slots]
    return columns


def slots_of(columns: Columns) -> tuple[Slot, ...]:
    """The slots that were put in."""
    urls = list(map(with_host, columns["stats_url"], columns["rtmp_host"]))
    joined = zip(columns["joined_tick"], columns["first_tick"], strict=True)
    first = [tick - before for tick, before in joined]
    return tuple(rows_of(Slot, {**columns, "stats_url": urls, "first_tick": first}))


def poll_columns(slots: Sequence[Slot], polls: Mapping[int, Poll], tick: int) -> Columns:
    """How each slot stood at `tick`."""
    known = [polls.get(at, _NO_POLL) for at in range(len(slots))]
    return {
        "outcome": [poll.outcome for poll in known],
        "reason": [poll.reason for poll in known],
        "minutes_away": [tick - poll.minutes_due if poll is not _NO_POLL else 0 for poll in known],
        "minutes_lost": [poll.minutes_due - poll.minutes_up for poll in known],
        "misses": [poll.misses for poll in known],
        "viewers": [poll.viewers for poll in known],
        "since_tick": [poll.since_tick for poll in known],
    }


def polls_of(columns: Columns, tick: int) -> dict[int, Poll]:
    """Their polls, by slot."""
    shown = enumerate(rows_of(ShownPoll, columns))
    return {at: _poll_of(one, tick) for at, one in shown if one.reason is not _NO_POLL.reason}


def _poll_of(shown: ShownPoll, tick: int) -> Poll:
    due = tick - shown.minutes_away
    return Poll(
        shown.outcome,
        shown.reason,
        due,
        due - shown.minutes_lost,
        misses=shown.misses,
        viewers=shown.viewers,
        since_tick=shown.since_tick,
    )


def trust_columns(slots: Sequence[Slot], trust: Mapping[str, TrustState]) -> Columns:
    """What checks have shown of each slot's node; instants in whole seconds.

    Without what only pay and draws go by: no two nodes have it alike."""
    states = [trust.get(slot.node_id, NOBODY) for slot in slots]
    columns = {each.name: list(map(attrgetter(each.name), states)) for each in fields(TrustState)}
    columns |= {name: [getattr(NOBODY, name)] * len(states) for name in _UNSHOWN}
    for name in ("last_check_s", "last_pass_s", "flagged_s", "delisted_s", "doubted_s"):
        columns[name] = [None if at_s is None else int(at_s) for at_s in columns[name]]
    passed = zip(columns["last_check_s"], columns["last_pass_s"], strict=True)
    # As the time before the last check, which is mostly none: the last check passed.
    columns["last_pass_s"] = [None if p is None else at_s - p for at_s, p in passed]
    return columns


def trust_of(slots: Sequence[Slot], columns: Columns) -> dict[str, TrustState]:
    """Their trust, by node id."""
    passed = zip(columns["last_check_s"], columns["last_pass_s"], strict=True)
    passed_s = [None if before is None else at_s - before for at_s, before in passed]
    states = rows_of(TrustState, {**columns, "last_pass_s": passed_s})
    return {
        slot.node_id: state for slot, state in zip(slots, states, strict=True) if state != NOBODY
    }


def past_columns(
    slots: Sequence[Slot], history: Mapping[str, NodeHistory], thumbnails: Mapping[str, str]
) -> Columns:
    """What was before, for each slot."""
    known = [history.get(slot.node_id, NO_HISTORY) for slot in slots]
    today = [node.today for node in known]
    return {
        "hours": [node.hours for node in known],
        "days": [node.days for node in known],
        **{each.name: list(map(attrgetter(each.name), today)) for each in fields(NodeHour)},
        "thumbnail": [thumbnails.get(slot.node_id) for slot in slots],
    }


def history_of(slots: Sequence[Slot], past: Columns) -> dict[str, NodeHistory]:
    """The past of the slots' nodes, by node id; nodes without one are absent."""
    shown = zip(slots, rows_of(ShownPast, past), strict=True)
    return {
        slot.node_id: NodeHistory(
            one.hours, one.days, NodeHour(one.due, one.up, one.unknown, one.idle)
        )
        for slot, one in shown
        if one.hours
    }


def thumbnails_of(slots: Sequence[Slot], past: Columns) -> dict[str, str]:
    """Pictures by node id."""
    shown = zip(slots, past["thumbnail"], strict=True)
    return {slot.node_id: name for slot, name in shown if name}
