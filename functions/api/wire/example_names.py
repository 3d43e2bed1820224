"""What the examples tell of: one stream, one node that serves it, one hour."""

API = "https://restream.example.org"
STREAM_ID, NODE_ID = "k3v9m2x7q4ab", "n4w7d2q6m5t3k7x2a5b3"
STATS_URL = "http://198.51.100.7:8080/stats.json"
RTMP_URL = f"rtmp://198.51.100.7:1935/live/{STREAM_ID}"
STARTS_AT, ENDS_AT = "2026-11-22T14:00:00Z", "2026-11-22T15:00:00Z"
EPOCH, TICK = 498_710, 29_922_600
"""Of STARTS_AT, with the settings' defaults; a draw's number is its tick's."""
INGEST_URL = f"rtmp://203.0.113.5:1935/live/{STREAM_ID}"
INGEST_PUBLIC_KEY = "A6EHv_POEL4dcN0Y50vAmWfk1jCbpQ1fHdyGZBJVMbg"
DUE_S = 1_795_356_067.25
"""Of the check, in the draw behind TICK."""
STREAM_KEY = "q7m2x5d3k7w4n6t2a5b3c7v9z4y6r2p3"
WEBHOOK_SECRET = "whsec_" + "7Q" * 21 + "4="
WEBHOOK_URL = "https://sponsor.example.org/restream"
