"""What the examples tell of: one stream, one node that serves it, one hour."""

API = "https://restream.example.org"
STREAM_ID, NODE_ID = "k3v9m2x7q4ab", "n4w7d2q6m5t3k7x2a5b3"
STATS_URL = "http://198.51.100.7:8080/stats.json"
RTMP_URL = f"rtmp://198.51.100.7:1935/live/{STREAM_ID}"
STARTS_AT, ENDS_AT = "2026-11-22T14:00:00Z", "2026-11-22T15:00:00Z"
EPOCH, TICK = 498_710, 29_922_600
"""Of STARTS_AT, with the settings' defaults; a draw's number is its tick's."""
WEBHOOK_URL = "https://sponsor.example.org/restream"
