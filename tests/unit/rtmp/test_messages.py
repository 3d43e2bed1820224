"""Commands and small control messages are read as they are written, and else refused."""

import pytest

from rtmp import amf
from rtmp.errors import RtmpError
from rtmp.messages import (
    Message,
    MessageKind,
    UserControl,
    command,
    number_message,
    parse_command,
    parse_number,
    user_control,
)


def test_a_command_is_read_as_it_is_written() -> None:
    """With its stream and its arguments; what is not there is None."""
    message = command("play", 4, None, "show", stream_id=3)
    assert (message.kind, message.stream_id) == (MessageKind.COMMAND, 3)
    said = parse_command(message)
    assert (said.name, said.transaction, said.arguments) == ("play", 4.0, [None, "show"])
    assert (said.argument(1), said.argument(2)) == ("show", None)


def test_a_command_of_type_17_holds_amf_0_behind_a_zero() -> None:
    """Some servers answer so."""
    body = amf.encode("_result", 1.0)
    said = parse_command(Message(MessageKind.AMF3_COMMAND, 0, 0, b"\x00" + body))
    assert said.name == "_result"


@pytest.mark.parametrize("body", [b"", amf.encode("x"), amf.encode(1.0, "x"), amf.encode("x", "y")])
def test_a_command_without_name_or_number_is_refused(body: bytes) -> None:
    """Whatever else it holds."""
    with pytest.raises(RtmpError, match="begins with its name"):
        parse_command(Message(MessageKind.COMMAND, 0, 0, body))


def test_a_number_is_read_as_it_is_written() -> None:
    """Peer bandwidth has a byte behind it, and a short one is none."""
    message = number_message(MessageKind.WINDOW, 2_500_000)
    assert parse_number(message) == 2_500_000
    assert parse_number(Message(MessageKind.BANDWIDTH, 0, 0, message.body + b"\x02")) == 2_500_000
    with pytest.raises(RtmpError, match="type 5 is shorter"):
        parse_number(message._replace(body=b"\x00\x00\x01"))


def test_a_user_control_message_begins_with_its_event() -> None:
    """Two bytes, and then what belongs to it."""
    message = user_control(UserControl.PING_RESPONSE, b"\x01\x02\x03\x04")
    assert message == Message(4, 0, 0, b"\x00\x07\x01\x02\x03\x04")
