"""Messages as a file that media tools read."""

from rtmp.flv_file import flv_file
from rtmp.messages import Message, MessageKind


def test_a_file_has_its_header_and_its_tags() -> None:
    """Byte for byte; the time's highest byte comes behind the lower three."""
    sound = Message(MessageKind.AUDIO, 1, 0x0502_0307, b"\xaf\x01x")
    assert flv_file([sound, Message(MessageKind.VIDEO, 1, 5, b"")]) == (
        b"FLV\x01\x05\x00\x00\x00\x09\x00\x00\x00\x00"
        b"\x08\x00\x00\x03\x02\x03\x07\x05\x00\x00\x00\xaf\x01x\x00\x00\x00\x0e"
        b"\x09\x00\x00\x00\x00\x00\x05\x00\x00\x00\x00\x00\x00\x00\x0b"
    )
