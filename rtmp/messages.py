"""Messages: their kinds, and what the small ones of them hold (sections 5.4 and 7)."""

from enum import IntEnum
from typing import NamedTuple

from rtmp import amf
from rtmp.errors import RtmpError

U32_END = 2**32
"""Times and counts of bytes go round at this."""


class MessageKind(IntEnum):
    """The message type ids that are used here."""

    SET_CHUNK_SIZE = 1
    ABORT = 2
    ACKNOWLEDGEMENT = 3
    USER_CONTROL = 4
    WINDOW = 5
    BANDWIDTH = 6
    AUDIO = 8
    VIDEO = 9
    AMF3_DATA = 15
    AMF3_COMMAND = 17
    DATA = 18
    COMMAND = 20
    AGGREGATE = 22


class UserControl(IntEnum):
    """The event types of a user control message (section 7.1.7)."""

    STREAM_BEGIN = 0
    STREAM_EOF = 1
    BUFFER_LENGTH = 3
    PING_REQUEST = 6
    PING_RESPONSE = 7
    TURN = 0x7475
    """Of ours (rtmp.turns); the specification's types are small numbers."""


class Message(NamedTuple):
    """One whole message. `kind` is any byte: kinds that are not known are ignored."""

    kind: int
    stream_id: int
    timestamp_ms: int
    body: bytes


class CommandMessage(NamedTuple):
    """One command message (section 7.1.1); the first argument is the command object."""

    name: str
    transaction: float
    arguments: list[amf.Value]

    def argument(self, number: int) -> amf.Value:
        """None where there is none."""
        return self.arguments[number] if number < len(self.arguments) else None


def command(name: str, transaction: float, *arguments: amf.Value, stream_id: int = 0) -> Message:
    """A command to send."""
    body = amf.encode(name, transaction, *arguments)
    return Message(MessageKind.COMMAND, stream_id, 0, body)


def parse_command(message: Message) -> CommandMessage:
    """Read a command. Raises RtmpError.

    Type 17 means AMF 3, and begins with a byte that says that AMF 0 follows all the same.
    """
    body = message.body
    if message.kind == MessageKind.AMF3_COMMAND:
        body = body.removeprefix(b"\x00")
    values = amf.decode(body)
    name, transaction = [*values, None, None][:2]
    if not isinstance(name, str) or not isinstance(transaction, float):
        raise RtmpError("a command begins with its name and its transaction")
    return CommandMessage(name, transaction, values[2:])


def number_message(kind: MessageKind, number: int) -> Message:
    """A protocol control message of one 32-bit number (section 5.4)."""
    return Message(kind, 0, 0, number.to_bytes(4, "big"))


def parse_number(message: Message) -> int:
    """The number of such a message; type 6 has one more byte behind it. Raises RtmpError."""
    if len(message.body) < 4:
        raise RtmpError(f"a message of type {message.kind} is shorter than its number")
    return int.from_bytes(message.body[:4], "big")


def user_control(event: UserControl, data: bytes) -> Message:
    """A user control message to send."""
    return Message(MessageKind.USER_CONTROL, 0, 0, event.to_bytes(2, "big") + data)
