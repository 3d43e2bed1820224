"""The published limits of a check."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class ProofParameters:
    """What a capture is held to; the page `/about` shows every one with its reason."""

    window_s: float = 25.0
    """How far back from the start of a capture a packet is still the stream of now: a relay keeps
    20 s for newcomers, and may itself be `lag_max_s` late."""
    grace_s: float = 1.0
    """How much later than a node's viewer our own reference may get a packet."""
    lag_max_s: float = 4.5
    size_min: int = 64
    """Smaller payloads repeat by chance, so they prove nothing by themselves."""
    packets_min: int = 10
    share_min: float = 0.98
    """Of each track's packets, and of their bytes, that a node must deliver. Honest relays brought
    100.0 % in 140 of 140 passes; 2 % are left for a picture or two that one of them drops."""
    setup_s: float = 1.0
    """Connecting, handshake and play command: about five round trips."""
    edge_s: float = 0.25
    """Around the key frame that a viewer begins with, servers order picture and sound freely."""
    stall_s: float = 1.5
    """What may be missing at the end of a capture: an honest connection stalls that long."""
    silence_max_s: float = 2.0
    """A longer silence of the reference is a gap."""
    offset_tolerance_ms: int = 100
    capture_min_s: float = 3.0
    capture_max_s: float = 45.0
    """A key frame interval of `gop_max_s`, ten packets of a slow track and the setup fit in."""
    gop_max_s: float = 30.0
    """Where key frames lie further apart, nobody can wait for one: sound and marks are judged, and
    pictures from the first that comes."""
    rich_max_s: float = 10.0
    """A track that takes longer for `packets_min` packets is judged, but does not lead."""
    doubt_s: float = 14.0
    """A pass that leaves doubt is repeated for at least so long."""
    growth_max_s: float = 0.5
    tail_max_s: float = 0.5
    """A pass during which the delay grew by more, or whose end is missing for longer, is in doubt.
    A capture of `growing_s` in which the delay grew so much, steadily, is behind its stream."""
    creep_max_s: float = 0.15
    """A pass during which the delay grew by more, from quarter to quarter, is in doubt as well."""
    growing_s: float = 9.0
    busy_s: float = 1.0
    """How late the prober's own machine may be. Beyond it nothing is held against a node that only
    time can tell. No connection keeps it busy for a tenth of that."""
    evidence_min: int = 5
    """So many packets of other content are needed to call it that."""
