"""When pending tokens become available."""

from coordinator.ledger.rows import Row
from coordinator.projections.node_buckets import NodeEpoch, NodeLine
from coordinator.projections.releases import Release, next_release
from coordinator.reasons import Reason


def _epoch(epoch: int, micros: int, forfeited: int = 0, stream_id: str = "s3") -> NodeEpoch:
    row = Row("n2", 60, 60, 0, 0, 0, 60, (), micros, 0, forfeited, Reason.OK, ())
    line = NodeLine(stream_id, 7_000_000, 2, "u" * 60, row)
    return NodeEpoch(epoch, epoch * 3600, epoch * 3600 + 3600, 60, (line,), (), ())


def test_the_oldest_pending_epoch_is_released_first() -> None:
    """Held for two epochs: what epoch 3 earned is released with epoch 5, while 4 is settled."""
    epochs = [_epoch(4, 11), _epoch(3, 7), _epoch(2, 5)]
    assert next_release(epochs, {"s3": 4}) == Release(5, 7)
    assert next_release(epochs, {"s3": 5}) == Release(6, 11)


def test_what_earned_nothing_is_not_pending() -> None:
    """Neither is what was released already."""
    assert next_release([_epoch(4, 0), _epoch(1, 7)], {"s3": 4}) is None
    assert next_release([], {}) is None


def test_what_a_fraud_lost_is_not_released() -> None:
    """A line that forfeits ends what was pending before it in its stream."""
    epochs = [_epoch(4, 0, forfeited=7), _epoch(3, 7)]
    assert next_release(epochs, {"s3": 4}) is None
    other = _epoch(3, 13, stream_id="s5")
    assert next_release([*epochs, other], {"s3": 4, "s5": 4}) == Release(5, 13)
