"""Floods: many connections at once, by one address or by many. Loopback has a whole /8 of them."""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Iterator

from rtmp.addresses import RtmpAddress
from rtmp.handshake import PART_BYTES
from rtmp.messages import MessageKind, command
from tests.integration.hostile_messages import chunk
from tests.integration.hostile_peer import Peer
from tests.numbered_media import connecting

FLOODERS = 1500
DIALS_AT_ONCE = 200
HELD_S = 2.0
_GREETED = b"\x03" + bytes(2 * PART_BYTES)

Flood = Callable[[RtmpAddress], Awaitable[int]]
"""Gives how many connections were open at its height."""
FLOODS: dict[str, Flood] = {}


def flood(act: Flood) -> Flood:
    """Enters a flood under its own name."""
    FLOODS[getattr(act, "__name__", "")] = act
    return act


def addresses(count: int) -> Iterator[str]:
    """Addresses of loopback from 127.1.0.1 on, and none that honest people have."""
    return (f"127.1.{n // 250}.{n % 250 + 1}" for n in range(count))


async def _together(peers: list[Peer], act: Callable[[Peer], Awaitable[None]]) -> int:
    """All do it, stay for a while, and leave; gives how many were still open."""
    slots = asyncio.Semaphore(DIALS_AT_ONCE)

    async def one(peer: Peer) -> bool:
        async with slots:
            with contextlib.suppress(OSError, EOFError, TimeoutError):
                await peer.dial()
                await act(peer)
                return True
        return False

    try:
        dialled = await asyncio.gather(*(one(peer) for peer in peers))
        await asyncio.sleep(HELD_S)
        return sum(d and not p.is_closed for d, p in zip(dialled, peers, strict=True))
    finally:
        for peer in peers:
            peer.hang_up()


async def _silent(peer: Peer) -> None:
    peer.listen()


async def _connected(peer: Peer) -> None:
    peer.listen()
    await peer.send(_GREETED)


async def _half_messages(peer: Peer) -> None:
    peer.listen()
    body = chunk(MessageKind.COMMAND, bytes(128), length=60_000)
    await peer.send(_GREETED + body + (b"\xc3" + bytes(128)) * 400)


async def _unread(peer: Peer) -> None:
    await peer.greet(listen=False)
    play = command("play", 4.0, None, peer.address.name, stream_id=1)
    await peer.say(connecting(peer.address), play)


@flood
async def silent_connections_of_one_address(to: RtmpAddress) -> int:
    return await _together([Peer(to, "127.1.0.1") for _ in range(FLOODERS)], _silent)


@flood
async def silent_connections_of_many_addresses(to: RtmpAddress) -> int:
    return await _together([Peer(to, place) for place in addresses(FLOODERS)], _silent)


@flood
async def greetings_of_many_addresses(to: RtmpAddress) -> int:
    return await _together([Peer(to, place) for place in addresses(FLOODERS)], _connected)


@flood
async def half_messages_of_many_addresses(to: RtmpAddress) -> int:
    """50 kilobytes each, held open."""
    return await _together([Peer(to, place) for place in addresses(500)], _half_messages)


@flood
async def viewers_who_never_read(to: RtmpAddress) -> int:
    peers = [Peer(to, place, small_window=True) for place in addresses(60)]
    return await _together(peers, _unread)


@flood
async def connections_that_come_and_go(to: RtmpAddress) -> int:
    for _ in range(FLOODERS // 50):
        peers = [Peer(to, place) for place in addresses(50)]
        await asyncio.gather(*(peer.dial() for peer in peers), return_exceptions=True)
        for peer in peers:
            peer.hang_up()
    return 0
