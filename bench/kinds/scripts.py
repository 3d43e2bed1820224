"""What each publisher does with its recordings: all of it is decided before the first byte."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from bench.checks_source import messages_of
from bench.kinds.recordings import RATE, made
from rtmp.flv import PayloadKind, payload_of
from rtmp.messages import U32_END, Message, MessageKind

LATE_S = 25
"""A camera, or a microphone, that is switched on so long after the rest, in each minute."""
MINUTE_MS = 60_000
CROSSES_AFTER_MS = 60_000
"""From its start, a publisher's clock passes a corner: by then its nodes are being checked."""
FILLER_NAL = 12
"""Of H.264 (ITU-T H.264, table 7-1): decoders leave it out."""
_NAL_LENGTH_BYTES = 4


class Act(NamedTuple):
    """A piece of what is sent, from its own zero on."""

    messages: tuple[Message, ...]
    length_ms: int


@dataclass(frozen=True, slots=True)
class Publisher:
    """One way to publish."""

    media: tuple[str, ...]
    """Recordings, one after the other, and then from the beginning."""
    late: MessageKind | None = None
    """Of each minute, this track is away for the first LATE_S."""
    session_s: int | None = None
    """So often it disconnects, and comes back with a clock that begins anew."""
    corner_ms: int | None = None
    """What its clock passes."""
    is_shaky: bool = False
    """Its line brings everything up to 200 ms late, and stands still now and then."""
    kbit_a_second: int = 0
    """What its pictures are filled up to."""

    @property
    def first_ms(self) -> int:
        """What its clock shows at first."""
        return 0 if self.corner_ms is None else (self.corner_ms - CROSSES_AFTER_MS) % U32_END

    @property
    def picture_bytes(self) -> int:
        """What each picture is filled up to."""
        return self.kbit_a_second * 1000 // 8 // RATE


PUBLISHERS: Mapping[str, Publisher] = {
    "no-sound": Publisher(("no-sound",)),
    "sound-only": Publisher(("sound-only",)),
    "mp3-radio": Publisher(("mp3-radio",)),
    "late-picture": Publisher(("plain",), late=MessageKind.VIDEO),
    "late-sound": Publisher(("plain",), late=MessageKind.AUDIO),
    "gop-12": Publisher(("gop-12",)),
    "gop-12-silent": Publisher(("gop-12-silent",)),
    "gop-20": Publisher(("gop-20",)),
    "gop-30": Publisher(("gop-30",)),
    "gop-endless": Publisher(("gop-endless",)),
    "mp3": Publisher(("mp3",)),
    "opus": Publisher(("opus",)),
    "hevc": Publisher(("hevc",)),
    "hevc-gop-12": Publisher(("hevc-gop-12",)),
    "av1": Publisher(("av1",)),
    "vp9": Publisher(("vp9",)),
    "b-frames": Publisher(("b-frames",)),
    "sixty": Publisher(("sixty",)),
    "slides": Publisher(("slides",)),
    "slides-silent": Publisher(("slides-silent",)),
    "still": Publisher(("still",)),
    "still-alone": Publisher(("still-alone",)),
    "still-gop-20": Publisher(("still-gop-20",)),
    "silence": Publisher(("silence",)),
    "two-sounds": Publisher(("two-sounds",)),
    "twenty-mbit": Publisher(("plain",), kbit_a_second=20_000),
    "resized": Publisher(("plain", "large")),
    "reset": Publisher(("plain",), session_s=40),
    "shaky": Publisher(("plain",), is_shaky=True),
    "at-2-31": Publisher(("plain",), corner_ms=2**31),
    "at-2-32": Publisher(("plain",), corner_ms=2**32),
}
"""By the name of their stream."""
CORNERS = frozenset(name for name, one in PUBLISHERS.items() if one.corner_ms is not None)


def acts_of(publisher: Publisher) -> list[Act]:
    """What it sends, again and again. Raises NotMeasurableError if it cannot be recorded."""
    acts = []
    for name in publisher.media:
        messages = [m for m in messages_of(made(name).read_bytes()) if not _is_end(m)]
        length_ms = -(-max(m.timestamp_ms for m in messages) // 1000) * 1000
        acts.append(piece(messages, 0, length_ms))
    if publisher.late is not None:
        acts = [late(part, publisher.late) for act in acts for part in cut(act, MINUTE_MS)]
    if publisher.session_s is not None:
        acts = [part for act in acts for part in cut(act, publisher.session_s * 1000)]
    return acts


def cut(act: Act, length_ms: int) -> list[Act]:
    """Pieces of one length."""
    return [
        piece(act.messages, since_ms, since_ms + length_ms)
        for since_ms in range(0, act.length_ms, length_ms)
    ]


def piece(messages: Sequence[Message], since_ms: int, until_ms: int) -> Act:
    """Headers first, then what lies in a time, dated from zero on."""
    first = [m._replace(timestamp_ms=0) for m in messages if _is_header(m)]
    then = [
        m._replace(timestamp_ms=m.timestamp_ms - since_ms)
        for m in messages
        if not _is_header(m) and since_ms <= m.timestamp_ms < until_ms
    ]
    return Act((*first, *then), until_ms - since_ms)


def late(act: Act, kind: MessageKind) -> Act:
    """One track begins later, with its header."""
    begins_ms = next(
        m.timestamp_ms
        for m in act.messages
        if m.kind == kind and m.timestamp_ms >= LATE_S * 1000 and _begins(m)
    )
    own = [m for m in act.messages if m.kind == kind]
    headers = [m._replace(timestamp_ms=begins_ms) for m in own if _is_header(m)]
    frames = [m for m in own if not _is_header(m) and m.timestamp_ms >= begins_ms]
    rest = [m for m in act.messages if m.kind != kind]
    together = sorted([*rest, *headers, *frames], key=lambda m: m.timestamp_ms)
    return Act(tuple(together), act.length_ms)


def filled(message: Message, size: int) -> Message:
    """A picture of H.264 with a unit of filler behind it, so that the message has `size`."""
    payload = payload_of(message)
    is_picture = message.kind == MessageKind.VIDEO and payload is not None
    if not is_picture or _is_header(message) or len(message.body) >= size:
        return message
    unit = max(2, size - len(message.body) - _NAL_LENGTH_BYTES)
    filler = bytes([FILLER_NAL]) + b"\xff" * (unit - 2) + b"\x80"
    return message._replace(body=message.body + unit.to_bytes(_NAL_LENGTH_BYTES, "big") + filler)


def _begins(message: Message) -> bool:
    payload = payload_of(message)
    if payload is None or payload.kind is not PayloadKind.FRAMES:
        return False
    return payload.is_key or message.kind == MessageKind.AUDIO


def _is_header(message: Message) -> bool:
    """What comes before pictures and sounds; script data is there at the beginning alone."""
    payload = payload_of(message)
    kinds = (PayloadKind.HEADER, PayloadKind.METADATA)
    return message.kind == MessageKind.DATA or (payload is not None and payload.kind in kinds)


def _is_end(message: Message) -> bool:
    payload = payload_of(message)
    return payload is not None and payload.kind is PayloadKind.END
