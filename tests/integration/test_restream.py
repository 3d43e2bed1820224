"""The engine restream as it runs, in this process: real sockets, its own clock wound by hand."""

import asyncio
import json
import resource
import socket
import time
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from agent.node_key import encode_key
from agent.relay.engines.local_page import LocalPage
from agent.relay.restream.admission import CONNECTIONS_MAX
from agent.relay.restream.configuration import Configuration
from agent.relay.restream.connection import ASKING_S_MAX, UNSENT_BYTES_MAX
from agent.relay.restream.listening import OWN_DESCRIPTORS, places
from agent.relay.restream.pace import CALM_S
from agent.relay.restream.relay import (
    GONE_S,
    SILENT_S,
    STREAMS_MAX,
    TAKE_OVER_S,
    TURNS_EVERY_S,
    Relay,
)
from agent.relay.restream.stream import LiveStream
from agent.relay.restream.upstream import Sink, Source, Upstream, answer
from agent.relay.restream.upstream_marks import UpstreamMarks
from agent.relay.restream.viewer import WATCHED_S_MIN
from rtmp.addresses import RtmpAddress
from rtmp.chunks import ChunkWriter
from rtmp.errors import RtmpError
from rtmp.handshake import PART_BYTES
from rtmp.mark_follower import UNMARKED_S_MAX, MarkFinding
from rtmp.marks import is_mark
from rtmp.messages import Message, MessageKind, UserControl, command, user_control
from rtmp.player import Player
from rtmp.turns import Turn, turn_of
from tests.doubles.tcp_server import tcp_server
from tests.numbered_media import publish_as_obs, wire
from tests.ports import free_port
from tests.rtmp_client import Client, play, publish
from tests.signed_streams import PUBLIC_KEY, SECRET, findings, signed

PATIENCE_S = 30.0
PLAYED = (MessageKind.AUDIO, MessageKind.VIDEO, MessageKind.DATA)
SECRET_TEXT = encode_key(SECRET.private_bytes_raw())
PING = user_control(UserControl.PING_REQUEST, b"ping")
HEADER = Message(MessageKind.VIDEO, 1, 0, b"\x17\x00\x00\x00\x00avcC")


def key(time_ms: int, body: bytes = b"key") -> Message:
    """A picture that needs none before it."""
    return Message(MessageKind.VIDEO, 1, time_ms, b"\x17\x01\x00\x00\x00" + body)


def inter(time_ms: int, body: bytes = b"inter") -> Message:
    """A picture that needs those before it."""
    return Message(MessageKind.VIDEO, 1, time_ms, b"\x27\x01\x00\x00\x00" + body)


class Clock:
    """Goes on by itself, and faster where a test wants."""

    def __init__(self) -> None:
        self.ahead_s = 0.0

    def __call__(self) -> float:
        return time.monotonic() + self.ahead_s


class Hooks:
    """The agent's side: says yes to the right key, and to everybody who plays from here."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, str]] = []
        self.port = 0
        self.mark_key = ""
        """What a node is told of its ingest."""

    async def answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One question a connection."""
        head = (await reader.readuntil(b"\r\n\r\n")).decode()
        size = int(head.split("Content-Length: ")[1].split("\r\n")[0])
        body = (await reader.readexactly(size)).decode()
        question = head.split(" ")[1]
        if question == "/mark-key":
            writer.write(b"HTTP/1.0 200 OK\r\n\r\n" + self.mark_key.encode())
            writer.close()
            return
        self.asked.append((question, body))
        is_refused = "key=wrong" in body or "forwarder" in body
        writer.write(b"HTTP/1.0 403 No\r\n\r\n" if is_refused else b"HTTP/1.0 204 Yes\r\n\r\n")
        writer.close()


class Running:
    """A relay with its port, its clock and what it says."""

    def __init__(self, configuration: Configuration) -> None:
        self.configuration = configuration
        self.clock = Clock()
        self.said: list[str] = []
        self.relay = Relay(configuration, self.clock, self.said.append)

    @property
    def port(self) -> int:
        """Where it listens."""
        return self.configuration.rtmp_port

    async def statistics(self) -> dict[str, Any]:
        """As the agent reads them."""
        path = self.configuration.statistics
        page = LocalPage("the page", "/", lambda: asyncio.open_unix_connection(path))
        told: dict[str, Any] = json.loads(await page.read())
        return told

    async def until(self, holds: Callable[[], bool]) -> None:
        """Wait for a condition."""
        async with asyncio.timeout(PATIENCE_S):
            while not holds():  # noqa: ASYNC110 -- nobody tells a test of what it waits for
                await asyncio.sleep(0.01)

    def refused(self) -> dict[str, int]:
        """By reason."""
        return dict(self.relay.admission.refused)


