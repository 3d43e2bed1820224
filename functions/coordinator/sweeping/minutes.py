"""A node's minutes of one epoch as big integers: bit i is the i-th tick of the epoch."""

from dataclasses import dataclass, fields, replace

from coordinator.reasons import Reason


@dataclass(frozen=True, slots=True)
class Minutes:
    """What the sweeps saw of one node; a bit is in `due`, and in at most one other field
    (`unknown_alone` but repeats some of `unknown`, `interrupted` some of `idle`)."""

    due: int = 0
    """The node stood on the roster."""
    up: int = 0
    """Swept up, and the stream was live."""
    unknown: int = 0
    """Not measured, by our own fault; counted like the minute before."""
    idle: int = 0
    """Nobody published the stream."""
    down: int = 0
    invalid: int = 0
    stalled: int = 0
    blocked: int = 0
    unknown_alone: int = 0
    """Of `unknown`, those in which others of its sweep were measured."""
    left: int = 0
    """Up or not measured, but its node said goodbye in them: no draw could hold them any more."""
    interrupted: int = 0
    """Of `idle`, those in which it waited while our own reading of the ingest was interrupted."""

    def __or__(self, other: "Minutes") -> "Minutes":
        """Both together: a node that left and came back stands at two slots."""
        names = [field.name for field in fields(self)]
        return Minutes(*(getattr(self, name) | getattr(other, name) for name in names))

    def without(self, left: int) -> "Minutes":
        """The same, after goodbyes in these minutes."""
        gone = left & (self.up | self.unknown) & self.due
        up, unknown = self.up & ~gone, self.unknown & ~gone
        alone = self.unknown_alone & ~gone
        return replace(self, up=up, unknown=unknown, unknown_alone=alone, left=gone)

    def filled(self, last_up: bool) -> int:
        """The minutes up, each unmeasured one that was due taken as the minute before it.

        `last_up` tells how the minute before the first one stood."""
        up, unknown = self.up & self.due & ~self.unknown, self.unknown & self.due
        while unknown:
            first = (unknown & -unknown).bit_length() - 1
            before = bool(up >> (first - 1) & 1) if first else last_up
            run = _run_from(unknown, first)
            up |= run if before else 0
            unknown &= ~run
        return up

    def away(self, up: int) -> int:
        """Minutes not up (after `filled`), by no fault of ours: off the roster, too. So it has no
        end. Not measured alone is like the minute before, as a node may cause that itself."""
        return ~(up | self.idle | self.unknown & ~self.unknown_alone)

    def not_up(self, up: int) -> dict[Reason, int]:
        """Minutes due that were not up (after `filled`), by the reason why."""
        left, found = self.due & ~up, {}
        for reason, bits in (
            (Reason.LEFT, self.left),
            (Reason.STREAM_IDLE, self.idle),
            (Reason.DOWN, self.down),
            (Reason.INVALID, self.invalid),
            (Reason.STALLED, self.stalled),
            (Reason.BLOCKED, self.blocked),
            (Reason.UNKNOWN_UNMEASURED, left),
        ):
            if count := (left & bits).bit_count():
                found[reason] = count
            left &= ~bits
        return found


def _run_from(bits: int, first: int) -> int:
    """The unbroken run of set bits that begins at position `first`."""
    shifted = bits >> first
    length = (~shifted & (shifted + 1)).bit_length() - 1
    return ((1 << length) - 1) << first
