"""Nodes that want to be paid for what they do not do: one small program each.

A cheat reads the same environment as an honest node (docs/architecture.md) and takes its place.
To add one, write a module with a `main` and name it here.
"""

from collections.abc import Mapping

PROGRAMS: Mapping[str, str] = {
    "dead": "emulator.cheats.dead",
    "loop": "emulator.cheats.loop",
}
