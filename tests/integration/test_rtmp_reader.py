"""The prober's own reader on real sockets: what it hears of a right server, and of wrong ones."""

import asyncio
import contextlib
import os
import resource
import socket
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from random import Random

import pytest

from coordinator.adapters.media.message_packets import digest_of, packets_of
from coordinator.adapters.media.play_connection import PlayConnection, Room
from coordinator.adapters.media.rtmp_reader import FOOTAGE_MAX, Footage, RtmpReader
from coordinator.proof.captures import Capture, CapturePlan, Ending, Span
from coordinator.proof.judging import Proof, ProofParameters, Verdict, judge
from coordinator.proof.packets import MediaKind, Part
from coordinator.reasons import Reason
from rtmp.addresses import RtmpAddress
from rtmp.handshake import PART_BYTES
from rtmp.messages import Message, MessageKind
from tests.doubles.tcp_server import Serve, tcp_server
from tests.integration.hostile import sockets, until
from tests.integration.hostile_servers import KINDS, Kind, fuzzed, serving
from tests.integration.hostile_streams import READER_KINDS
from tests.integration.recorded_sessions import mutated
from tests.numbered_media import STEP_MS, VIDEO_BYTES, headers, numbered
from tests.packet_streams import live
from tests.played_sessions import opening, shown
from tests.ports import free_port

SECONDS = 1.0
SHORT_S = 0.2
AT_ONCE = 12
BUSY_S = 1.5
HANG_S = 60.0
"""Far beyond any capture: one that takes so long would never have ended."""
FUZZED_SESSIONS = int(os.environ.get("READER_SESSIONS", "300"))
FUZZED_S_MAX = 10.0
"""A session is over when the server hangs up, which it does at once."""
ROOM = Room(3_000_000, 5_000)
"""What a check allows a stream of half a megabit a second."""


@asynccontextmanager
async def server(serve: Serve, host: str = "127.0.0.1") -> AsyncIterator[RtmpAddress]:
    """One that treats every connection like that, and is gone behind the block."""
    async with tcp_server(serve, host) as port:
        yield RtmpAddress(host, port, "live", "show")


async def captured(
    address: RtmpAddress, seconds: float = SECONDS, read: tuple[Span, ...] = (), **how: object
) -> Capture:
    """One capture."""
    reader = RtmpReader(now=time.time)
    footage = how.get("footage")
    async with asyncio.timeout(HANG_S):
        return await reader.capture(
            address,
            CapturePlan(seconds, read),
            allowed=lambda: ROOM,
            footage=footage if isinstance(footage, Footage) else None,
        )


