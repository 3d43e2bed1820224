"""Examples of the public record: a draw with one check that passed, of a sweep with one node."""

from typing import Any

from api.wire.example_names import NODE_ID, STARTS_AT, STATS_URL, STREAM_ID, TICK
from coordinator.reasons import Reason

_DUE_S = 1_795_356_067.25
_DRAW = TICK + 1
_ATTEMPT = {
    "started_s": 1_795_356_067.251,
    "seconds": 5.017,
    "verdict": "pass",
    "reason": "passed",
    "received": 421,
    "eligible": 409,
    "matched": 409,
    "byte_ratio": 1.0,
    "packet_ratio": 1.0,
    "foreign_ratio": 0.0,
    "keyframes": 2,
    "offset_span_ms": 0,
    "lag_s": 0.213,
    "delay_s": 0.051,
    "delay_growth_s": 0.004,
    "bytes": 1_113_447,
    "cpu_s": 0.093,
    "address": "198.51.100.7",
}
_CHECK = {
    "draw": _DRAW,
    "due_s": _DUE_S,
    "stream_id": STREAM_ID,
    "verdict": "pass",
    "reason": "passed",
    "event": None,
    "attempts": [_ATTEMPT],
}
_RUN = {
    "draw": _DRAW,
    "started_s": 1_795_356_060.012,
    "ended_s": 1_795_356_118.4,
    "sweep_ids": [f"sweep-0-{TICK:012d}"],
    "streams": {STREAM_ID: "live"},
    "checks": [{**_CHECK, "node_id": NODE_ID, "caused_by_s": None}],
    "excluded": {},
    "controls": {},
}
_SWEEP = {
    "sweep_tick": TICK,
    "shard": 0,
    "shard_tick": f"000:{TICK:012d}",
    "roster_version": TICK,
    "roster_revision": 1,
    "recorded_s": 1_795_356_007.5,
    "cursor_s": 1_795_355_997.0,
    "changes": "eJyLjgUAARUAuQ==",
    "probed": "AQ==",
    "up": "AQ==",
    **dict.fromkeys(("idle", "down", "invalid", "stalled", "blocked", "unknown"), ""),
}
EXAMPLES: dict[str, dict[str, Any]] = {
    "ScheduleOut": {
        "day": "2026-11-22",
        "commitment": "66687aadf862bd776c8fc18b8e9f8e20089714856ee233b3902a591d0d5f2925",
        "sealed_at": "2026-11-20T23:59:07Z",
        "sealed_in_advance": True,
        "check_seconds": 60,
        "checks_per_hour": 4,
        "first_draw": 29_921_760,
        "until_draw": 29_923_200,
        "secret": "0" * 64,
    },
    "RunsOut": {"runs": [_RUN], "next_draw": None},
    "SweepsOut": {"sweeps": [_SWEEP], "next_tick": None},
    "RosterOut": {
        "roster_id": f"0-{TICK}",
        "until_tick": None,
        "slots": [
            {
                "node_id": NODE_ID,
                "stream_id": STREAM_ID,
                "stats_url": STATS_URL,
                "rtmp_host": "198.51.100.7",
                "rtmp_port": 1935,
                "joined_tick": TICK,
                "changed_s": 1_795_355_997.0,
                "left_tick": None,
                "left_reason": None,
            }
        ],
    },
    "ChecksOut": {
        "node_id": NODE_ID,
        "checks": [
            {
                **_CHECK,
                "due_at": STARTS_AT.replace(":00:00Z", ":01:07.250Z"),
                "says": Reason.PASSED.says,
                "fix": Reason.PASSED.fix,
                "caused_by_at": None,
            }
        ],
        "next_page_token": None,
    },
}
