"""Which notice is due, and when: few, however often a node flaps. Pure; instants in Unix seconds.

A trouble and its end are told at once. What follows within the quiet time waits longer and longer,
and is told only if it still is so when the wait is over; something worse than all that was told
before does not wait. So a node that flaps day and night sends about nine notices in a day.
"""

from dataclasses import dataclass, replace
from enum import IntEnum

from agent.backoff import Backoff
from agent.client.heartbeats import CoordinatorView
from agent.notices.kinds import NoticeKind
from agent.versions import says_old

AT_ONCE = 2
COOL_DOWN = Backoff(first_s=1800.0, limit_s=21_600.0)
# After so long without news, the next trouble is told at once again.
QUIET_S = 43_200.0
DAY_S = 86_400.0
# A coordinator may be away for a moment, and that is nothing that an operator can repair.
AWAY_S_MAX = 600.0


class Level(IntEnum):
    """How bad it is; a higher one is worse."""

    WELL = 0
    UNHEALTHY = 1
    FLAGGED = 2
    SUSPENDED = 3
    FRAUD = 4


_LEVELS = {
    "healthy": Level.WELL,
    "idle": Level.WELL,
    "unhealthy": Level.UNHEALTHY,
    "offline": Level.UNHEALTHY,
    "flagged": Level.FLAGGED,
    "suspended": Level.SUSPENDED,
    "fraud": Level.FRAUD,
}
_UNPROVEN = "unproven"
"""The reason of a healthy node that has passed no check yet."""
_CHECK_FAILED = "check_failed"
"""The reason of one that is well but for its last check. Chance does that too, and a retest
follows: people are called when it is flagged."""
_KINDS = {
    Level.WELL: NoticeKind.CLEARED,
    Level.UNHEALTHY: NoticeKind.UNHEALTHY,
    Level.FLAGGED: NoticeKind.FLAGGED,
    Level.SUSPENDED: NoticeKind.SUSPENDED,
    Level.FRAUD: NoticeKind.FRAUD,
}


@dataclass(frozen=True)
class Seen:
    """How the node stands. `level` is None while nobody can say; `earned` is empty then."""

    level: Level | None
    is_proven: bool
    earned: str
    newer: str = ""
    """A version that is newer than this agent's; empty where none is known."""


@dataclass(frozen=True)
class ToldNotices:
    """What the operator knows. `at_s`: when the level was told last, `in_row`: how often since
    it was quiet, `worst`: the worst of these."""

    level: Level = Level.WELL
    worst: Level = Level.WELL
    in_row: int = 0
    at_s: float = 0.0
    is_first_check_over: bool = False
    summary_s: float = 0.0
    earned: str = ""
    newer: str = ""
    """The newer version that was told."""


def see(coordinator: CoordinatorView, trouble_s: float) -> Seen:
    """`trouble_s`: for how long the coordinator could not be asked."""
    answer = coordinator.answer
    earned = answer.earned if answer else ""
    if coordinator.trouble:
        is_away = trouble_s >= AWAY_S_MAX and not coordinator.is_waiting
        return Seen(Level.UNHEALTHY if is_away else None, False, earned)
    if answer is None:
        return Seen(None, False, "")
    newest = answer.told.newest_agent
    newer = newest if says_old(newest) else ""
    if answer.reason == _CHECK_FAILED:
        return Seen(Level.WELL, False, earned, newer)
    is_proven = answer.status == "healthy" and answer.reason != _UNPROVEN
    return Seen(_LEVELS.get(answer.status), is_proven, earned, newer)


def settled(told: ToldNotices, seen: Seen, now_s: float) -> ToldNotices:
    """What changes without a notice: days begin, and quiet is forgotten trouble."""
    if told.in_row and _since(told.at_s, now_s) >= QUIET_S:
        told = replace(told, in_row=0, worst=told.level)
    if seen.is_proven and not told.is_first_check_over and not _is_nothing(seen.earned):
        # It had passed before anybody asked for notices.
        told = replace(told, is_first_check_over=True)
    if not told.summary_s and seen.earned:
        told = replace(told, summary_s=now_s, earned=seen.earned)
    return told


def due(told: ToldNotices, seen: Seen, now_s: float) -> NoticeKind | None:
    """The notice that is due, if any."""
    if seen.level is not None and seen.level != told.level and _may_tell(told, seen.level, now_s):
        return _KINDS[seen.level]
    if seen.is_proven and not told.is_first_check_over:
        return NoticeKind.FIRST_CHECK
    if told.summary_s and seen.earned and _since(told.summary_s, now_s) >= DAY_S:
        return NoticeKind.SUMMARY
    return NoticeKind.OLD_VERSION if seen.newer not in ("", told.newer) else None


def after(told: ToldNotices, kind: NoticeKind, seen: Seen, now_s: float) -> ToldNotices:
    """What the operator knows once this notice was delivered."""
    if kind is NoticeKind.FIRST_CHECK:
        return replace(told, is_first_check_over=True)
    if kind is NoticeKind.SUMMARY:
        return replace(told, summary_s=now_s, earned=seen.earned)
    if kind is NoticeKind.OLD_VERSION:
        return replace(told, newer=seen.newer)
    level = next(level for level, of_it in _KINDS.items() if of_it is kind)
    worst = max(told.worst, level)
    return replace(told, level=level, worst=worst, in_row=told.in_row + 1, at_s=now_s)


def _may_tell(told: ToldNotices, level: Level, now_s: float) -> bool:
    if told.in_row < AT_ONCE or level > told.worst:
        return True
    wait_s = COOL_DOWN.delay_s(told.in_row - AT_ONCE + 1, chance=1.0)
    return _since(told.at_s, now_s) >= wait_s


def _since(then_s: float, now_s: float) -> float:
    """A clock that was put back by much has not stood still: a long time passed, too."""
    return abs(now_s - then_s)


def _is_nothing(earned: str) -> bool:
    return not earned.strip("0.")