class Network:
    """Starts relays whose hooks are answered."""

    def __init__(self, stack: AsyncExitStack, folder: Path, hooks: Hooks) -> None:
        self._stack, self._folder, self.hooks = stack, folder, hooks

    async def start(
        self, upstream_port: int = 0, address: str = "127.0.0.1", flush_ms: int = 5
    ) -> Running:
        """An ingest, or a node of the stream s1; the ingest signs once nodes know its key."""
        port = free_port()
        key_file = self._folder / "marks.key"
        key_file.write_text(SECRET_TEXT)
        configuration = Configuration(
            bind_address=address,
            rtmp_port=port,
            stream_id="s1" if upstream_port else "",
            upstream_url=f"rtmp://localhost:{upstream_port}/live/s1" if upstream_port else "",
            upstream_ip="127.0.0.1" if upstream_port else "",
            hooks=f"http://127.0.0.1:{self.hooks.port}",
            statistics=str(self._folder / f"{port}.sock"),
            flush_ms=flush_ms,
            mark_key_file=str(key_file) if self.hooks.mark_key and not upstream_port else "",
        )
        return await self._stack.enter_async_context(running(configuration))


@asynccontextmanager
async def running(configuration: Configuration) -> AsyncIterator[Running]:
    """Listening."""
    one = Running(configuration)
    task = asyncio.create_task(one.relay.run())
    await one.until(lambda: Path(configuration.statistics).exists() or task.done())
    try:
        yield one
    finally:
        task.cancel()
        await asyncio.wait({task})
        await one.until(lambda: not one.relay.connections)


@pytest.fixture
async def network(tmp_path: Path) -> AsyncIterator[Network]:
    """All relays end with the test."""
    hooks = Hooks()
    server = await asyncio.start_server(hooks.answer, "127.0.0.1", 0)
    hooks.port = server.sockets[0].getsockname()[1]
    async with server, AsyncExitStack() as stack:
        yield Network(stack, tmp_path, hooks)


@asynccontextmanager
async def live(relay: Running, *messages: Message, name: str = "s1") -> AsyncIterator[Client]:
    """A publisher that was let in and has sent these."""
    async with await Client.connect(relay.port) as client:
        client.ask(publish(name))
        assert await client.hear_code() == "NetStream.Publish.Start"
        client.say(*messages, channel=6)
        yield client


@asynccontextmanager
async def watching(relay: Running, name: str = "s1") -> AsyncIterator[Client]:
    """A player that was let in."""
    async with await Client.connect(relay.port) as client:
        client.ask(play(name), tc_url=f"rtmp://127.0.0.1:{relay.port}/live")
        assert await client.hear_code() == "NetStream.Play.Start"
        yield client


async def test_a_publisher_s_packets_reach_players_of_a_node_of_a_node(network: Network) -> None:
    """Ours from ours twice: the payloads and times stay what they were."""
    ingest = await network.start()
    sent = [HEADER, key(0, bytes(range(256)) * 400)]
    async with live(ingest, *sent) as publisher:
        await ingest.until(lambda: "s1" in ingest.relay.streams)
        node = await network.start(ingest.port)
        second = await network.start(node.port)
        await second.until(lambda: second.relay.streams["s1"].gop_bytes > 0)
        async with watching(second) as player:
            assert [await player.hear_media() for _ in sent] == sent
            publisher.say(inter(40), channel=6)
            assert await player.hear_media() == inter(40)


async def test_what_comes_after_a_pause_goes_out_at_once(network: Network) -> None:
    """And whatever follows it waits, to be written together."""
    ingest = await network.start(flush_ms=3_600_000)
    async with live(ingest) as publisher, watching(ingest) as player:
        publisher.say(HEADER, key(0), channel=6)
        assert {(await player.hear_media()).body for _ in range(2)} == {HEADER.body, key(0).body}
        publisher.say(inter(40), channel=6)
        await ingest.until(lambda: ingest.relay.streams["s1"].gop_bytes > len(key(0).body) + 30)
        [viewer] = ingest.relay.streams["s1"].viewers
        sent_bytes = viewer.sent_bytes
        async with watching(ingest):  # who comes needs what waits, and so all get it
            assert viewer.sent_bytes > sent_bytes


