"""What a second reader makes of the bytes that the first one captured, and who is right.

Pure. The first reader hashes packets, and sees all of them. The second decodes: it finds what a
player would stumble over. It reads fewer codecs, so it has a say only where it read the ingest.
"""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, replace
from enum import StrEnum

from coordinator.checking.checks import Verdict
from coordinator.proof.judging import Proof
from coordinator.proof.packets import MediaKind, Packet, Part
from coordinator.reasons import Reason

LOST_MAX = 3
"""Packets at either end of what was captured that a tool may leave out."""
SHARE_MIN = 0.99
"""Of the packets, that it has to give back unchanged."""
Payload = tuple[MediaKind, int, str]
"""Kind, size and digest."""


@dataclass(frozen=True, slots=True)
class Reading:
    """What the second reader found in one capture's bytes."""

    codecs: tuple[str, ...] = ()
    """As it names them, in the order of its streams."""
    width: int = 0
    height: int = 0
    packets: tuple[Payload, ...] = ()
    """In its order."""
    picture: bytes | None = None
    """One key frame, decoded, as a JPEG."""


class Opinion(StrEnum):
    """What its reading says of a capture."""

    PLAYS = "plays"
    UNPLAYABLE = "unplayable"
    """A player would not get all of it."""
    NOTHING = "nothing"
    """There was nothing that it could have read."""


def opinion_of(packets: Iterable[Packet], reading: Reading) -> Opinion:
    """Whether the second reader found in the bytes what the first one did: those packets.

    It need not: packets of the main tracks, and a picture where there is a key frame."""
    frames = [p for p in packets if p.part is Part.FRAMES and p.track == 0]
    if not frames:
        return Opinion.NOTHING
    missing = Counter(map(_payload, frames)) - Counter(reading.packets)
    lost = missing.total()
    if lost > LOST_MAX and lost > (1 - SHARE_MIN) * len(frames):
        return Opinion.UNPLAYABLE
    has_key = any(p.is_key and p.is_video for p in frames)
    return Opinion.UNPLAYABLE if has_key and reading.picture is None else Opinion.PLAYS


@dataclass(frozen=True, slots=True)
class IngestCheck:
    """What the same code made of the ingest itself, in the same run."""

    proof: Proof
    opinion: Opinion | None = None
    """None where the second reader was not asked."""

    @property
    def passes(self) -> bool:
        """Whether our own reader passes it."""
        return self.proof.verdict is Verdict.PASS

    @property
    def passes_both(self) -> bool:
        """Whether the second one finds it playable as well: only then it may say anything."""
        return self.passes and self.opinion is Opinion.PLAYS


NEEDS_NOTHING = frozenset({Reason.UNREACHABLE})
"""A closed port is one, whatever the ingest serves."""


def is_disputed(proof: Proof, opinion: Opinion | None) -> bool:
    """Whether a capture of the ingest has to decide: a failure, or readers that disagree."""
    if proof.verdict is Verdict.FAIL:
        return proof.reason not in NEEDS_NOTHING
    return proof.verdict is Verdict.PASS and opinion is Opinion.UNPLAYABLE


def settled(proof: Proof, opinion: Opinion | None, ingest: IngestCheck) -> Proof:
    """The proof after both readers were heard: the stricter one is right if it passed the ingest.

    Else it is our fault, and nobody's loss. Nothing that a node sends can bring that about: what
    the ingest's own capture comes to depends on the ingest and on us.
    """
    if not is_disputed(proof, opinion):
        return proof
    if ingest.passes and (proof.verdict is Verdict.FAIL or ingest.opinion is Opinion.UNPLAYABLE):
        return proof  # a decoder that cannot read the ingest's own has no say
    if proof.verdict is Verdict.PASS and ingest.passes_both:
        return replace(proof, verdict=Verdict.FAIL, reason=Reason.UNPLAYABLE)
    return replace(proof, verdict=Verdict.UNKNOWN, reason=Reason.UNKNOWN_READERS)


def _payload(packet: Packet) -> Payload:
    return packet.media, packet.size, packet.digest
