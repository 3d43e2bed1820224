"""The honest kinds of `make cheats`: which publisher is served by which node."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

LIVE = "show"
"""The stream that ffmpeg encodes live; the others are played from recordings."""
NODES_OF: Mapping[str, tuple[str, ...]] = {
    LIVE: (
        *("1 hop", "2 hops", "ffmpeg relay", "throttled", "slow line"),
        *("nginx-rtmp", "other engine", "IPv6", "restarted", "many viewers"),
    ),
    "no-sound": ("1 hop", "slow line", "nginx-rtmp"),
    "sound-only": ("1 hop", "slow line"),
    "mp3-radio": ("1 hop",),
    "late-picture": ("1 hop", "slow line", "2 hops"),
    "late-sound": ("1 hop", "slow line"),
    "gop-12": ("1 hop", "slow line", "nginx-rtmp"),
    "gop-12-silent": ("1 hop",),
    "gop-20": ("1 hop", "2 hops"),
    "gop-30": ("1 hop", "slow line"),
    "gop-endless": ("1 hop", "2 hops"),
    "mp3": ("1 hop", "nginx-rtmp"),
    "opus": ("1 hop", "slow line"),
    "hevc": ("1 hop", "2 hops"),
    "hevc-gop-12": ("1 hop",),
    "av1": ("1 hop", "slow line"),
    "vp9": ("1 hop",),
    "b-frames": ("1 hop",),
    "sixty": ("1 hop",),
    "slides": ("1 hop", "slow line"),
    "slides-silent": ("1 hop",),
    "still": ("1 hop", "2 hops", "slow line"),
    "still-alone": ("1 hop",),
    "still-gop-20": ("1 hop",),
    "silence": ("1 hop",),
    "two-sounds": ("1 hop", "slow line"),
    "twenty-mbit": ("1 hop",),
    "resized": ("1 hop", "slow line"),
    "reset": ("1 hop", "2 hops"),
    "shaky": ("1 hop", "slow line"),
    "at-2-31": ("1 hop", "2 hops"),
    "at-2-32": ("1 hop", "slow line"),
}
"""By the publisher's stream (`scripts.PUBLISHERS`)."""
OF_ENGINE = ("1 hop", "2 hops", "ffmpeg relay", "throttled", "slow line")
"""Nodes of the live stream that can be of either engine."""


@dataclass(frozen=True, slots=True)
class HonestKind:
    """A publisher, and a node that serves it."""

    stream: str
    node: str

    @property
    def name(self) -> str:
        """As it is shown, and as its process is called."""
        return f"{self.stream} by {self.node}"


HONEST_KINDS = tuple(
    HonestKind(stream, node) for stream, nodes in NODES_OF.items() for node in nodes
)
NEIGHBOUR = HONEST_KINDS[0]
"""From it cheats borrow; there is always one."""


def kinds_like(words: Iterable[str]) -> tuple[HonestKind, ...]:
    """Those whose name has one of the words in it; none of them: all."""
    wanted = tuple(words)
    return tuple(
        kind for kind in HONEST_KINDS if not wanted or any(word in kind.name for word in wanted)
    )