async def test_the_kernel_keeps_little_for_a_viewer(network: Network) -> None:
    """Megabytes there would be a delay, and memory, that no queue of the relay's knows of."""
    ingest = await network.start()
    async with live(ingest, HEADER, key(0)), watching(ingest):
        [playing] = [each for each in ingest.relay.connections if each.viewer]
        assert playing.transport is not None
        kernels = playing.transport.get_extra_info("socket")
        kept_bytes = kernels.getsockopt(socket.IPPROTO_TCP, socket.TCP_NOTSENT_LOWAT)
        assert kept_bytes == UNSENT_BYTES_MAX


async def test_who_may_publish_is_asked_of_the_agent(network: Network) -> None:
    ingest = await network.start()
    async with await Client.connect(ingest.port) as cheat:
        cheat.ask(publish("s1", "wrong"))
        assert await cheat.hear_code() == "NetStream.Publish.Denied"
        await cheat.until_closed()
    assert network.hooks.asked == [("/publish", "name=s1&key=wrong&mark_key=")]
    assert ingest.refused() == {"publish": 1}


async def test_nobody_publishes_into_a_node(network: Network) -> None:
    node = await network.start(free_port())
    async with await Client.connect(node.port) as stranger:
        stranger.ask(publish("s1"))
        assert await stranger.hear_code() == "NetStream.Publish.Denied"
    assert network.hooks.asked == []


async def test_a_publisher_whose_agent_is_away_is_refused(network: Network) -> None:
    ingest = await network.start()
    ingest.relay.questions._port = free_port()
    async with await Client.connect(ingest.port) as early:
        early.ask(publish("s1"))
        assert await early.hear_code() == "NetStream.Publish.Denied"


async def test_who_came_through_a_forwarder_does_not_play(network: Network) -> None:
    ingest = await network.start()
    async with live(ingest, HEADER, key(0)):
        async with await Client.connect(ingest.port) as player:
            player.ask(play("s1"), tc_url="rtmp://forwarder/live")
            assert await player.hear_code() == "NetStream.Play.Failed"
            await player.until_closed()
        assert network.hooks.asked[-1] == ("/play", "name=s1&tcurl=rtmp%3A%2F%2Fforwarder%2Flive")
        assert ingest.refused() == {"forwarded": 1}


async def test_a_stream_that_is_not_there_and_another_application_are_said(
    network: Network,
) -> None:
    ingest = await network.start()
    async with await Client.connect(ingest.port) as player:
        player.ask(play("other"))
        assert await player.hear_code() == "NetStream.Play.StreamNotFound"
    async with await Client.connect(ingest.port) as player:
        player.ask(app="vod")
        assert await player.hear_code() == "NetConnection.Connect.InvalidApp"


async def test_a_second_publisher_is_refused_until_the_first_is_silent(network: Network) -> None:
    ingest = await network.start()
    async with live(ingest, HEADER, key(0)) as first, watching(ingest) as player:
        assert await player.hear_media() == HEADER
        assert await player.hear_media() == key(0)
        async with await Client.connect(ingest.port) as second:
            second.ask(publish("s1"))
            assert await second.hear_code() == "NetStream.Publish.BadName"
        first.say(inter(40), channel=6)
        assert await player.hear_media() == inter(40)
        ingest.clock.ahead_s += TAKE_OVER_S
        async with live(ingest, HEADER, key(0, b"second's")):
            await first.until_closed()
            header, picture = await player.hear_media(), await player.hear_media()
            assert header.body == HEADER.body
            assert picture.body == key(0, b"second's").body
            # One line: the pause has passed on it too.
            assert picture.timestamp_ms == pytest.approx(40 + TAKE_OVER_S * 1000, abs=2000)


