"""Joins what a relay says of its connections with what the kernel counted on them. Pure.

A relay that keeps no counters is measured from below: each connection's bytes are added up under
its stream's name, and go on counting after the connection has closed. What arrives between the
last reading and the close (at most a second's worth) is not counted.
"""

from collections import Counter
from collections.abc import Iterable

from agent.relay.engines.engine import Audio, Reading, StreamReading, Video
from agent.relay.engines.rtmp_relay_stat import ListedConnection
from agent.relay.engines.sockets import TcpSocket

# A handshake and its commands are about 4 kB. Only what comes beyond is taken for media.
HANDSHAKE_BYTES_MAX = 16_384
_VIDEO_CODECS = {2.0: "H263", 4.0: "VP6", 7.0: "H264", 12.0: "HEVC"}
_AUDIO_CODECS = {2.0: "MP3", 10.0: "AAC", 11.0: "SPEEX"}


class ByteLedger:
    """The bytes of one run of a relay; make a new one when it is started anew."""

    def __init__(self) -> None:
        self._counted: dict[int, tuple[int, int]] = {}
        self._bytes_in: Counter[str] = Counter()
        self._bytes_out: Counter[str] = Counter()
        self._first_pull: int | None = None
        self.has_pulled_anew = False
        """Media comes over another connection to the upstream than the first one."""

    def take(
        self, connections: Iterable[ListedConnection], sockets: Iterable[TcpSocket]
    ) -> Reading:
        """One reading of all streams of the application `live`."""
        by_peer = {sock.peer: sock for sock in sockets}
        streams: dict[str, list[tuple[ListedConnection, TcpSocket]]] = {}
        for connection in connections:
            sock = by_peer.get(connection.address)
            if connection.application == "live" and connection.is_up and sock is not None:
                self._count(connection, sock)
                streams.setdefault(connection.name, []).append((connection, sock))
        alive = {sock.cookie for sock in by_peer.values()}
        self._counted = {c: n for c, n in self._counted.items() if c in alive}
        return tuple(self._stream(name, members) for name, members in streams.items())

    def _count(self, connection: ListedConnection, sock: TcpSocket) -> None:
        received, sent = self._counted.get(sock.cookie, (0, 0))
        if connection.direction == "INPUT":
            self._bytes_in[connection.name] += sock.bytes_received - received
        elif connection.direction == "OUTPUT":
            self._bytes_out[connection.name] += sock.bytes_sent - sent
        self._counted[sock.cookie] = (sock.bytes_received, sock.bytes_sent)
        if connection.is_client:
            if self._first_pull is None:
                self._first_pull = sock.cookie
            if sock.cookie != self._first_pull and _has_media(connection, sock):
                self.has_pulled_anew = True

    def _stream(
        self, name: str, members: list[tuple[ListedConnection, TcpSocket]]
    ) -> StreamReading:
        inputs = [c for c, s in members if c.direction == "INPUT" and _has_media(c, s)]
        metadata = inputs[0].metadata if inputs else {}
        return StreamReading(
            name=name,
            is_published=bool(inputs),
            viewers=sum(c.direction == "OUTPUT" and not c.is_client for c, _ in members),
            bytes_in=self._bytes_in[name],
            bytes_out=self._bytes_out[name],
            video=_video(metadata),
            audio=_audio(metadata),
        )


def _has_media(connection: ListedConnection, sock: TcpSocket) -> bool:
    """ "connected" does not prove that media flows; its description, or enough bytes, do."""
    return bool(connection.metadata) or sock.bytes_received > HANDSHAKE_BYTES_MAX


def _video(metadata: dict[str, object]) -> Video | None:
    width, height = _number(metadata, "width"), _number(metadata, "height")
    if not (width and height):
        return None
    codec = _VIDEO_CODECS.get(_number(metadata, "videocodecid"), "")
    return Video(codec, int(width), int(height), _number(metadata, "framerate"))


def _audio(metadata: dict[str, object]) -> Audio | None:
    rate = _number(metadata, "audiosamplerate")
    codec = _AUDIO_CODECS.get(_number(metadata, "audiocodecid"), "")
    if not (rate or codec):
        return None
    return Audio(codec, int(rate), 2 if metadata.get("stereo") is True else 1)


def _number(metadata: dict[str, object], key: str) -> float:
    """A number in reasonable bounds; 0 for anything else, because a publisher wrote it."""
    value = metadata.get(key)
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value < 1e6:
        return 0.0
    return float(value)
