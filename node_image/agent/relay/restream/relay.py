"""The relay: its streams, its connections, and what is done at each beat of its clock.

The module is long, since it is the one place that knows all of them.
"""

import asyncio
import random
import time
from collections.abc import Callable
from pathlib import Path

from agent.relay.last_read import LastReadWriter
from agent.relay.restream.admission import Admission
from agent.relay.restream.configuration import Configuration
from agent.relay.restream.connection import Connection
from agent.relay.restream.listening import BACKLOG, listen, places
from agent.relay.restream.memory import room_for_queues
from agent.relay.restream.questions import Questions
from agent.relay.restream.rhythm import Rhythm
from agent.relay.restream.signatures import MarkKey
from agent.relay.restream.statistics import serve_statistics, statistics_of
from agent.relay.restream.stream import LiveStream
from agent.relay.restream.stream_signer import StreamSigner
from agent.relay.restream.upstream import Sink, Source, Upstream
from agent.relay.restream.upstream_marks import UpstreamMarks
from agent.relay.restream.waiting import Waiting
from rtmp.chunks import whole_chunks
from rtmp.clock import EndlessClock
from rtmp.marks import MARK_EVERY_S, is_mark
from rtmp.messages import Message, MessageKind
from rtmp.requests import PublishAsked
from rtmp.server import CHUNK_BYTES
from rtmp.turns import Turn, turn_message

LOOK_EVERY_S = 1.0
SILENT_S = 30.0
"""Viewers wait so long for a stream that stopped; then they are told that it ended."""
TURNS_EVERY_S = 5.0
"""A hundredth of the writes that a thousand viewers cost; a crowd changes slowly."""
TAKE_OVER_S = 10.0
"""A publisher that is silent for so long gives way to another."""
GONE_S = 60.0
"""One that is silent for so long is gone: a line that broke says nothing. Others come back."""
PAUSE_S = 1.0
"""Who sent within it is live."""
STREAMS_MAX = 64