async def test_obs_whose_line_broke_is_back_as_soon_as_its_old_connection_is_given_up(
    network: Network,
) -> None:
    """No goodbye, and the same key again two seconds later: it waits, and is not turned away."""
    ingest = await network.start()
    address = RtmpAddress("127.0.0.1", ingest.port, "live", "s1")
    async with wire(address) as broken, wire(address) as again:
        for each in (broken, again):
            await each.greet()
        assert await publish_as_obs(broken, address, "right") == "NetStream.Publish.Start"
        await broken.say(HEADER, key(0), channel=4)
        await ingest.until(lambda: ingest.relay.streams["s1"].gop_bytes > 0)
        async with watching(ingest) as player:
            seen = [await player.hear_media() for _ in range(2)]
            ingest.clock.ahead_s += 2.0
            asking = asyncio.create_task(publish_as_obs(again, address, "right"))
            await ingest.until(lambda: len(network.hooks.asked) == 3)
            await asyncio.sleep(0.3)
            assert not asking.done()
            ingest.clock.ahead_s += TAKE_OVER_S - 2.0
            assert await asking == "NetStream.Publish.Start"
            assert ingest.refused() == {"silent_publisher": 1}
            await again.say(HEADER, key(0, b"again"), channel=4)
            after = [await player.hear_media() for _ in range(2)]
    assert [each.body for each in after] == [HEADER.body, key(0, b"again").body]
    gap_ms = after[0].timestamp_ms - seen[-1].timestamp_ms
    assert gap_ms == pytest.approx(TAKE_OVER_S * 1000, abs=2000)  # one clock: the gap has passed


async def test_obs_that_waits_is_refused_when_the_first_goes_on(network: Network) -> None:
    ingest = await network.start()
    async with live(ingest, HEADER, key(0)) as first, await Client.connect(ingest.port) as second:
        await ingest.until(lambda: ingest.relay.streams["s1"].gop_bytes > 0)
        ingest.clock.ahead_s += 2.0
        second.ask(publish("s1"))
        await ingest.until(lambda: len(network.hooks.asked) == 2)
        first.say(inter(40), channel=6)
        assert await second.hear_code() == "NetStream.Publish.BadName"


async def test_a_publisher_whose_line_broke_without_a_word_is_given_up(network: Network) -> None:
    """Else its stream would be there for ever, and an ingest has room for so many."""
    ingest = await network.start()
    async with live(ingest, HEADER, key(0)) as broken:
        await ingest.until(lambda: ingest.relay.streams["s1"].gop_bytes > 0)
        ingest.clock.ahead_s += GONE_S - 10
        broken.say(inter(40), channel=6)
        await ingest.until(lambda: ingest.relay.streams["s1"].bytes_in > 20)
        ingest.clock.ahead_s += GONE_S
        await broken.until_closed()
        await ingest.until(lambda: not ingest.relay.streams)
    assert ingest.refused() == {"silent_publisher": 1}


async def test_a_full_ingest_takes_its_own_streams_back(network: Network) -> None:
    """A publisher whose line broke is no new stream."""
    ingest = await network.start()
    async with live(ingest, HEADER, key(0)) as first:
        await ingest.until(lambda: "s1" in ingest.relay.streams)
        for number in range(STREAMS_MAX - 1):
            other = ingest.relay.streams[f"other{number}"] = LiveStream(f"other{number}")
            other.media_s = ingest.clock()
        async with await Client.connect(ingest.port) as newcomer:
            newcomer.ask(publish("s2"))
            assert await newcomer.hear_code() == "NetStream.Publish.Denied"
        first.say(command("deleteStream", 6.0, None, 1.0))
        await first.until_closed()
        async with live(ingest, HEADER, key(0)):
            assert len(ingest.relay.streams) == STREAMS_MAX


async def test_a_publisher_that_takes_no_answer_off_is_thrown_out(network: Network) -> None:
    """Its pings are answered; answers that nobody takes would grow for ever."""
    ingest = await network.start()
    async with live(ingest) as publisher:
        [theirs] = ingest.relay.connections
        assert theirs.transport is not None
        kernels = theirs.transport.get_extra_info("socket")
        kernels.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 4096)
        publisher.stop_reading()
        async with asyncio.timeout(PATIENCE_S):
            while ingest.relay.connections:
                publisher.say(*[PING] * 500, channel=2)
                await asyncio.sleep(0)
    assert ingest.refused() == {"protocol": 1}


