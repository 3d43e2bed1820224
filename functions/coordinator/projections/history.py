"""What pages show of a node's past: a level for each hour of a day and each day of a month.

A level is one character, so that a month of ten thousand nodes fits into the document that a
page is made of. Levels lie closer together near the top, because 99 and 97 % are more different
from each other than 60 and 40. They are for looking at: pay is computed from the sweeps.
"""

from bisect import bisect_right
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field

from coordinator.sweeping.rollups import NodeHour

HOURS, DAYS = 24, 30
HOURS_A_DAY = 24

FLOORS_PERMILLE = (0, 1, 100, 250, 500, 750, 900, 950, 970, 980, 990, 995, 999, 1000)
"""A level's share of measured minutes up is at least this, and below the next one's."""
LEVELS = "0123456789abcd"
"""The levels' characters, in the order of their floors."""
IDLE = "~"
"""In every measured minute there was no stream to relay."""
ABSENT = "-"
"""Not measured: not there yet, gone, or an error of ours."""


def level_of(hour: NodeHour) -> str:
    """The level of so many minutes; those of our own fault and without a stream do not count."""
    measured = hour.due - hour.unknown - hour.idle
    if measured <= 0:
        return IDLE if hour.idle else ABSENT
    return LEVELS[bisect_right(FLOORS_PERMILLE, hour.up * 1000 // measured) - 1]


_UNMEASURED = NodeHour(0, 0, 0)


@dataclass(frozen=True, slots=True)
class NodeHistory:
    """One node's past, oldest first; shorter than HOURS and DAYS while it is new."""

    hours: str = ""
    days: str = ""
    """Whole UTC days."""
    today: NodeHour = _UNMEASURED
    """The hours of the day that is not over."""

    def after(self, hour: NodeHour, *, ends_day: bool) -> "NodeHistory":
        """With one more hour."""
        hours, today = (self.hours + level_of(hour))[-HOURS:], self.today + hour
        if not ends_day:
            return NodeHistory(hours, self.days, today)
        return NodeHistory(hours, (self.days + level_of(today))[-DAYS:])

    def skipping(self, hours: int, day_ends: int) -> "NodeHistory":
        """With so many hours in which nothing was measured, and the ends of days among them."""
        skipped = (self.hours + ABSENT * min(hours, HOURS))[-HOURS:]
        if not day_ends:
            return NodeHistory(skipped, self.days, self.today)
        empty = ABSENT * min(day_ends - 1, DAYS)
        return NodeHistory(skipped, (self.days + level_of(self.today) + empty)[-DAYS:])


NO_HISTORY = NodeHistory()
_NOBODY: Mapping[str, NodeHistory] = {}


def away_since(first_hour: int, until_hour: int, minutes_an_hour: int) -> NodeHistory:
    """The past of a node that was heard of first in one hour, and came back in another."""
    hours = until_hour - first_hour
    days = until_hour // HOURS_A_DAY - first_hour // HOURS_A_DAY
    today = min(hours, until_hour % HOURS_A_DAY) * minutes_an_hour
    lost = NodeHour(today, 0, 0)
    return NodeHistory(LEVELS[0] * min(hours, HOURS), LEVELS[0] * min(days, DAYS), lost)


@dataclass(frozen=True, slots=True)
class History:
    """The past of a shard's nodes."""

    until_hour: int
    """The first hour, counted from 1970, that is not in it."""
    nodes: Mapping[str, NodeHistory] = field(default_factory=dict)
    """By node id."""

    def after(
        self,
        rollup: Mapping[tuple[str, str], NodeHour],
        kept: Collection[str],
        returned: Mapping[str, "NodeHistory"] = _NOBODY,
    ) -> "History":
        """With the next hour, of the nodes that are kept.

        `rollup` by (node id, stream id); empty for an hour that nobody swept. `returned`: of nodes
        that came back in it, how they were away; for those that are not known here any more."""
        ends_day = self.until_hour % HOURS_A_DAY == HOURS_A_DAY - 1
        by_node: dict[str, NodeHour] = {}
        for (node_id, _), hour in rollup.items():
            by_node[node_id] = by_node[node_id] + hour if node_id in by_node else hour
        nodes = {
            node_id: (self.nodes.get(node_id) or returned.get(node_id, NO_HISTORY)).after(
                by_node.get(node_id, _UNMEASURED), ends_day=ends_day
            )
            for node_id in kept
            if node_id in self.nodes or node_id in by_node
        }
        return History(self.until_hour + 1, nodes)

    def skipped_to(self, hour: int) -> "History":
        """With nothing measured from the last hour until `hour`."""
        hours = hour - self.until_hour
        if hours <= 0:
            return self
        ends = hour // HOURS_A_DAY - self.until_hour // HOURS_A_DAY
        return History(hour, {name: n.skipping(hours, ends) for name, n in self.nodes.items()})
