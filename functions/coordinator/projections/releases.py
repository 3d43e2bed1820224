"""When pending tokens become available, as far as a node's page knows its epochs."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from coordinator.ledger.epoch_minutes import EpochMinutes
from coordinator.ledger.forfeits import EVERYTHING_S, paid_until
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

    What was forfeited is not released: of the lines before, only what was paid for minutes up to
    the instant that a line names is left."""
    left_s: dict[str, float] = {}
    due: dict[int, int] = {}
    for each in epochs:
        for line in each.lines:
            until = pending_until(each.epoch, line, settled.get(line.stream_id, each.epoch))
            until_s = left_s.get(line.stream_id, float("inf"))
            minutes = EpochMinutes(each.starts_s, each.ends_s, each.minute_seconds)
            micros = paid_until(line.row, minutes, until_s)[1]
            if until is not None and micros:
                due[until] = due.get(until, 0) + micros
            if line.row.forfeited_micros:
                left_s[line.stream_id] = min(until_s, line.row.forfeited_from_s or EVERYTHING_S)
    return Release(min(due), due[min(due)]) if due else None
