"""Messages of media as an FLV file ("Adobe Flash Video File Format", version 10.1, annex E.3)."""

from collections.abc import Iterable

from rtmp.messages import Message

_HEADER = b"FLV\x01\x05\x00\x00\x00\x09" + bytes(4)
"""With sounds and pictures, whatever comes; and the size of the tag before the first one."""
_TAG_HEADER_BYTES = 11


def flv_file(messages: Iterable[Message]) -> bytes:
    """The whole file."""
    return _HEADER + b"".join(map(_tag, messages))


def _tag(message: Message) -> bytes:
    """One tag, and its size behind it; its time's highest byte stands last (E.4.1)."""
    length, time_ms = len(message.body), message.timestamp_ms
    head = bytes([message.kind]) + length.to_bytes(3, "big")
    head += (time_ms & 0xFFFFFF).to_bytes(3, "big") + bytes([time_ms >> 24]) + bytes(3)
    return head + message.body + (length + _TAG_HEADER_BYTES).to_bytes(4, "big")
