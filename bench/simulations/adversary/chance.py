"""Chance that does not depend on what else happens: the same for the same name and minute.

Two policies, or a network with and without a rival, meet the same draws and the same failures, so
they differ by what they do alone.
"""

import hashlib

START = 29_921_760
"""The first minute of a simulated network, counted from 1970: a day begins."""


def chance(name: str, minute: int, kind: int) -> float:
    """A number of 0 to 1, evenly spread."""
    digest = hashlib.blake2b(f"{name}|{minute}|{kind}".encode(), digest_size=6).digest()
    return int.from_bytes(digest) / (1 << 48)
