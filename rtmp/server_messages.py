"""What a server says: welcome, how a stream stands, and what clients wait for (section 7.2)."""

from rtmp.amf import Value
from rtmp.line import WINDOW_BYTES
from rtmp.messages import (
    CommandMessage,
    Message,
    MessageKind,
    UserControl,
    command,
    number_message,
    user_control,
)

STREAM_ID = 1
"""The one message stream of a connection."""
_DYNAMIC = 2
"""The client may choose between its limit and ours (section 5.4.5)."""
_RESULTS: dict[str, Value] = {
    "createStream": float(STREAM_ID),
    "getStreamLength": 0.0,
    "releaseStream": None,
    "FCPublish": None,
    "_checkbw": None,
}
"""What the commands give that are called like functions."""


def window() -> list[Message]:
    """How much either side may send before it has to hear of it."""
    bandwidth = WINDOW_BYTES.to_bytes(4, "big") + bytes([_DYNAMIC])
    return [
        number_message(MessageKind.WINDOW, WINDOW_BYTES),
        Message(MessageKind.BANDWIDTH, 0, 0, bandwidth),
    ]


def welcome(transaction: float) -> Message:
    """Yes to `connect`."""
    server: Value = {"fmsVer": "FMS/3,0,1,123", "capabilities": 31}
    info = _info("status", "NetConnection.Connect.Success", "Welcome.")
    return command("_result", transaction, server, {**info, "objectEncoding": 0})


def no_welcome(transaction: float, code: str, says: str) -> Message:
    """No to `connect`."""
    return command("_error", transaction, None, _info("error", code, says))


def status(code: str, says: str, level: str = "status") -> Message:
    """How the stream stands that is played or published."""
    return command("onStatus", 0.0, None, _info(level, code, says), stream_id=STREAM_ID)


def stream_control(event: UserControl) -> Message:
    """That the stream begins or ends."""
    return user_control(event, STREAM_ID.to_bytes(4, "big"))


def answer_to(said: CommandMessage) -> Message | None:
    """What clients wait for, or like to be told; whatever else has no answer."""
    if said.name in _RESULTS:
        return command("_result", said.transaction, None, _RESULTS[said.name])
    match said.name:
        case "FCSubscribe":
            info = _info("status", "NetStream.Play.Start", "Play it.")
            return command("onFCSubscribe", 0.0, None, info)
        case "pause":
            is_paused = said.argument(1) is True
            code = "NetStream.Pause.Notify" if is_paused else "NetStream.Unpause.Notify"
            return status(code, "It goes on: this is live.")
        case "seek":
            return status("NetStream.Seek.Notify", "It goes on: this is live.")
    return None


def _info(level: str, code: str, says: str) -> dict[str, Value]:
    """The information object of a status (section 7.2.2)."""
    return {"level": level, "code": code, "description": says}
