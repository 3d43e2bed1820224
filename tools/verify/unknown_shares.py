"""Whose checks are unknown more often than others', and how likely that is by chance. Pure.

An `unknown` check costs nobody anything, so it is where a failure could be hidden. Faults of ours
fall on whoever is drawn: of one stream's drawn checks each is unknown with the same chance.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from fractions import Fraction
from math import comb

from coordinator.checking.checks import Check

TOO_UNLIKELY = Fraction(1, 1000)
"""Of a share that anybody of the network would have by chance, it is a finding."""


@dataclass(frozen=True, slots=True)
class UnknownShare:
    """How many of a node's drawn checks of one stream said nothing, beside all of that stream's."""

    node_id: str
    stream_id: str
    unknown: int
    checks: int
    all_unknown: int
    all_checks: int

    @property
    def chance(self) -> Fraction:
        """Of so many or more, if the stream's unknown checks were dealt out blindly."""
        return tail(self.unknown, self.checks, self.all_unknown, self.all_checks)

    def __str__(self) -> str:
        return (
            f"{self.node_id}, {self.stream_id}: {self.unknown} of {self.checks} unknown, all "
            f"nodes {self.all_unknown} of {self.all_checks}: p = {float(self.chance):.2g}"
        )


def tail(found: int, drawn: int, marked: int, total: int) -> Fraction:
    """The chance that of `drawn` out of `total`, of which `marked` are, `found` or more are.

    Exact: the upper tail of the hypergeometric distribution."""
    ways = sum(
        comb(marked, hits) * comb(total - marked, drawn - hits)
        for hits in range(found, min(drawn, marked) + 1)
    )
    return Fraction(ways, comb(total, drawn))


def unknown_shares(checks: Iterable[Check], controls: Iterable[str]) -> list[UnknownShare]:
    """Of every node that was drawn, the most unlikely first. Retests are left out: they fall on
    whoever failed, and may find no place where others do."""
    known = frozenset(controls)
    counts: dict[tuple[str, str], tuple[int, int]] = {}
    for check in checks:
        if check.caused_by_s is not None or check.node_id in known:
            continue
        key = check.stream_id, check.node_id
        unknown, made = counts.get(key, (0, 0))
        counts[key] = unknown + (not check.verdict.counts), made + 1
    streams = _by_stream(counts)
    shares = [
        UnknownShare(node_id, stream_id, *found, *streams[stream_id])
        for (stream_id, node_id), found in counts.items()
    ]
    return sorted(shares, key=lambda share: (share.chance, share.node_id, share.stream_id))


def findings(shares: list[UnknownShare]) -> list[str]:
    """Those that hardly any network of this size would show by chance."""
    return [
        f"{share}: {float(share.chance * len(shares)):.2g} for any of {len(shares)}"
        for share in shares
        if share.chance * len(shares) < TOO_UNLIKELY
    ]


def _by_stream(counts: Mapping[tuple[str, str], tuple[int, int]]) -> dict[str, tuple[int, int]]:
    found: dict[str, tuple[int, int]] = {}
    for (stream_id, _), (unknown, made) in counts.items():
        before = found.get(stream_id, (0, 0))
        found[stream_id] = before[0] + unknown, before[1] + made
    return found