class Relay:
    """One process, one port. A node has one stream, an ingest as many as publish."""

    def __init__(
        self, configuration: Configuration, clock: Callable[[], float], log: Callable[[str], None]
    ) -> None:
        self._configuration, self._log = configuration, log
        self.clock = clock
        self.admission = Admission(places(), room_for_queues())
        self.note = _notes(configuration, log)
        self.questions = Questions(configuration.hooks)
        self.connections: set[Connection] = set()
        self.streams: dict[str, LiveStream] = {}
        self._publishers: dict[str, Connection] = {}
        self._begun_s: dict[str, float] = {}
        self._clocks: dict[str, EndlessClock] = {}
        self._upstream: Upstream | None = None
        self._marks: UpstreamMarks | None = None
        key_file = configuration.mark_key_file
        self._mark_key = MarkKey.read(Path(key_file)) if key_file else None
        self._asking: asyncio.Task[None] | None = None
        self._came = asyncio.Event()
        self._waiting, self._told_s = Waiting(), clock()
        if address := configuration.upstream:
            stream = self.streams[configuration.stream_id] = LiveStream(configuration.stream_id)
            self._marks = marks = UpstreamMarks(stream, self.questions.mark_key, clock)
            sink = Sink(
                begin=marks.begin,
                take=lambda message: self._take_from_upstream(marks, message),
                note=lambda data: self.note(configuration.upstream_ip, data),
                log=log,
            )
            source = Source(address, configuration.upstream_ip)
            self._upstream = Upstream(source, sink, random.SystemRandom().random())

    async def run(self) -> None:
        """Serve until cancelled."""
        loop = asyncio.get_running_loop()
        listening = listen(self._configuration.bind_address, self._configuration.rtmp_port)
        server = await loop.create_server(lambda: Connection(self), sock=listening, backlog=BACKLOG)
        telling = await serve_statistics(self._configuration.statistics, self._statistics)
        try:
            async with server, telling, asyncio.TaskGroup() as tasks:
                tasks.create_task(self._flush())
                tasks.create_task(self._look())
                tasks.create_task(self._mark())
                if self._upstream:
                    tasks.create_task(self._upstream.run())
        finally:
            for connection in self.connections:
                connection.abort()

    def hurry(self) -> None:
        """There is news: the stream is said to be live, or its ingest to have another key."""
        if self._upstream:
            self._upstream.hurry()
        if self._marks:
            self._asking = asyncio.create_task(self._marks.ask_again())

    def stream_of(self, name: str) -> LiveStream | None:
        """The stream that a player asks for."""
        return self.streams.get(name)

    async def may_publish(self, asked: PublishAsked) -> bool:
        """Publishing is for an ingest, after its coordinator said yes."""
        is_full = len(self.streams) >= STREAMS_MAX and asked.name not in self.streams
        if self._upstream is not None or is_full:
            return False
        mark_key = self._mark_key.text if self._mark_key else ""
        return await self.questions.may_publish(asked, mark_key)

    def in_vain(self, connection: Connection) -> None:
        """A player asked for a stream that is not there; a node that waits is told its turn."""
        self.refused("no_stream", connection.place)
        if self._upstream is None and connection.transport is not None:
            connection.transport.write(told(self._waiting.turn(self.clock())))

    async def begin_publish(self, name: str, connection: Connection) -> LiveStream | None:
        """The stream to feed; None while somebody else is live with it.

        A publisher whose line broke is back before its old connection is known to be dead. It waits
        here for that, and not for its own next try, whose pauses grow.
        """
        while (before := self._publishers.get(name)) is not None:
            silent_s = self._silent_s(name)
            if silent_s >= TAKE_OVER_S:
                before.refuse("silent_publisher")
                break
            if silent_s < PAUSE_S:
                return None
            await asyncio.sleep(LOOK_EVERY_S / 4)
        stream = self.streams.get(name) or self._new_stream(name)
        stream.forget()
        self._clocks.setdefault(name, EndlessClock()).restart()
        self._publishers[name] = connection
        self._begun_s[name] = self.clock()
        return stream

    def _silent_s(self, name: str) -> float:
        """How long nothing came of the stream's publisher."""
        heard_s = max(self._begun_s[name], self.streams[name].media_s or 0.0)
        return self.clock() - heard_s

    def _new_stream(self, name: str) -> LiveStream:
        key = self._mark_key
        signer = StreamSigner(name, key, time.time) if key else None
        stream = self.streams[name] = LiveStream(name, signer)
        return stream

    def take_media(self, connection: Connection, message: Message) -> None:
        """A publisher's message, dated by the stream's own clock. Raises RtmpError."""
        stream = connection.stream
        if stream is None or self._publishers.get(stream.name) is not connection:
            return
        if is_mark(message):
            return  # whoever publishes signs nothing here
        now_s, line = self.clock(), self._clocks[stream.name]
        if message.kind == MessageKind.DATA:
            time_ms = line.shifted(message.timestamp_ms)
        else:
            pause_ms = int((now_s - stream.media_s) * 1000) if stream.media_s is not None else 0
            time_ms = line.read(message.timestamp_ms, pause_ms)
        self._offer(stream, message._replace(timestamp_ms=time_ms))

    def _take_from_upstream(self, marks: UpstreamMarks, message: Message) -> None:
        marks.take(message)
        self._offer(marks.stream, message)
        if is_mark(message) and marks.is_verified:
            marks.stream.trust()

    def _offer(self, stream: LiveStream, message: Message) -> None:
        stream.offer(message, self.clock())
        self._came.set()

    def left(self, connection: Connection) -> None:
        """A connection plays or publishes no more."""
        stream = connection.stream
        if stream is None:
            return
        connection.stream = None
        if connection.viewer is not None:
            stream.leave(connection.viewer)
        if self._publishers.get(stream.name) is connection:
            del self._publishers[stream.name], self._begun_s[stream.name]
            stream.end()

    def refused(self, reason: str, place: str, says: str = "") -> None:
        """Count somebody who was refused or thrown out."""
        self.admission.refused[reason] += 1
        if says and self.admission.refused[reason] % 100 == 1:
            self._log(f"{reason} of {place}: {says}")

    async def _flush(self) -> None:
        """What comes after a pause goes out at once, and then what came within each `flush_ms`.

        So a node falls into step with its ingest, whose batches it hands on as they come.
        """
        rhythm = Rhythm(self._configuration.flush_ms, is_node=self._upstream is not None)
        while True:
            await self._came.wait()
            await asyncio.sleep(rhythm.wait_s(self.clock()))
            self._came.clear()
            now_s = self.clock()
            for stream in self.streams.values():
                stream.flush(now_s)
            rhythm.flushed(now_s)

    async def _mark(self) -> None:
        """Sign what was served, of each stream of an ingest."""
        while self._mark_key is not None:
            await asyncio.sleep(MARK_EVERY_S)
            for stream in self.streams.values():
                stream.mark(self.clock())
            self._came.set()

    async def _look(self) -> None:
        """Once a second: who is overdue or lost, and what has ended."""
        while True:
            await asyncio.sleep(LOOK_EVERY_S)
            now_s = self.clock()
            for connection in list(self.connections):
                self._look_at(connection, now_s)
            for stream in self.streams.values():
                stream.ping_if_silent(now_s)
            self.admission.memory_bytes = sum(each.kept_bytes for each in self.connections)
            self._forget_ended(now_s)
            self._tell_turns(now_s)

    def _tell_turns(self, now_s: float) -> None:
        """An ingest tells all who play when to come back, should it ever be gone."""
        if self._upstream is not None or now_s - self._told_s < TURNS_EVERY_S:
            return
        self._told_s = now_s
        playing = [each.viewer for each in self.connections if each.viewer is not None]
        for place, viewer in enumerate(playing, start=1):
            viewer.say(told(Turn(place, len(playing))))

    def _look_at(self, connection: Connection, now_s: float) -> None:
        if connection.is_overdue(now_s):
            connection.refuse("too_slow")
        elif connection.viewer is not None and connection.viewer.is_lost(now_s):
            connection.refuse("slow_viewer")
        elif connection.stream is None:
            return
        elif self._publishers.get(connection.stream.name) is connection:
            if self._silent_s(connection.stream.name) > GONE_S:
                connection.refuse("silent_publisher")
        elif connection.viewer is not None:
            silent_s = now_s - max(connection.came_s, connection.stream.media_s or 0.0)
            if silent_s > SILENT_S:
                connection.end_play("NetStream.Play.UnpublishNotify", "The stream has ended.")

    def _forget_ended(self, now_s: float) -> None:
        """Streams of an ingest that nobody publishes, plays or saw lately."""
        if self._upstream is not None:
            return
        for name, stream in list(self.streams.items()):
            is_silent = now_s - (stream.media_s or 0.0) > SILENT_S
            if name not in self._publishers and is_silent and not stream.viewers:
                del self.streams[name]

    def _statistics(self) -> dict[str, object]:
        streams = [(stream, self._is_published(name)) for name, stream in self.streams.items()]
        return statistics_of(self.admission, streams, self.clock(), self._marks)

    def _is_published(self, name: str) -> bool:
        """Whether media come, or came a moment ago."""
        if self._upstream is None:
            return name in self._publishers
        media_s = self.streams[name].media_s
        return media_s is not None and self.clock() - media_s < TAKE_OVER_S


def _notes(
    configuration: Configuration, log: Callable[[str], None]
) -> Callable[[str, bytes], None]:
    """Where what is read is noted. A relay that cannot, as on a full disk, relays all the same."""
    if configuration.last_read:
        try:
            return LastReadWriter(Path(configuration.last_read)).note
        except OSError as error:
            log(f"what is read last is not noted: {error}")
    return lambda _host, _data: None


def told(turn: Turn) -> bytes:
    """What a player is sent about its turn. Pure."""
    return whole_chunks(2, turn_message(turn), CHUNK_BYTES)