async def shows(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Numbered media in real time, as long as anybody listens."""
    writer.write(opening() + shown(headers()))
    began_s, number = time.monotonic(), 0
    while True:
        writer.write(shown([numbered(number)]))
        await writer.drain()
        number += 1
        await asyncio.sleep(max(0.0, began_s + number * STEP_MS / 1000 - time.monotonic()))


@pytest.mark.parametrize("host", ["127.0.0.1", "::1"])
async def test_every_message_is_heard_at_its_time(host: str) -> None:
    """Headers, script data, pictures and sounds: each once, hashed behind its tag's header."""
    async with server(shows, host) as address:
        capture = await captured(address)
    told, frames = capture.packets[:3], capture.packets[3:]
    assert [p.part for p in told] == [Part.OTHER, Part.HEADER, Part.HEADER]
    assert (told[0].media, told[0].codec) == (MediaKind.DATA, "@setDataFrame")
    assert told[0].body == headers()[0].body
    sent = [numbered(n) for n in range(len(frames))]
    assert [p.digest for p in frames] == [
        digest_of(m.body[2 if m.kind == MessageKind.AUDIO else 5 :]) for m in sent
    ]
    assert {(p.media, p.codec) for p in frames} == {
        (MediaKind.VIDEO, "avc1"),
        (MediaKind.AUDIO, "mp4a"),
    }
    assert [p.is_key for p in frames] == [n == 0 for n in range(len(frames))]
    assert len(frames) > 0.5 * SECONDS * 1000 / STEP_MS
    waits_s = [p.arrived_s - capture.started_s - p.dts_ms / 1000 for p in frames]
    assert max(waits_s) < SECONDS
    steps = capture.steps
    order = (steps.connected_s, steps.greeted_s, steps.asked_s, steps.media_s)
    assert list(order) == sorted(order, key=lambda at_s: at_s or 0.0)
    assert (capture.ending, capture.failure, capture.stopped_s) == (Ending.PLANNED, None, None)
    assert capture.bytes_received == sum(len(m.body) for m in [*headers(), *sent])


async def test_a_track_that_begins_late_is_heard_from_its_first_message() -> None:
    """ffprobe never shows one: a camera switched on behind its analysis."""

    async def serve(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(opening() + shown([headers()[2], numbered(1)]))
        await asyncio.sleep(0.5)
        writer.write(shown([headers()[1], numbered(100)]))
        await asyncio.sleep(HANG_S)

    async with server(serve) as address:
        capture = await captured(address)
    first, last = capture.packets[0], capture.packets[-1]
    assert (last.media, last.is_key, last.part) == (MediaKind.VIDEO, True, Part.FRAMES)
    assert last.arrived_s > first.arrived_s + 0.4


async def test_a_long_capture_reads_its_spans_and_counts_the_rest() -> None:
    """Nothing is lost: what is not hashed is counted by the second; headers are always read."""
    spans = (Span(0.4, 0.6), Span(1.0, 1.2))
    async with server(shows) as address:
        capture = await captured(address, 1.2, spans)
    assert [(s.since_s - capture.started_s, s.until_s - capture.started_s) for s in capture.read]
    frames = [p for p in capture.packets if p.part is Part.FRAMES]
    assert frames
    assert all(any(span.holds(p.arrived_s) for span in capture.read) for p in frames)
    assert [p.part for p in capture.packets[:3]] == [Part.OTHER, Part.HEADER, Part.HEADER]
    counted = sum(count.packets for count in capture.counts)
    assert len(frames) < counted
    last = frames[-1].dts_ms // STEP_MS
    assert last - 2 <= len(frames) + counted <= last + 3
    sizes = sum(count.size for count in capture.counts)
    assert 0 < sizes < capture.bytes_received


async def test_between_spans_what_comes_is_read_together() -> None:
    """A message comes each 20 ms; in a span each has its time, before it some share one."""
    reads = 0

    def now() -> float:
        nonlocal reads
        reads += 1
        return time.time()

    spans = (Span(1.75, 2.0),)
    async with server(shows) as address:
        await RtmpReader(now=now).capture(address, CapturePlan(2.0))
        whole, reads = reads, 0
        capture = await RtmpReader(now=now).capture(address, CapturePlan(2.0, spans))
    assert reads < 0.6 * whole
    frames = [p for p in capture.packets if p.part is Part.FRAMES]
    assert len({p.arrived_s for p in frames}) > len(frames) / 2
    assert frames[0].arrived_s < capture.read[0].since_s + 0.2
    counted = sum(count.packets for count in capture.counts)
    assert counted + len(frames) > 0.5 * 2000 / STEP_MS


@pytest.mark.parametrize("read", [(), (Span(0.4, 0.6),)])
async def test_a_film_is_kept_where_it_is_asked_for(read: tuple[Span, ...]) -> None:
    """As it came, for the second reader; what it brought is hashed, whatever else is read."""
    footage = Footage()
    async with server(shows) as address:
        capture = await captured(address, SECONDS, read, footage=footage)
    assert footage.messages[0].body == headers()[0].body
    assert footage.size == capture.bytes_received
    brought = [p.digest for m in footage.messages for p in packets_of(m, 0.0)]
    assert [p.digest for p in capture.packets] == brought
    assert footage.packets == len(brought)
    assert bool(capture.counts) == bool(read)


async def test_a_film_ends_where_its_room_does() -> None:
    """What both readers are compared by ends there as well: the rest was never decoded."""
    footage = Footage(size=FOOTAGE_MAX.size - VIDEO_BYTES * 5)
    async with server(shows) as address:
        capture = await captured(address, footage=footage)
    assert FOOTAGE_MAX.size < footage.size < FOOTAGE_MAX.size + 2 * VIDEO_BYTES
    brought = [p.digest for m in footage.messages for p in packets_of(m, 0.0)]
    assert footage.packets == len(brought) < len(capture.packets)
    assert [p.digest for p in capture.packets[: footage.packets]] == brought


async def test_a_capture_knows_how_late_its_own_machine_was() -> None:
    """It stood still for longer than anything may be missing: nobody is judged by its time."""
    async with server(shows) as address:
        calm = await captured(address, 0.6)
        asyncio.get_running_loop().call_later(0.2, time.sleep, BUSY_S)
        busy = await captured(address, 0.6 + BUSY_S)
    assert calm.late_s < busy.late_s
    assert busy.late_s > BUSY_S - 0.5


async def test_a_closed_port_is_unreachable() -> None:
    """At once: no planned second passes."""
    capture = await captured(RtmpAddress("127.0.0.1", free_port(), "live", "show"), HANG_S)
    assert (capture.failure, capture.ending) == (Reason.UNREACHABLE, Ending.UNREACHABLE)
    assert capture.ended_s < capture.started_s + HANG_S


async def test_nobody_answers_the_connection() -> None:
    """A queue that is full takes no more: so does a firewall that drops."""
    with socket.socket() as deaf:
        deaf.bind(("127.0.0.1", 0))
        deaf.listen(0)
        address = RtmpAddress("127.0.0.1", deaf.getsockname()[1], "live", "show")
        fillers = [socket.socket() for _ in range(4)]
        for filler in fillers:
            filler.setblocking(False)
            filler.connect_ex(deaf.getsockname())
        capture = await captured(address, 0.5)
        for filler in fillers:
            filler.close()
    assert capture.failure is Reason.UNREACHABLE


async def test_a_host_name_is_refused() -> None:
    """Names are resolved and judged before: the reader never resolves one."""
    with pytest.raises(ValueError, match="resolve"):
        await captured(RtmpAddress("localhost", 1935, "live", "show"))


async def test_a_capture_that_is_cancelled_leaves_no_connection() -> None:
    """A run that is stopped takes its captures with it."""
    connected, left = asyncio.Event(), asyncio.Event()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        connected.set()
        writer.write(opening())
        with contextlib.suppress(OSError):
            while await reader.read(65_536):
                pass
        left.set()

    async with server(serve) as address, asyncio.timeout(HANG_S):
        running = asyncio.create_task(captured(address, HANG_S))
        await connected.wait()
        running.cancel()
        with pytest.raises(asyncio.CancelledError):
            await running
        await left.wait()


async def test_whoever_leaves_says_so_as_a_viewer_does() -> None:
    """The last command is the one of a player that is closed."""
    heard = bytearray()
    left = asyncio.Event()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(opening())
        with contextlib.suppress(OSError):
            while data := await reader.read(65_536):
                heard.extend(data)
        left.set()

    async with server(serve) as address:
        await captured(address, 0.3)
        async with asyncio.timeout(HANG_S):
            await left.wait()
    assert b"deleteStream" in heard[-40:]


def proof_of(capture: Capture) -> Proof:
    """Held against a sound reference; what floods may make the machine of these tests late."""
    reference = live(60, fps=60, gop_s=0.2, start_s=capture.started_s - 41)
    return judge(reference, replace(capture, late_s=0.0), ProofParameters(setup_s=0.2))


async def attacked(misbehave: Kind, bait_port: int, seed: int = 0) -> Capture:
    """One capture of a hostile server's."""
    async with serving(misbehave, bait_port, seed) as port:
        return await captured(RtmpAddress("127.0.0.1", port, "live", "show"))


async def test_every_hostile_server_fails_and_lures_nobody_away() -> None:
    """Some at once: what floods, floods this process twice. A verdict, never an excuse."""
    kinds = {**KINDS, **READER_KINDS}
    assert len(READER_KINDS) >= 15
    baited: list[str] = []

    async def bait(reader: asyncio.StreamReader, _: asyncio.StreamWriter) -> None:
        baited.append("lured away")
        await reader.read()

    before = sockets()
    async with server(bait) as trap:
        places = asyncio.Semaphore(AT_ONCE)

        async def attack(one: Kind) -> Capture:
            async with places:
                return await attacked(one, trap.port)

        captures = await asyncio.gather(*map(attack, kinds.values()))
    proofs = dict(zip(kinds, map(proof_of, captures), strict=True))
    wrong = {name: p.reason for name, p in proofs.items() if p.verdict is not Verdict.FAIL}
    assert wrong == {}
    assert baited == []
    await until(lambda: sockets() <= before)
    assert sockets() <= before


async def test_sessions_with_changed_bytes_fail() -> None:
    """Bytes changed at random, the same ones for a seed."""
    captures = await asyncio.gather(*(attacked(fuzzed, free_port(), seed) for seed in range(10)))
    assert {proof_of(capture).verdict for capture in captures} == {Verdict.FAIL}


async def test_mutated_sessions_end_in_a_verdict() -> None:
    """Whatever becomes of a right session: no hang, no error, and nothing of it is an excuse."""
    session = opening() + shown([*headers(), *(numbered(n) for n in range(60))])
    others = [session, b"".join((opening(), shown(_many_tracks())))]
    served, endings = b"", set[Ending]()

    async def serve(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(served)
        await writer.drain()
        writer.close()
        await writer.wait_closed()

    async with server(serve) as address:
        for seed in range(FUZZED_SESSIONS):
            served = mutated(others, seed)
            capture = await captured(address, FUZZED_S_MAX)
            endings.add(capture.ending)
            assert capture.failure in (None, Reason.NO_STREAM), (seed, capture)
            if seed % 20 == 0:
                assert proof_of(capture).verdict is Verdict.FAIL, seed
    assert {Ending.CLOSED, Ending.BROKEN} <= endings


def _many_tracks() -> list[Message]:
    """Enhanced RTMP: sounds of two tracks, pictures with modifiers."""
    chance = Random(5)
    found = []
    for n in range(60):
        part = chance.randbytes(200)
        two = b"".join(bytes((track, 0, 0, 200)) + part for track in (0, 1))
        found.append(Message(MessageKind.AUDIO, 1, n * 20, b"\x95\x11Opus" + two))
        frame = b"\x97\x00\x00\x01hvc1\x00\x00\x00" + chance.randbytes(900)
        found.append(Message(MessageKind.VIDEO, 1, n * 20, frame))
    return found


async def test_a_connection_out_of_files_is_our_own_fault() -> None:
    """No socket was free: the node is not to blame."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    address = RtmpAddress("127.0.0.1", free_port(), "live", "show")
    reader = RtmpReader(now=time.time)
    lowest = os.open("/dev/null", os.O_RDONLY)
    os.close(lowest)
    resource.setrlimit(resource.RLIMIT_NOFILE, (lowest, hard))
    try:
        capture = await reader.capture(address, CapturePlan(SECONDS))
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    assert (capture.failure, capture.ending) == (Reason.UNKNOWN_INTERNAL, Ending.FAULT)


async def test_a_peer_is_heard_out_before_it_is_left() -> None:
    """The connection's own words are bounded, and of one line."""
    connection = PlayConnection(
        RtmpAddress("127.0.0.1", 1, "live", "show"),
        allowed=lambda: ROOM,
        now=time.time,
        take=lambda _, __: None,
    )
    connection.data_received(b"HTTP\n" + bytes(PART_BYTES))
    assert connection.ending is Ending.BROKEN
    assert connection.says.isprintable()


async def hangs_up(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """In the middle of what it plays."""
    writer.write(opening() + shown([*headers(), *map(numbered, range(30))]))
    await writer.drain()
    writer.close()


async def test_who_hangs_up_has_failed() -> None:
    """To leave a connection that is gone already raises in uvloop: that would be our own fault."""
    async with server(hangs_up) as address:
        capture = await captured(address)
    assert (capture.ending, capture.failure) == (Ending.CLOSED, None)
    assert len(capture.packets) > 30
    assert proof_of(capture).verdict is Verdict.FAIL


async def test_a_machine_that_stood_still_as_it_was_accepted_raises_nothing() -> None:
    """The time was over before anybody could look: uvloop has closed the connection by then."""
    asked = 0

    def now() -> float:
        nonlocal asked
        asked += 1
        if asked == 3:  # of the instant in which it is accepted: the whole process stands still
            time.sleep(2 * SHORT_S)
        return time.time()

    async with server(shows) as address:
        capture = await RtmpReader(now=now).capture(address, CapturePlan(SHORT_S))
    assert asked > 3
    assert capture.failure is Reason.NO_STREAM
    assert capture.late_s > 0
