"""Where in a window each packet lies, and which of them have others like them. Pure."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from coordinator.proof.packets import Packet
from coordinator.proof.tracks import Key, keys_of


@dataclass(frozen=True, slots=True)
class Places:
    """Of the packets of one window."""

    last: dict[Key, int]
    """Where a packet is, of several alike the last."""
    repeated: dict[Key, list[int]]
    """Of several alike all places: only their timestamps tell them apart."""
    is_unique: list[bool]
    """Whether a packet of the window has no other one like it."""

    def of(self, key: Key) -> Sequence[int]:
        """All places of a packet of the window."""
        return self.repeated.get(key) or (self.last[key],)


def places_in(window: Sequence[Packet]) -> Places:
    """Nearly always no two are alike, so nothing is counted before some are."""
    keys = keys_of(window)
    last = dict(zip(keys, range(len(keys)), strict=True))
    if len(last) == len(keys):
        return Places(last, {}, [True] * len(keys))
    counts, repeated = Counter(keys), dict[Key, list[int]]()
    for at, key in enumerate(keys):
        if counts[key] > 1:
            repeated.setdefault(key, []).append(at)
    return Places(last, repeated, [key not in repeated for key in keys])
