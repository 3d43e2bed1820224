"""When pending tokens become available, as far as a node's page knows its epochs."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from coordinator.projections.node_buckets import NodeEpoch, NodeLine


@dataclass(frozen=True, slots=True)
class Release:
    """Tokens that one epoch's settling makes available."""

    with_epoch: int
    micros: int


def pending_until(epoch: int, line: NodeLine, settled: int) -> int | None:
    """The epoch with which a line's tokens are released; None once they are, or with none.

    `settled` is the last epoch that is settled."""
    until = epoch + line.holding_epochs
    return until if line.row.earned_micros and until > settled else None


def next_release(epochs: Sequence[NodeEpoch], settled: Mapping[str, int]) -> Release | None:
    """The next one; None while nothing is pending. `epochs` newest first, `settled` by stream id.

    What a confirmed fraud lost is not released: a line that forfeits ends those before it."""
    lost: set[str] = set()
    due: dict[int, int] = {}
    for each in epochs:
        for line in each.lines:
            until = pending_until(each.epoch, line, settled.get(line.stream_id, each.epoch))
            if until is not None and line.stream_id not in lost:
                due[until] = due.get(until, 0) + line.row.earned_micros
            if line.row.forfeited_micros:
                lost.add(line.stream_id)
    return Release(min(due), due[min(due)]) if due else None
