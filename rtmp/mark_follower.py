"""The receiver's side of marks: whether what comes is what the ingest signed."""

from collections import Counter
from collections.abc import Sequence
from enum import Enum
from typing import NamedTuple

from rtmp.errors import RtmpError
from rtmp.flv import Payload
from rtmp.marks import (
    STAMPS_MAX,
    STANDING_MAX,
    SignedMark,
    Stamp,
    StreamMark,
    Verify,
    is_mark,
    mark_digest,
    parse_mark,
    signed_bytes,
    stamp_of,
)
from rtmp.messages import Message

UNMARKED_S_MAX = 5.0
"""Ten marks: a packet that has waited for longer has none."""
STEP_S_MAX = 1.0
"""Of that time between two messages: while nothing comes at all, no mark could come either."""
WAITING_MAX = 2 * STAMPS_MAX + STANDING_MAX
"""Packets that wait for a mark: those on both sides of a gap, and what a newcomer gets first."""


class MarkFinding(Enum):
    """What a mark, or the lack of one, says of the packets before it."""

    FITS = "fits"
    DIFFERS = "differs"
    """A packet came that the ingest did not send, or that no mark holds."""
    MISSING = "missing"
    """Packets or marks of the ingest's are missing in between."""
    OUT_OF_ORDER = "out_of_order"
    """The ingest's own packets or marks came in another order, or once more."""
    NOT_SIGNED = "not_signed"
    """It has a mark's name, and is not signed by this key for this stream."""
    NO_MARKS = "no_marks"
    """Packets wait for a mark, and none comes."""


class MarkVerdict(NamedTuple):
    """One finding. Only FITS says that nothing was changed, left out or put elsewhere."""

    finding: MarkFinding
    mark: StreamMark | None = None
    """None where none is signed by the key."""
    proven: tuple[Stamp, ...] = ()
    """Of the packets that came, those that the mark holds, whatever is wrong with others."""


class MarkFollower:
    """Follows one connection. A stream is joined in its middle.

    Then of the first mark packets may have gone before, and metadata and headers come first. After
    whatever does not fit it goes on: a viewer that was too slow lacks packets. A node leaves.
    """

    def __init__(
        self, stream: str, public_key: bytes, verify: Verify, *, is_newcomer: bool = True
    ) -> None:
        """`verify` is for this public key. A newcomer follows from its connection's first packet
        on, so it is owed all that stands; else it may begin at any packet."""
        self._stream, self._public_key, self._verify = stream, public_key, verify
        self._waiting: list[Stamp] = []
        self._waited_s = 0.0
        """How long the first of them has waited, as far as anything came meanwhile."""
        self._heard_s: float | None = None
        self._last: SignedMark | None = None
        self._is_first = is_newcomer
        self._may_lack = True
        """Whether packets of the next mark may have gone before."""

    @property
    def waiting_packets(self) -> int:
        """How many packets no mark has told of yet."""
        return len(self._waiting)

    def take(self, message: Message, payload: Payload | None, now_s: float) -> MarkVerdict | None:
        """In the order of arrival; a verdict at each mark, and where one is lacking.

        `payload` is what `payload_of` says of the message.
        """
        step_s = 0.0 if self._heard_s is None else min(STEP_S_MAX, now_s - self._heard_s)
        self._heard_s = now_s
        if is_mark(message):
            return self._judge(message)
        verdict = None
        self._waited_s = self._waited_s + step_s if self._waiting else 0.0
        if self._waited_s > UNMARKED_S_MAX or len(self._waiting) >= WAITING_MAX:
            self._waiting, self._waited_s, self._may_lack = [], 0.0, True
            verdict = MarkVerdict(MarkFinding.NO_MARKS)
        self._waiting.append(stamp_of(message, payload))
        return verdict

    def _judge(self, message: Message) -> MarkVerdict:
        """What is no mark, or an old one, is as if it had not come but for its verdict."""
        signed = self._signed(message)
        if signed is None:
            return MarkVerdict(MarkFinding.NOT_SIGNED)
        mark, before = signed.mark, self._last
        if before is not None and not _is_later(mark, before.mark):
            return MarkVerdict(MarkFinding.OUT_OF_ORDER, mark)
        waiting, self._waiting, self._last = self._waiting, [], signed
        if before is not None and mark.last != mark_digest(before.payload):
            finding = MarkFinding.MISSING
        elif self._may_lack:
            finding = _of_the_first(waiting, mark, is_newcomer=self._is_first)
        else:
            finding = _of_the_next(waiting, mark)
        self._is_first = self._may_lack = False
        known = {*mark.standing, *mark.stamps}
        return MarkVerdict(finding, mark, tuple(stamp for stamp in waiting if stamp in known))

    def _signed(self, message: Message) -> SignedMark | None:
        try:
            signed = parse_mark(message)
        except RtmpError:
            return None
        said = signed_bytes(self._stream, self._public_key, message.timestamp_ms, signed.payload)
        return signed if self._verify(signed.signature, said) else None


def _is_later(mark: StreamMark, before: StreamMark) -> bool:
    if mark.nonce == before.nonce:
        return mark.sequence > before.sequence
    return mark.signed_at_ms > before.signed_at_ms


def _of_the_first(waiting: list[Stamp], mark: StreamMark, *, is_newcomer: bool) -> MarkFinding:
    """The end of the mark's packets; before them all that stands, each once, for a newcomer."""
    count = _common_end(waiting, mark.stamps)
    rest = waiting[: len(waiting) - count]
    newer = {stamp for stamp in mark.stamps if stamp.is_standing}
    if not newer.union(mark.standing).issuperset(rest):
        return MarkFinding.DIFFERS
    if len(set(rest)) < len(rest):
        return MarkFinding.OUT_OF_ORDER
    # A header among the mark's own packets may have replaced one that stood before.
    if is_newcomer and not newer and len(rest) < len(mark.standing):
        return MarkFinding.MISSING
    return MarkFinding.FITS


def _of_the_next(waiting: list[Stamp], mark: StreamMark) -> MarkFinding:
    """All of the mark's packets, and nothing else."""
    if tuple(waiting) == mark.stamps:
        return MarkFinding.FITS
    if Counter(waiting) == Counter(mark.stamps):
        return MarkFinding.OUT_OF_ORDER
    standing, listed = set(mark.standing), set(mark.stamps)
    # Behind a gap a slow viewer gets metadata and headers once more.
    others = [stamp for stamp in waiting if stamp in listed or stamp not in standing]
    if _is_part(others, mark.stamps):
        return MarkFinding.MISSING if len(others) < len(mark.stamps) else MarkFinding.OUT_OF_ORDER
    return MarkFinding.OUT_OF_ORDER if listed.issuperset(others) else MarkFinding.DIFFERS


def _common_end(some: Sequence[Stamp], others: Sequence[Stamp]) -> int:
    """How many of the last ones are the same."""
    pairs = zip(reversed(some), reversed(others), strict=False)
    return next((n for n, (one, other) in enumerate(pairs) if one != other),
                min(len(some), len(others)))  # fmt: skip


def _is_part(some: Sequence[Stamp], whole: Sequence[Stamp]) -> bool:
    """Whether all of `some` are in `whole`, in their order."""
    left = iter(whole)
    return all(stamp in left for stamp in some)
