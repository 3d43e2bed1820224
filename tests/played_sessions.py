"""A server's side of one session that plays something, as bytes that can be sent again and again.

A player's commands always have the same numbers, so the answers to them are always the same too.
"""

from collections.abc import Iterable

from rtmp.chunks import ChunkWriter
from rtmp.handshake import PART_BYTES
from rtmp.media import fan_out_bytes
from rtmp.messages import Message, command

HELLO = b"\x03" + bytes(2 * PART_BYTES)
"""S0, S1 and S2 of a server without a digest."""
STREAM_ID = 1
CHUNK_BYTES = 4096


def opening() -> bytes:
    """Handshake and answers, up to the moment at which media come."""
    writer = ChunkWriter()
    start = {"level": "status", "code": "NetStream.Play.Start"}
    answers = (
        command("_result", 1, None, {"code": "NetConnection.Connect.Success"}),
        command("_result", 2, None, STREAM_ID),
        command("onStatus", 0, None, {**start}, stream_id=STREAM_ID),
    )
    said = b"".join(writer.write(3, answer) for answer in answers)
    return HELLO + said + writer.resize(CHUNK_BYTES)


def shown(messages: Iterable[Message]) -> bytes:
    """Media behind it."""
    return b"".join(fan_out_bytes(message, STREAM_ID, CHUNK_BYTES) for message in messages)
