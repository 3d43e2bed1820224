"""Messages and chunks for clients that misbehave: nothing in them has to be right."""

from rtmp.amf import Value, encode
from rtmp.chunks import whole_chunks
from rtmp.messages import Message, MessageKind, UserControl, user_control

_PING = b"ping"


def chunk(
    kind: int,
    body: bytes,
    *,
    length: int | None = None,
    channel: int = 3,
    time: bytes = b"\0\0\0",
    form: int = 0,
) -> bytes:
    """A chunk of any header and body, in which nothing has to be right."""
    first = bytes([form << 6 | channel]) if channel < 64 else _long_channel(form, channel)
    size = (len(body) if length is None else length).to_bytes(3, "big")
    return first + (time + size + bytes([kind, 0, 0, 0, 0]))[: (11, 7, 3, 0)[form]] + body


def _long_channel(form: int, channel: int) -> bytes:
    if channel < 320:
        return bytes([form << 6, channel - 64])
    return bytes([form << 6 | 1]) + (channel - 64).to_bytes(2, "little")


def written(*messages: Message, channel: int = 3, chunk_bytes: int = 128) -> bytes:
    """Messages as they should be written, each independent of all before."""
    return b"".join(whole_chunks(channel, message, chunk_bytes) for message in messages)


def ping(chunk_bytes: int = 128) -> bytes:
    """A ping request, on a channel that nothing else uses."""
    return written(
        user_control(UserControl.PING_REQUEST, _PING), channel=63, chunk_bytes=chunk_bytes
    )


def said(*values: Value, kind: int = MessageKind.COMMAND) -> bytes:
    """A message of AMF values."""
    return written(Message(kind, 0, 0, encode(*values)))


def raw(body: bytes, kind: int = MessageKind.COMMAND) -> bytes:
    """A message of these bytes."""
    return written(Message(kind, 0, 0, body))
