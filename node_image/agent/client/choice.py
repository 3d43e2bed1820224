"""Which stream a node takes that may choose: one that pays, and lacks nodes. Pure.

Many nodes look at the same list in the same minute, so the choice is drawn. Each stream's part of
it is what one more node may hope for there in an hour, times the share of its places that is free.
So a stream of ten thousand places at a millionth of a token is left alone, and a dear one does not
take everybody while others lack them.
"""

from collections.abc import Iterable

from agent.client.answers import Candidate, RelayedStream


def chosen_stream(
    candidates: Iterable[Candidate], chance: float, own: str = ""
) -> RelayedStream | None:
    """An active stream; `chance` in [0, 1) decides. None if there is none.

    Another stream is a new start, so its `own` is left only for one on which more can be had.
    """
    active = sorted(
        (c for c in candidates if c.stream.status == "active"), key=lambda c: c.stream.stream_id
    )
    active = [c for c in active if not c.stream.is_unverified] or active
    if here := next((c.stream for c in active if c.stream.stream_id == own), None):
        return here
    parts = [worth(c) * lacking(c) for c in active]
    if not any(parts):
        parts = [worth(c) for c in active]  # all have what they pay: then what a place is worth
    left = chance * sum(parts)
    for candidate, part in zip(active, parts, strict=True):
        left -= part
        if left < 0:
            return candidate.stream
    return active[-1].stream if active else None


def worth(candidate: Candidate) -> float:
    """What one more node may hope for in an hour, in micro-tokens: its part of the places, and no
    more than its part of the balance. A high price without tokens is no price."""
    nodes = candidate.nodes_verified + 1
    paid = candidate.reward_micros * min(1.0, candidate.max_paid_nodes / nodes)
    return min(paid, candidate.balance_micros / nodes)


def lacking(candidate: Candidate) -> float:
    """The share of its places that is free."""
    return max(0.0, 1.0 - candidate.nodes_verified / candidate.max_paid_nodes)