async def test_an_upstream_that_takes_no_answer_off_is_left() -> None:
    """It pings for ever, and reads nothing."""
    ours, theirs = socket.socketpair()
    with theirs:
        ours.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 4096)
        _, writer = await asyncio.open_connection(sock=ours)
        player = Player(RtmpAddress("127.0.0.1", 1935, "live", "s1"))
        player.feed(b"\x03" + bytes(2 * PART_BYTES))
        pings = b"".join(ChunkWriter().write(2, PING) for _ in range(500))

        def is_pinged() -> None:
            for _ in range(50):
                player.feed(pings)
                assert player.next_event() is None
                answer(player, writer)

        with pytest.raises(RtmpError, match="take our answers off"):
            is_pinged()
        writer.transport.abort()


async def test_a_publisher_that_has_sent_nothing_yet_keeps_its_place(network: Network) -> None:
    ingest = await network.start()
    async with live(ingest), await Client.connect(ingest.port) as second:
        second.ask(publish("s1"))
        assert await second.hear_code() == "NetStream.Publish.BadName"


async def test_viewers_stay_while_a_publisher_comes_back(network: Network) -> None:
    ingest = await network.start()
    async with live(ingest, HEADER, key(0)) as publisher:
        await ingest.until(lambda: ingest.relay.streams["s1"].gop_bytes > 0)
        async with watching(ingest) as player:
            for _ in range(2):
                await player.hear_media()
            publisher.say(command("FCUnpublish", 6.0, None, "s1"))
            await publisher.until_closed()
            ingest.clock.ahead_s += SILENT_S - 5
            message = await player.hear()  # a ping: the relay has looked, and let it stay
            assert message is not None
            assert message.kind == MessageKind.USER_CONTROL
            async with live(ingest, HEADER, key(0, b"again")):
                assert (await player.hear_media()).body == HEADER.body
                assert (await player.hear_media()).body == key(0, b"again").body


async def test_who_comes_after_a_publisher_left_gets_no_old_picture(network: Network) -> None:
    """A player, and a check, would take it for a live stream."""
    ingest = await network.start()
    async with live(ingest, HEADER, key(0)) as publisher:
        await ingest.until(lambda: ingest.relay.streams["s1"].gop_bytes > 0)
        publisher.say(command("deleteStream", 6.0, None, 1.0))
        await publisher.until_closed()
    async with watching(ingest) as player:
        message = await player.hear()
        assert message is not None
        assert message.kind == MessageKind.USER_CONTROL


async def test_viewers_of_a_stream_that_does_not_come_back_are_told(network: Network) -> None:
    ingest = await network.start()
    async with live(ingest, HEADER, key(0)) as publisher:
        await ingest.until(lambda: "s1" in ingest.relay.streams)
        async with watching(ingest) as player:
            await player.hear_media()
            await publisher.__aexit__(None, None, None)
            ingest.clock.ahead_s += SILENT_S
            assert await player.hear_code() == "NetStream.Play.UnpublishNotify"
            await player.until_closed()
        await ingest.until(lambda: not ingest.relay.streams)


async def test_a_node_that_is_told_that_the_stream_is_live_does_not_wait(
    network: Network,
) -> None:
    ingest = await network.start()
    node = await network.start(ingest.port)
    await node.until(lambda: any("StreamNotFound" in line for line in node.said))
    async with live(ingest, HEADER, key(0)):
        node.relay.hurry()
        await node.until(lambda: node.relay.streams["s1"].gop_bytes > 0)
    assert len(node.said) == 1


