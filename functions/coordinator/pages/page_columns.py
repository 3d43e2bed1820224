"""A network page's rows as columns: equal things stand side by side, and compress.

Built column by column too: row by row it took half as long as the polls that it tells of. What a
column holds is chosen so that it stays the same while nothing happens: counts of minutes that a
node was not there, and not of those that it was.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import fields, replace
from operator import attrgetter
from typing import Any

from coordinator.checking.suspicion import NOBODY, Trust, TrustState
from coordinator.documents.column_memory import Columns
from coordinator.pages.history import NO_HISTORY, NodeHistory
from coordinator.polling.polls import Outcome, Poll
from coordinator.polling.rollups import NodeHour
from coordinator.polling.rosters import Slot
from coordinator.reasons import Reason

_HOST = "{}"
"""Stands in a stats URL for the host, which has a column of its own; no URL can hold it."""
_SLOT = tuple(each.name for each in fields(Slot))
_POLL = (
    "outcome",
    "poll_reason",
    "minutes_away",
    "minutes_lost",
    "misses",
    "viewers",
    "since_tick",
)
_TRUST = tuple(each.name for each in fields(TrustState))
_NO_POLL = Poll(Outcome.UNKNOWN, Reason.NOT_YET_SWEPT, 0, 0)
"""Stands for a slot that was not polled: no poll has this reason."""


def slot_columns(slots: Sequence[Slot]) -> Columns:
    """The slots themselves."""
    columns = {name: list(map(attrgetter(name), slots)) for name in _SLOT}
    columns["stats_url"] = [slot.stats_url.replace(slot.rtmp_host, _HOST, 1) for slot in slots]
    # Of a node that is polled nobody asks it, and no two are alike.
    columns["changed_s"] = [0 if slot.left_tick is None else slot.changed_s for slot in slots]
    return columns


def slots_of(columns: Columns) -> tuple[Slot, ...]:
    """The slots that were put in."""
    hosts = columns["rtmp_host"]
    urls = [url.replace(_HOST, h, 1) for url, h in zip(columns["stats_url"], hosts, strict=True)]
    return tuple(Slot(*row) for row in _rows(columns | {"stats_url": urls}, _SLOT))


def poll_columns(slots: Sequence[Slot], polls: Mapping[int, Poll], tick: int) -> Columns:
    """How each slot stood at `tick`."""
    known = [polls.get(at, _NO_POLL) for at in range(len(slots))]
    return {
        "outcome": [poll.outcome.value for poll in known],
        "poll_reason": [poll.reason.value for poll in known],
        "minutes_away": [tick - poll.minutes_due if poll.minutes_due else 0 for poll in known],
        "minutes_lost": [poll.minutes_due - poll.minutes_up for poll in known],
        "misses": [poll.misses for poll in known],
        "viewers": [poll.viewers for poll in known],
        "since_tick": [poll.since_tick for poll in known],
    }


def polls_of(columns: Columns, tick: int) -> dict[int, Poll]:
    """Their polls, by slot."""
    rows = enumerate(_rows(columns, _POLL))
    return {at: _poll_from(row, tick) for at, row in rows if row[1] != _NO_POLL.reason.value}


def trust_columns(slots: Sequence[Slot], trust: Mapping[str, TrustState]) -> Columns:
    """What checks have shown of each slot's node; instants in whole seconds."""
    states = [trust.get(slot.node_id, NOBODY) for slot in slots]
    columns = {name: list(map(attrgetter(name), states)) for name in _TRUST}
    for name in ("last_check_s", "last_pass_s", "flagged_s"):
        columns[name] = [None if at_s is None else int(at_s) for at_s in columns[name]]
    passed = zip(columns["last_check_s"], columns["last_pass_s"], strict=True)
    # As the time before the last check, which is mostly none: the last check passed.
    columns["last_pass_s"] = [None if p is None else at_s - p for at_s, p in passed]
    return columns


def trust_of(slots: Sequence[Slot], columns: Columns) -> dict[str, TrustState]:
    """Their trust, by node id."""
    passed = zip(columns["last_check_s"], columns["last_pass_s"], strict=True)
    passed_s = [None if before is None else at_s - before for at_s, before in passed]
    rows = _rows(columns | {"last_pass_s": passed_s}, _TRUST)
    states = (replace(TrustState(*row), trust=Trust(row[0])) for row in rows)
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
        **{name: list(map(attrgetter(name), today)) for name in _HOUR},
        "thumbnail": [thumbnails.get(slot.node_id) for slot in slots],
    }


_HOUR = tuple(each.name for each in fields(NodeHour))


def history_of(slots: Sequence[Slot], past: Columns) -> dict[str, NodeHistory]:
    """The past of the slots' nodes, by node id; nodes without one are absent."""
    rows = zip(slots, _rows(past, ("hours", "days", *_HOUR)), strict=True) if past else ()
    return {
        slot.node_id: NodeHistory(hours, days, NodeHour(*today))
        for slot, (hours, days, *today) in rows
        if hours
    }


def thumbnails_of(slots: Sequence[Slot], past: Columns) -> dict[str, str]:
    """Pictures by node id."""
    shown = zip(slots, past["thumbnail"], strict=True) if past else ()
    return {slot.node_id: name for slot, name in shown if name}


def _poll_from(row: tuple[Any, ...], tick: int) -> Poll:
    outcome, reason, away, lost, misses, viewers, since_tick = row
    due = tick - away
    return Poll(
        Outcome(outcome),
        Reason(reason),
        due,
        due - lost,
        misses=misses,
        viewers=viewers,
        since_tick=since_tick,
    )


def _rows(columns: Columns, names: tuple[str, ...]) -> Iterable[tuple[Any, ...]]:
    return zip(*(columns[name] for name in names), strict=True)
