"""Nodes that want to be paid for what they do not do: one small program each.

A cheat reads the same environment as an honest node (docs/architecture.md) and takes its place.
To add one, write a module with a `main` and name it here, with its arguments.
"""

from collections.abc import Mapping

PROGRAMS: Mapping[str, tuple[str, ...]] = {
    "dead": ("emulator.cheats.dead",),
    "loop": ("emulator.cheats.loop",),
    "other-content": ("emulator.cheats.generated", "other"),
    "same-source-later": ("emulator.cheats.generated", "later"),
    "delayed-5": ("emulator.cheats.delayed", "5"),
    "delayed-7": ("emulator.cheats.delayed", "7"),
    "delayed-70": ("emulator.cheats.delayed", "70"),
    "half-the-time": ("emulator.cheats.piped", "half"),
    "only-when-polled": ("emulator.cheats.piped", "polled"),
    "stalls": ("emulator.cheats.piped", "stall"),
    "stalls-late": ("emulator.cheats.piped", "stall-late"),
    "drip": ("emulator.cheats.piped", "drip"),
    "trickle": ("emulator.cheats.piped", "trickle"),
    "audio-only": ("emulator.cheats.encoded", "audio"),
    "re-encoded": ("emulator.cheats.encoded", "picture"),
    "half-bitrate": ("emulator.cheats.encoded", "half"),
    "thinned": ("emulator.cheats.encoded", "thinned"),
    "wrong-stream": ("emulator.cheats.encoded", "stream"),
    "silent-sound": ("emulator.cheats.encoded", "silent"),
    "refuses-first": ("emulator.cheats.selective", "refuses-first"),
    "cuts-at-16-s": ("emulator.cheats.selective", "cuts-16"),
    "cuts-at-60-s": ("emulator.cheats.selective", "cuts-60"),
    "0.9-rate": ("emulator.cheats.selective", "rate-0.9"),
    "nothing-at-rare-keyframes": ("emulator.cheats.selective", "nothing"),
    "reader-fingerprint": ("emulator.cheats.selective", "fingerprint"),
    "tcp-proxy": ("emulator.cheats.piped", "ingest"),
    "neighbour-proxy": ("emulator.cheats.piped", "neighbour"),
    "borrowed-address": ("emulator.cheats.borrowed",),
    "mute": ("emulator.cheats.broken", "mute"),
    "crash": ("emulator.cheats.broken", "crash"),
}
"""Name → module and its arguments, for `python -m`. `dead` is the closed port behind valid
statistics."""
