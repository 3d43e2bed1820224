"""The scheduler's jobs: how one fares, and whether those that measure are needed. Pure."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum

from coordinator.checking.sealed_days import LotteryDay
from coordinator.sweeping.nodes import Node
from coordinator.sweeping.rosters import Roster


@dataclass(frozen=True, slots=True)
class JobState:
    """One job as people are shown it; instants in Unix seconds."""

    id: str
    is_paused: bool
    last_s: float | None
    """When the last call was made; None before the first."""
    next_s: float | None
    """When the next call is due; None while it is paused."""
    failure: str
    """Why the last call failed; empty if it did not."""
    is_switched: bool = True
    """Whether it is paused while the network rests; the payout's is not."""


class Need(StrEnum):
    """Why collector and prober are called."""

    NODES = "nodes"
    """Somebody is there whose minutes may be paid."""
    SCHEDULE = "schedule"
    """A day of the lottery is to be sealed before it begins, or opened after it."""
    UNCLEAR = "unclear"
    """Not every shard was swept since it was made: who is there is not known."""


def days_need_the_prober(
    now_s: float,
    yesterday: LotteryDay | None,
    today: LotteryDay | None,
    tomorrow: LotteryDay | None,
) -> bool:
    """Whether a day that is due to be sealed is not, or one that may be opened is shut."""
    shut = yesterday is not None and yesterday.secret is None and yesterday.may_open(now_s)
    return shut or today is None or tomorrow is None


def somebody_is_there(
    unsettled: Iterable[str], rosters: Sequence[Roster], announced: Iterable[Node]
) -> bool:
    """Whether a node is polled, or asks to be, for one of the streams that are not settled."""
    streams = set(unsettled)
    polled = {s.stream_id for roster in rosters for s in roster.slots if s.left_tick is None}
    asking = {node.stream_id for node in announced if node.state == "running"}
    return bool(streams & (polled | asking))
