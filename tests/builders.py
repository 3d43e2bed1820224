"""Records that many tests need: valid and small. A test names what it is about, and no more."""

from typing import Any

from coordinator.checking.checks import Check, Verdict
from coordinator.reasons import Reason
from coordinator.streams import Stream
from coordinator.sweeping.rosters import Slot

STREAM_ID = "s3"
_REASONS = {
    Verdict.PASS: Reason.PASSED,
    Verdict.DEGRADED: Reason.DEGRADED,
    Verdict.FAIL: Reason.NO_STREAM,
    Verdict.UNKNOWN: Reason.UNKNOWN_INGEST_DOWN,
}


def a_stream(**more: Any) -> Stream:
    """A running stream of ada's."""
    usual: dict[str, Any] = {
        "stream_id": STREAM_ID,
        "name": "Main stage",
        "sponsor": "ada",
        "reward_micros_per_hour": 7_000_000,
        "max_paid_nodes": 5,
        "created_s": 7.0,
        "key_hash": "0" * 64,
        "request_hash": "0" * 64,
    }
    return Stream(**usual | more)


def a_slot(
    node_id: str = "n2",
    stream_id: str = STREAM_ID,
    *,
    host: str = "192.0.2.5",
    joined_tick: int = 7,
    left_tick: int | None = None,
) -> Slot:
    """A node's place in a roster."""
    stats_url = f"http://{host}:8080/stats.json"
    return Slot(node_id, stream_id, stats_url, host, 1935, joined_tick, 1.0, left_tick)


def an_attempt(
    at_s: float,
    reason: Reason = Reason.PASSED,
    *,
    seconds: float = 5.017,
    address: str = "192.0.2.5",
    **more: Any,
) -> dict[str, Any]:
    """A connection as it is recorded, with the numbers of its verdict."""
    verdict = Verdict.PASS if reason is Reason.PASSED else Verdict.FAIL
    share = 1.0 if verdict is Verdict.PASS else 0.0
    return {
        "started_s": at_s + 0.001,
        "seconds": seconds,
        "verdict": verdict.value,
        "reason": reason.value,
        "received": int(421 * share),
        "eligible": 409,
        "matched": int(409 * share),
        "byte_ratio": share,
        "packet_ratio": share,
        "strangers": 0,
        "address": address,
    } | more


def a_check(
    due_s: float,
    verdict: Verdict = Verdict.PASS,
    reason: Reason | None = None,
    *,
    node_id: str = "n2",
    stream_id: str = STREAM_ID,
    **more: Any,
) -> Check:
    """A check of a draw a minute, with the commonest reason for its verdict."""
    draw = int(due_s // 60)
    return Check(node_id, stream_id, draw, due_s, verdict, reason or _REASONS[verdict], **more)
