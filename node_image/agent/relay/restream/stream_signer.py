"""An ingest's side of marks: one stream, signed by the ingest's key and the time of day."""

import secrets
from collections.abc import Callable

from agent.relay.restream.signatures import MarkKey
from rtmp.mark_writer import MarkWriter
from rtmp.marks import NONCE_BYTES
from rtmp.messages import Message


class StreamSigner:
    """Made anew whenever the stream begins."""

    def __init__(self, stream: str, key: MarkKey, unix_s: Callable[[], float]) -> None:
        self.writer = MarkWriter(stream, key.public, secrets.token_bytes(NONCE_BYTES), key.sign)
        self._unix_s = unix_s

    def mark(self, timestamp_ms: int) -> Message:
        """The mark of all that went through the writer since the last one."""
        return self.writer.mark(int(self._unix_s() * 1000), timestamp_ms)
