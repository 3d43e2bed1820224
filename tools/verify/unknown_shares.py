"""Whose checks are unknown more often than others', and how likely that is by chance. Pure.

An `unknown` check costs nobody anything, so it is where a failure could be hidden. Faults of ours
fall on whoever is drawn just then. So of one stream's drawn checks of the same hour each is unknown
with the same chance. From hour to hour that changes: a node that came during a fault met more.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from fractions import Fraction
from math import comb, prod

from coordinator.checking.checks import Check

TOO_UNLIKELY = Fraction(1, 1000)
"""Of a share that anybody of the network would have by chance, it is a finding."""
TOGETHER_S = 3_600
"""Checks that are compared with each other were due in the same so many seconds."""


@dataclass(frozen=True, slots=True)
class Drawn:
    """Of the checks of one stream and hour: how many were a node's, and how many said nothing."""

    checks: int
    all_unknown: int
    all_checks: int


@dataclass(frozen=True, slots=True)
class UnknownShare:
    """How many of a node's drawn checks of one stream said nothing, beside all of that stream's."""

    node_id: str
    stream_id: str
    unknown: int
    hours: tuple[Drawn, ...]
    """Those in which it was checked."""

    @property
    def checks(self) -> int:
        """All of its own."""
        return sum(hour.checks for hour in self.hours)

    @property
    def chance(self) -> Fraction:
        """Of so many or more, if each hour's unknown checks were dealt out blindly."""
        return tail(self.unknown, self.hours)

    def __str__(self) -> str:
        unknown = sum(hour.all_unknown for hour in self.hours)
        checks = sum(hour.all_checks for hour in self.hours)
        return (
            f"{self.node_id}, {self.stream_id}: {self.unknown} of {self.checks} unknown, all "
            f"nodes {unknown} of {checks} in its hours: p = {float(self.chance):.2g}"
        )


def tail(found: int, hours: Iterable[Drawn]) -> Fraction:
    """The chance that `found` or more are unknown of a node's checks of all hours.

    Exact: the upper tail of a sum of hypergeometric distributions, counted in ways to deal."""
    if not found:
        return Fraction(1)
    known = list(hours)
    ways = [1]
    for hour in known:
        dealt = [
            comb(hour.all_unknown, hits) * comb(hour.all_checks - hour.all_unknown, missed)
            for hits, missed in enumerate(range(hour.checks, -1, -1))
        ]
        ways = _together(ways, dealt)
    return Fraction(sum(ways[found:]), prod(comb(hour.all_checks, hour.checks) for hour in known))


def _together(one: list[int], other: list[int]) -> list[int]:
    """By their sum, in how many ways two counts come about that have come about in so many."""
    found = [0] * (len(one) + len(other) - 1)
    for at, ways in enumerate(one):
        for more, others in enumerate(other):
            found[at + more] += ways * others
    return found


def unknown_shares(checks: Iterable[Check], controls: Iterable[str]) -> list[UnknownShare]:
    """Of every node that was drawn, the most unlikely first. Retests are left out: they fall on
    whoever failed, and may find no place where others do."""
    known = frozenset(controls)
    counts: dict[tuple[str, str], dict[int, tuple[int, int]]] = {}
    for check in checks:
        if check.caused_by_s is not None or check.node_id in known:
            continue
        hours = counts.setdefault((check.stream_id, check.node_id), {})
        hour = int(check.due_s // TOGETHER_S)
        unknown, made = hours.get(hour, (0, 0))
        hours[hour] = unknown + (not check.verdict.counts), made + 1
    everybody = _by_stream(counts)
    shares = [
        UnknownShare(
            node_id,
            stream_id,
            sum(unknown for unknown, _ in hours.values()),
            tuple(Drawn(made, *everybody[stream_id, at]) for at, (_, made) in hours.items()),
        )
        for (stream_id, node_id), hours in counts.items()
    ]
    return sorted(shares, key=lambda share: (share.chance, share.node_id, share.stream_id))


def findings(shares: list[UnknownShare]) -> list[str]:
    """Those that hardly any network of this size would show by chance."""
    return [
        f"{share}: {float(share.chance * len(shares)):.2g} for any of {len(shares)}"
        for share in shares
        if share.chance * len(shares) < TOO_UNLIKELY
    ]


def _by_stream(
    counts: Mapping[tuple[str, str], Mapping[int, tuple[int, int]]],
) -> dict[tuple[str, int], tuple[int, int]]:
    """(unknown, made) of each stream and hour."""
    found: dict[tuple[str, int], tuple[int, int]] = {}
    for (stream_id, _), hours in counts.items():
        for hour, (unknown, made) in hours.items():
            before = found.get((stream_id, hour), (0, 0))
            found[stream_id, hour] = before[0] + unknown, before[1] + made
    return found
