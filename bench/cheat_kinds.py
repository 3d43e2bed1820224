"""What each cheat of the catalogue serves, and so what has to become of it."""

NOTHING = frozenset(
    {
        *("dead", "mute", "crash", "drip", "trickle", "stalls"),
        *("nothing-at-rare-keyframes", "reader-fingerprint"),
    }
)
"""Serve nothing that anybody could watch."""
CONTENT = frozenset(
    {
        *("loop", "other-content", "same-source-later", "delayed-5", "delayed-7", "delayed-70"),
        *("audio-only", "re-encoded", "half-bitrate", "thinned", "wrong-stream"),
        "silent-sound",
    }
)
"""Serve something, but not the live stream."""
PART_TIME = frozenset({"only-when-polled", "stalls-late"})
"""Serve the live stream, some of the time."""
FLAGGED_WITHIN = {
    "half-the-time": 12,
    "refuses-first": 12,
    "cuts-at-16-s": 40,
    "cuts-at-60-s": 40,
    "0.9-rate": 40,
}
"""Serve the live stream, but not always, not to everybody, or not for long: the most checks until a
flag, on average."""
LANES = {
    "half-the-time": 16,
    "refuses-first": 6,
    "cuts-at-16-s": 10,
    "cuts-at-60-s": 10,
    "0.9-rate": 2,
}
"""So many nodes of each are tried one check after another, as the lottery checks a node."""
ALONE_S = {"half-the-time": 20.0, "refuses-first": 30.0}
"""One tosses its coin anew each 20 s, the other knows who called in the last 20 s. The lottery
leaves a quarter of an hour; so long nobody calls them before a check."""
RELAYING = frozenset({"tcp-proxy", "neighbour-proxy"})
"""Serve the live stream, although not by a relay of their own: no check can tell."""
UNCHECKED = frozenset({"borrowed-address"})
"""The collector turns them away, so that no check ever comes."""
