"""One example of each body, for readers and for generated clients; each is valid (a test)."""

from typing import Any

_STREAM_ID, _NODE_ID = "k3v9m2x7q4ab", "n4w7d2q6m5t3k7x2a5b3"
_INGEST_URL = f"rtmp://203.0.113.5:1935/live/{_STREAM_ID}"
_API = "https://restream.example.org"
_STREAM = {
    "stream_id": _STREAM_ID,
    "name": "Main stage",
    "status": "active",
    "ingest_url": _INGEST_URL,
    "play_url": f"{_API}/streams/{_STREAM_ID}/playlist.m3u",
    "reward_per_node_hour": "1.5",
    "max_paid_nodes": 100,
    "balance": "998.5",
    "deposited": "1000",
    "created_at": "2026-11-22T14:00:00Z",
    "ends_at": None,
    "nodes_verified": 3,
}
_BEAT = {
    "stream_id": _STREAM_ID,
    "stats_port": 8080,
    "rtmp_port": 1935,
    "agent": "0.1.0",
    "engine": "nginx-rtmp",
    "state": "running",
}
_TOLD = {"reason": "ok", "says": "Everything is as it should be.", "fix": ""}
_PLACE = {
    "stats_url": "http://198.51.100.7:8080/stats.json",
    "rtmp_url": f"rtmp://198.51.100.7:1935/live/{_STREAM_ID}",
}
_WEBHOOK_URL = "https://sponsor.example.org/restream"
_WEBHOOK_SECRET = "whsec_" + "7Q" * 21 + "4="
EXAMPLES: dict[str, dict[str, Any]] = {
    "StreamIn": {"name": "Main stage", "token_balance": "1000", "reward_per_node_hour": "1.5"},
    "StreamOut": _STREAM,
    "RegisteredOut": {
        **_STREAM,
        "publish_url": f"{_INGEST_URL}?key=q7m2x5d3k7w4n6t2a5b3c7v9z4y6r2p3",
        "webhook_secret": _WEBHOOK_SECRET,
    },
    "TopUpIn": {"amount": "12.5"},
    "WebhookIn": {"webhook_url": _WEBHOOK_URL},
    "WebhookOut": {
        "stream_id": _STREAM_ID,
        "webhook_url": _WEBHOOK_URL,
        "state": "failing",
        "next_epoch": 498734,
        "failures": 2,
        "last_error": "answered with status 500",
        "last_success_at": "2026-11-22T14:02:03Z",
        "next_try_at": "2026-11-22T15:12:07Z",
    },
    "PublishIn": {"stream_id": _STREAM_ID, "stream_key": "q7m2x5d3k7w4n6t2a5b3c7v9z4y6r2p3"},
    "HeartbeatIn": _BEAT,
    "HeartbeatOut": {
        "node_id": _NODE_ID,
        "stream_id": _STREAM_ID,
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
        "stats": {"open": True, "says": f"{_PLACE['stats_url']} answers as this node."},
        "rtmp": {"open": False, "says": "Port 1935 of 198.51.100.7 is closed: forward it."},
    },
}
