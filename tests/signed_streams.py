"""Streams that an ingest has signed, message by message."""

from collections.abc import Iterable

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from rtmp.amf import encode
from rtmp.flv import payload_of
from rtmp.mark_follower import MarkFinding, MarkFollower, MarkVerdict
from rtmp.mark_writer import MarkWriter
from rtmp.messages import Message, MessageKind

STREAM = "k3v9m2x7q4ab"
SECRET = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
PUBLIC_KEY = SECRET.public_key().public_bytes_raw()
NOW_MS = 1_700_000_000_000

METADATA = Message(MessageKind.DATA, 1, 0, encode("onMetaData", {"width": 640}))
PICTURE_HEADER = Message(MessageKind.VIDEO, 1, 0, b"\x17\x00\x00\x00\x00avcC")
SOUND_HEADER = Message(MessageKind.AUDIO, 1, 0, b"\xaf\x00\x12\x10")
HEADERS = (METADATA, PICTURE_HEADER, SOUND_HEADER)


def verify(signature: bytes, said: bytes) -> bool:
    """By the key above."""
    try:
        SECRET.public_key().verify(signature, said)
    except InvalidSignature:
        return False
    return True


def picture(n: int, *, is_key: bool = False) -> Message:
    """Every one is another."""
    first = 0x17 if is_key else 0x27
    return Message(MessageKind.VIDEO, 1, n * 40, bytes([first, 1, 0, 0, 0]) + b"picture %d" % n)


def sound(n: int) -> Message:
    """Every one is another."""
    return Message(MessageKind.AUDIO, 1, n * 40, b"\xaf\x01sound %d" % n)


def writer(stream: str = STREAM, nonce: bytes = b"n" * 16) -> MarkWriter:
    """One that signs by the key above."""
    return MarkWriter(stream, PUBLIC_KEY, nonce, SECRET.sign)


def signed(
    packets: Iterable[Message],
    every: int = 5,
    signer: MarkWriter | None = None,
    since_ms: int = NOW_MS,
) -> list[Message]:
    """The packets, with a mark after each `every` and one at the end."""
    signer = signer or writer()
    messages: list[Message] = []
    for n, packet in enumerate(packets, start=1):
        signer.add(packet, payload_of(packet))
        messages.append(packet)
        if n % every == 0:
            messages.append(signer.mark(since_ms + n, packet.timestamp_ms))
    messages.append(signer.mark(since_ms + len(messages), messages[-1].timestamp_ms))
    return messages


def verdicts(messages: Iterable[Message], stream: str = STREAM) -> list[MarkVerdict]:
    """All that a follower finds, 0.1 s between two messages."""
    follower = MarkFollower(stream, PUBLIC_KEY, verify)
    found = [
        follower.take(message, payload_of(message), n / 10) for n, message in enumerate(messages)
    ]
    return [verdict for verdict in found if verdict]


def findings(messages: Iterable[Message], stream: str = STREAM) -> list[MarkFinding]:
    """Of each verdict."""
    return [verdict.finding for verdict in verdicts(messages, stream)]


def show(count: int) -> list[Message]:
    """Metadata, headers, and `count` pictures with their sounds; a key frame each eight."""
    frames = [each for n in range(count) for each in (picture(n, is_key=n % 8 == 0), sound(n))]
    return [*HEADERS, *frames]


def changed(message: Message, bit: int) -> Message:
    """One bit of its body is another."""
    body = bytearray(message.body)
    body[bit // 8 % len(body)] ^= 1 << bit % 8
    return message._replace(body=bytes(body))
