"""One example of each body, for readers and for generated clients; each is valid (a test)."""

from typing import Any

from api.wire import evidence_examples, money_examples
from api.wire.example_names import (
    API,
    EPOCH,
    NODE_ID,
    RTMP_URL,
    STARTS_AT,
    STATS_URL,
    STREAM_ID,
    WEBHOOK_URL,
)
from coordinator.reasons import Reason

_INGEST_URL = f"rtmp://203.0.113.5:1935/live/{STREAM_ID}"
_STREAM = {
    "stream_id": STREAM_ID,
    "name": "Main stage",
    "status": "active",
    "ingest_url": _INGEST_URL,
    "play_url": f"{API}/streams/{STREAM_ID}/playlist.m3u",
    "reward_per_node_hour": "1.5",
    "max_paid_nodes": 100,
    "balance": "998.5",
    "deposited": "1000",
    "created_at": STARTS_AT,
    "ends_at": None,
    "nodes_verified": 3,
}
_BEAT = {
    "stream_id": STREAM_ID,
    "stats_port": 8080,
    "rtmp_port": 1935,
    "agent": "0.1.0",
    "engine": "nginx-rtmp",
    "state": "running",
}
_TOLD = {"reason": Reason.OK.value, "says": Reason.OK.says, "fix": Reason.OK.fix}
_PLACE = {"stats_url": STATS_URL, "rtmp_url": RTMP_URL}
_NODE = {
    "node_id": NODE_ID,
    "stream_id": STREAM_ID,
    "status": "healthy",
    **_TOLD,
    **_PLACE,
    "viewers": 2,
    "minutes_up": 59,
    "minutes_due": 60,
    "checks_passed": 4,
    "checks_failed": 0,
    "checks_degraded": 0,
    "checks_unknown": 0,
    "last_check_at": "2026-11-22T14:52:07Z",
    "last_check_reason": Reason.PASSED.value,
    "pending": "1.475",
    "available": "0",
    "earned": "1.475",
}
_WEBHOOK_SECRET = "whsec_" + "7Q" * 21 + "4="
_WEBHOOK = {
    "stream_id": STREAM_ID,
    "webhook_url": WEBHOOK_URL,
    "state": "failing",
    "next_epoch": EPOCH,
    "failures": 2,
    "last_error": "answered with status 500",
    "last_success_at": "2026-11-22T14:02:03Z",
    "next_try_at": "2026-11-22T15:12:07Z",
}
EXAMPLES: dict[str, dict[str, Any]] = {
    "StreamIn": {"name": "Main stage", "token_balance": "1000", "reward_per_node_hour": "1.5"},
    "StreamOut": _STREAM,
    "StreamsOut": {"streams": [_STREAM], "next_page_token": None},
    "NodeOut": _NODE,
    "NodesOut": {"nodes": [_NODE], "next_page_token": NODE_ID},
    "RegisteredOut": {
        **_STREAM,
        "publish_url": f"{_INGEST_URL}?key=q7m2x5d3k7w4n6t2a5b3c7v9z4y6r2p3",
        "webhook_secret": _WEBHOOK_SECRET,
    },
    "WebhookIn": {"webhook_url": WEBHOOK_URL},
    "WebhookOut": _WEBHOOK,
    "WebhookSetOut": {**_WEBHOOK, "webhook_secret": _WEBHOOK_SECRET},
    "PublishIn": {"stream_id": STREAM_ID, "stream_key": "q7m2x5d3k7w4n6t2a5b3c7v9z4y6r2p3"},
    "HeartbeatIn": _BEAT,
    "HeartbeatOut": {
        "node_id": NODE_ID,
        "stream_id": STREAM_ID,
        "stream_status": "active",
        "status": "healthy",
        **_TOLD,
        **_PLACE,
        "ingest_url": _INGEST_URL,
        "earned": "12.25",
        "balance_lasts_seconds": 11_400,
        "balance_says": "The balance lasts 3 h 10 min at the present rate.",
        "next_heartbeat_seconds": 30,
        "lease": f"1795305637000.1795305637000.1795306237.{'5f1c' * 16}",
    },
    "DialBackIn": {"stats_port": 8080, "rtmp_port": 1935},
    "DialBackOut": {
        "address": "198.51.100.7",
        "stats": {"open": True, "says": f"{STATS_URL} answers as this node."},
        "rtmp": {"open": False, "says": "Port 1935 of 198.51.100.7 is closed: forward it."},
    },
    "HealthOut": {"status": "ok"},
    **money_examples.EXAMPLES,
    **evidence_examples.EXAMPLES,
}