async def test_a_node_hurries_also_while_it_is_being_refused() -> None:
    """What was said during a try counts for the next one."""
    tries: list[asyncio.StreamWriter] = []

    async def answer(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        tries.append(writer)

    async def until_tries(count: int) -> None:
        async with asyncio.timeout(CALM_S):
            while len(tries) < count:  # noqa: ASYNC110 -- nobody tells a test of it
                await asyncio.sleep(0.01)

    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    address = RtmpAddress("127.0.0.1", server.sockets[0].getsockname()[1], "live", "s1")

    async def begin() -> None:
        """Nobody has to be asked anything."""

    sink = Sink(begin, lambda _: None, lambda _: None, lambda _: None)
    upstream = Upstream(Source(address, "127.0.0.1"), sink, 0.0)
    async with server:
        pulling = asyncio.create_task(upstream.run())
        for count in (1, 2):
            await until_tries(count)
            upstream.hurry()
            tries[-1].close()
        await until_tries(3)
        tries[-1].close()
        pulling.cancel()
        await asyncio.wait({pulling})


async def test_an_ingest_tells_each_node_its_turn(network: Network) -> None:
    """Also those who come in vain; a node tells nobody, since nodes of nodes are few."""
    ingest = await network.start()
    async with await Client.connect(ingest.port) as early:
        early.ask(play("s1"))
        turns = [await until_turn(early)]
    async with live(ingest, HEADER, key(0)):
        await ingest.until(lambda: "s1" in ingest.relay.streams)
        async with watching(ingest) as first, watching(ingest) as second:
            ingest.clock.ahead_s += TURNS_EVERY_S
            turns += [await until_turn(each) for each in (first, second)]
    assert turns[0] == Turn(1, 1)
    assert sorted(turns[1:]) == [Turn(1, 2), Turn(2, 2)]


async def until_turn(player: Client) -> Turn:
    """What the relay tells it; whatever else comes is left out."""
    while (message := await player.hear()) is not None:
        if message.body[:2] == UserControl.TURN.to_bytes(2, "big"):
            turn = turn_of(message.body)
            assert turn is not None
            return turn
    raise AssertionError("it was told no turn")


async def test_a_node_that_lost_its_ingest_goes_on_where_it_was(network: Network) -> None:
    """Its viewers get no packet twice, and miss none that the ingest still has."""
    ingest = await network.start()
    async with live(ingest, HEADER, key(0), inter(40)) as publisher:
        await ingest.until(lambda: ingest.relay.streams["s1"].media_s is not None)
        node = await network.start(ingest.port)
        await node.until(lambda: node.relay.streams["s1"].gop_bytes > 0)
        async with watching(node) as player:
            assert [await player.hear_media() for _ in range(3)] == [HEADER, key(0), inter(40)]
            [pull] = [each for each in ingest.relay.connections if each.viewer is not None]
            async with watching(ingest) as told:
                ingest.clock.ahead_s += TURNS_EVERY_S
                await until_turn(told)  # so the node knows that it may come back at once
            pull.refuse("test")
            await node.until(lambda: len(node.said) == 1)
            publisher.say(inter(80), channel=6)
            await ingest.until(lambda: ingest.relay.streams["s1"].bytes_in == 37)
            node.relay.hurry()
            assert await player.hear_media() == inter(80)
            publisher.say(inter(120), channel=6)
            assert await player.hear_media() == inter(120)


async def test_the_next_publisher_s_newcomers_get_nothing_of_the_last_one_s(
    network: Network,
) -> None:
    ingest = await network.start()
    sound = Message(MessageKind.AUDIO, 1, 0, b"\xaf\x01sound")
    async with live(ingest, HEADER, key(0)) as first:
        await ingest.until(lambda: ingest.relay.streams["s1"].gop_bytes > 0)
        await first.__aexit__(None, None, None)
        await ingest.until(lambda: ingest.relay.admission.connections == 0)
    async with live(ingest) as second, watching(ingest) as player:
        second.say(sound, channel=4)
        assert (await player.hear_media()).body == sound.body


async def test_a_relay_that_ends_ends_its_connections(network: Network) -> None:
    one = await network.start()
    port = free_port()
    own = replace(one.configuration, rtmp_port=port, statistics=f"{one.configuration.statistics}2")
    async with AsyncExitStack() as stack:
        async with running(own) as relay:
            client = await stack.enter_async_context(await Client.connect(port))
            await relay.until(lambda: len(relay.relay.connections) == 1)
        await client.until_closed()


async def test_who_asks_for_nothing_is_thrown_out(network: Network) -> None:
    ingest = await network.start()
    async with await Client.connect(ingest.port) as idle:
        idle.ask()
        assert (await idle.hear_command()) is not None
        ingest.clock.ahead_s += ASKING_S_MAX
        await idle.until_closed()
    assert ingest.refused() == {"too_slow": 1}


async def test_who_does_not_take_its_last_answer_is_thrown_out(network: Network) -> None:
    """Its viewer's queue would else be held for ever."""
    ingest = await network.start()
    async with live(ingest, HEADER, key(0)) as publisher, watching(ingest) as player:
        await player.hear_media()
        player.stop_reading()
        for number in range(100):
            publisher.say(key(number, bytes(200_000)), channel=6)
        [viewer] = ingest.relay.streams["s1"].viewers
        await ingest.until(lambda: viewer.waiting_bytes > 100_000)
        player.say(command("closeStream", 7.0, None))
        await ingest.until(lambda: not ingest.relay.streams["s1"].viewers)
        assert ingest.relay.admission.connections == 2
        ingest.clock.ahead_s += 6
        await ingest.until(lambda: ingest.relay.admission.connections == 1)


async def test_a_stranger_s_nonsense_ends_its_own_connection_alone(network: Network) -> None:
    """The 34 bytes that end an nginx-rtmp, for example."""
    ingest = await network.start()
    async with live(ingest, HEADER, key(0)), watching(ingest) as player:
        for _ in range(2):
            await player.hear_media()
        async with await Client.connect(ingest.port) as stranger:
            body = b"\x02\x00\x0aonMetaData\x00\x3f\xf0" + bytes(6)
            stranger.say(Message(MessageKind.COMMAND, 0, 0, body))
            await stranger.until_closed()
        async with await Client.connect(ingest.port) as talker:
            talker.ask(play("s1"))
            assert await talker.hear_code() == "NetStream.Play.Start"
            talker.writer.write(b"\x00" * 200_000)
            await talker.until_closed()
        assert ingest.refused() == {"protocol": 2}
        assert ingest.relay.admission.connections == 2


async def test_a_player_that_floods_is_thrown_out(network: Network) -> None:
    ingest = await network.start()
    async with live(ingest, HEADER, key(0)), watching(ingest) as player:
        acknowledgement = Message(MessageKind.ACKNOWLEDGEMENT, 0, 0, bytes(4))
        player.say(*[acknowledgement] * 40_000)
        await player.until_closed()
    assert ingest.refused()["protocol"] == 1


async def test_a_question_whose_asker_has_gone_is_forgotten(network: Network) -> None:
    ingest = await network.start()
    async with live(ingest, HEADER, key(0)):
        async with await Client.connect(ingest.port) as player:
            player.ask(play("s1"))
            await ingest.until(lambda: ingest.relay.admission.connections == 2)
        await ingest.until(lambda: ingest.relay.admission.connections == 1)
        assert not ingest.relay.streams["s1"].viewers


def test_places_leave_descriptors_for_the_relay_itself() -> None:
    """A relay that cannot accept would be as dead as one that crashed."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (1024, hard))
    try:
        assert places() == 1024 - OWN_DESCRIPTORS
        resource.setrlimit(resource.RLIMIT_NOFILE, (min(hard, 20_000), hard))
        assert places() == CONNECTIONS_MAX
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


async def test_ipv6_is_served_beside_ipv4(network: Network) -> None:
    ingest = await network.start(address="0.0.0.0")
    for host, place in (("127.0.0.1", "127.0.0.1"), ("::1", "::")):
        async with await Client.connect(ingest.port, host):
            await ingest.until(lambda: len(ingest.relay.connections) == 1)
            assert [each.place for each in ingest.relay.connections] == [place]
        await ingest.until(lambda: not ingest.relay.connections)


async def test_the_agent_is_told_who_watches(network: Network) -> None:
    ingest = await network.start()
    async with live(ingest, HEADER, key(0)), watching(ingest) as player:
        await player.hear_media()
        ingest.clock.ahead_s += WATCHED_S_MIN
        told = await ingest.statistics()
        assert told["connections"] == 2
        [stream] = told["streams"]
        assert stream["codecs"] == [{"kind": "video", "track": 0, "codec": "avc1"}]
        assert (stream["name"], stream["is_published"], stream["viewers"]) == ("s1", True, 1)


async def test_a_frozen_ingest_is_told_from_a_publisher_s_pause(network: Network) -> None:
    """The ingest pings: a node that hears it stays, and has the next picture at once."""
    ingest = await network.start()
    async with live(ingest, HEADER, key(0)) as publisher, watching(ingest) as player:
        for _ in range(2):
            await player.hear_media()
        ping = UserControl.PING_REQUEST.to_bytes(2, "big")
        while (message := await player.hear()) is not None and message.body[:2] != ping:
            assert message.kind == MessageKind.USER_CONTROL
        assert message is not None
        publisher.say(inter(40), channel=6)
        assert (await player.hear_media()).body == inter(40).body


class ManInTheMiddle:
    """Between a node and its ingest: passes everything on, and changes what it is told to."""

    def __init__(self, ingest_port: int) -> None:
        self._ingest_port = ingest_port
        self.port = free_port()
        self.instead: dict[bytes, bytes] = {}

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One connection of the node's."""
        there, ingest = await asyncio.open_connection("127.0.0.1", self._ingest_port)
        try:
            async with asyncio.TaskGroup() as tasks:
                tasks.create_task(self._pass(reader, ingest))
                tasks.create_task(self._pass(there, writer))
        except* ConnectionError:
            pass
        finally:
            ingest.transport.abort()
            writer.transport.abort()

    async def _pass(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while data := await reader.read(65_536):
            for whole, other in self.instead.items():
                data = data.replace(whole, other)
            writer.write(data)
        raise ConnectionError


@asynccontextmanager
async def between(ingest: Running) -> AsyncIterator[ManInTheMiddle]:
    """Listening."""
    man = ManInTheMiddle(ingest.port)
    async with tcp_server(man.serve, port=man.port):
        yield man


@pytest.mark.parametrize(
    ("instead", "finding"),
    [
        ({b"the picture": b"thx picture"}, "differs"),
        ({b"\x12\x10": b"\x12\x11", b"onRelayMark": b"onRelayMbrk"}, "no_marks"),
    ],
    ids=["a byte of a packet", "every mark"],
)
async def test_a_node_leaves_an_upstream_that_is_not_what_its_ingest_signed(
    network: Network, instead: dict[bytes, bytes], finding: str
) -> None:
    """And says so; what it had verified before goes on to newcomers."""
    network.hooks.mark_key = encode_key(PUBLIC_KEY)
    ingest = await network.start()
    async with live(ingest, HEADER, key(0)) as publisher, between(ingest) as man:
        node = await network.start(man.port)
        marks = node.relay._marks
        assert marks is not None
        await node.until(lambda: marks.state == "verified")
        assert (await node.statistics())["marks"] == {"state": "verified", "left": {}}
        man.instead = instead
        publisher.say(inter(40, b"the picture"), channel=6)
        await node.until(lambda: marks.waiting_packets > 0)
        if finding == "no_marks":
            for second in range(1, int(UNMARKED_S_MAX) + 2):
                node.clock.ahead_s += 1.0
                publisher.say(inter(40 + 1000 * second), channel=6)
                await node.until(partial(_has_more, marks, second))
        await node.until(lambda: bool(marks.left))
        assert (await node.statistics())["marks"]["left"] == {finding: 1}
        assert node.relay.streams["s1"].gop_bytes > 0
        assert f"the upstream is gone: it is not what the ingest signed ({finding})" in node.said


def _has_more(marks: UpstreamMarks, packets: int) -> bool:
    return marks.waiting_packets > packets or bool(marks.left)


async def test_a_publisher_s_own_marks_do_not_pass_the_ingest(network: Network) -> None:
    """Forged, genuine of another time, and by other ways to write the name."""
    network.hooks.mark_key = encode_key(PUBLIC_KEY)
    ingest = await network.start()
    own = signed([key(0)])[-1]
    long_name = b"\x0c\x00\x00\x00\x0b" + own.body[3:]
    wrapped = b"\x02\x00\x0d@setDataFrame" + own.body
    forged = [
        own,
        own._replace(body=long_name),
        own._replace(body=wrapped),
        own._replace(kind=MessageKind.AMF3_DATA, body=b"\x00" + own.body),
    ]
    async with live(ingest) as publisher, watching(ingest) as player:
        publisher.say(HEADER, key(0), *forged, inter(40), channel=6)
        heard: list[Message] = []
        while len([each for each in heard if is_mark(each)]) < 2:
            message = await player.hear()
            assert message is not None
            heard += [message] if message.kind in PLAYED else []
        media = [each.body for each in heard if not is_mark(each)]
        assert media == [HEADER.body, key(0).body, inter(40).body]
        assert set(findings(heard, "s1")) == {MarkFinding.FITS}


async def test_an_ingest_tells_its_key_with_each_question_about_a_publisher(
    network: Network,
) -> None:
    """So everybody knows it before the first packet is signed by it."""
    network.hooks.mark_key = encode_key(PUBLIC_KEY)
    ingest = await network.start()
    async with live(ingest):
        asked = f"name=s1&key=right&mark_key={encode_key(PUBLIC_KEY)}"
        assert network.hooks.asked == [("/publish", asked)]
