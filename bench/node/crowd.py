"""A crowd of viewers in a process of its own: `python -m bench.node.crowd`, told by its input.

`join PORT COUNT` lets viewers come one after the other; `half PORT COUNT` viewers who then begin a
message and never end it; `slow PORT COUNT` viewers who read nothing. `watch SECONDS` takes off what
comes to all others. `leave` ends everybody. It answers each with the bytes that came.

A viewer is one socket, read as soon as something came, as players do: so the sender's kernel has
their acknowledgements, and all its work. The bytes are thrown away by the kernel.
"""

import select
import socket
import sys
import time
from concurrent.futures import ThreadPoolExecutor

from bench.node.viewers import url_at
from bench.processes import allow_files
from bench.report import NotMeasurableError
from rtmp.chunks import ChunkWriter
from rtmp.messages import Message, MessageKind
from rtmp.player import PlayEnd, Player, PlayStage
from tests.e2e.watched import HOST

AT_ONCE, AT_ONCE_EVERY_S = 15, 0.1
"""Viewers come so: 150 a second are below what one address may have of our relay."""
ANSWER_S_MAX = 10.0
HALF_BYTES = 65_000
"""Of a message that never ends: about what a player may send as one."""
FILES_MIN = 2_048
_DROP = bytearray(4_194_304)
_SLOW_RECEIVE_BYTES = 8_192


class Crowd:
    """Viewers of any port of this machine."""

    def __init__(self) -> None:
        self._viewers: dict[int, socket.socket] = {}
        """By file number."""
        self._slow: list[socket.socket] = []
        self._ready = select.epoll()

    def obey(self, line: str) -> int:
        """One line of what this process is told; gives the bytes that came meanwhile."""
        match line.split():
            case ["join", port, count]:
                return self._join(int(port), int(count), b"")
            case ["half", port, count]:
                return self._join(int(port), int(count), half_message())
            case ["slow", port, count]:
                self._slow += [asked(int(port), _SLOW_RECEIVE_BYTES) for _ in range(int(count))]
            case ["watch", seconds]:
                return self._watch(float(seconds))
            case ["leave"]:
                self._leave()
            case _:
                raise ValueError(f"not known: {line!r}")
        return 0

    def _join(self, port: int, count: int, last_words: bytes) -> int:
        total = 0
        with ThreadPoolExecutor(AT_ONCE) as pool:
            for begun in range(0, count, AT_ONCE):
                newcomers = range(min(AT_ONCE, count - begun))
                coming = [pool.submit(asked, port) for _ in newcomers]
                total += self._watch(AT_ONCE_EVERY_S)
                for each in coming:
                    viewer = each.result()
                    viewer.sendall(last_words)
                    self._viewers[viewer.fileno()] = viewer
                    self._ready.register(viewer, select.EPOLLIN)
        return total

    def _watch(self, seconds: float) -> int:
        until_s, total = time.monotonic() + seconds, 0
        while (left_s := until_s - time.monotonic()) > 0:
            ready = self._ready.poll(left_s)
            total += sum(_taken(self._viewers[number]) for number, _ in ready)
        return total

    def _leave(self) -> None:
        for each in (*self._viewers.values(), *self._slow):
            each.close()
        self._viewers.clear()
        self._slow.clear()


def asked(port: int, receive_bytes: int = 0) -> socket.socket:
    """A connection that has asked for the stream; whatever comes is still to be read."""
    player = Player(url_at(port))
    viewer = socket.socket()
    viewer.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    if receive_bytes:
        viewer.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_bytes)
    viewer.settimeout(ANSWER_S_MAX)
    viewer.connect((HOST, port))
    while player.stage < PlayStage.PLAYING:
        viewer.sendall(player.answers())
        data = viewer.recv(4_096)
        player.feed(data)
        if not data or isinstance(player.next_event(), PlayEnd):
            raise NotMeasurableError(f"port {port} turns a viewer away")
    viewer.sendall(player.answers())
    viewer.setblocking(False)
    return viewer


def half_message() -> bytes:
    """A command that lacks its last byte."""
    writer = ChunkWriter()
    command = Message(MessageKind.COMMAND, 0, 0, bytes(HALF_BYTES))
    return writer.resize(HALF_BYTES) + writer.write(3, command)[:-1]


def _taken(viewer: socket.socket) -> int:
    # Bytes of TCP that are cut off are thrown away and not copied (tcp(7), MSG_TRUNC).
    came = viewer.recv_into(_DROP, len(_DROP), socket.MSG_TRUNC)
    if not came:
        raise NotMeasurableError("a viewer lost the stream")
    return came


def main() -> None:
    """Obey until the input ends."""
    allow_files(FILES_MIN)
    crowd = Crowd()
    for line in sys.stdin:
        print(crowd.obey(line), flush=True)


if __name__ == "__main__":
    main()
