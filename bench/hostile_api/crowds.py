"""Many keys and many addresses of one network: how much of what they ask for they get.

Their host names lead nowhere, so that nobody is called who did not ask for it.
"""

import asyncio
from collections import Counter
from collections.abc import Iterable

from agent.node_key import encode_key, secret_of
from bench.hostile_api.campaign import AT_ONCE, asked
from bench.hostile_api.case import NODE, request

HOUSEHOLD_CALLERS = 600
NETWORK_CALLERS = 200
_PLACE = {"stats_url": "http://nowhere.invalid:8080/stats.json", "rtmp_port": 1935}
_FIRST_KEY = 1_000_000
"""Other cases have keys of their own."""


async def call_backs_of_a_household(host: str, port: int) -> Counter[int]:
    """The answers to 600 keys at 600 addresses of one IPv6 /64 that want to be called back."""
    callers = (f"2a01:4f8:13:17::{number:x}" for number in range(1, HOUSEHOLD_CALLERS + 1))
    return await _answers(host, port, "/nodes/dial-back", callers, _PLACE, _FIRST_KEY)


async def new_nodes_of_a_network(host: str, port: int, stream_id: str) -> Counter[int]:
    """The answers to 200 new nodes, each of another /64 of one /48."""
    callers = (f"2a01:4f8:17:{number:x}::1" for number in range(1, NETWORK_CALLERS + 1))
    beat = {"stream_id": stream_id, **_PLACE}
    first_key = _FIRST_KEY + HOUSEHOLD_CALLERS
    return await _answers(host, port, "/nodes/heartbeat", callers, beat, first_key)


async def _answers(  # noqa: PLR0913, PLR0917 - who asks whom for what, each named
    host: str, port: int, path: str, callers: Iterable[str], body: object, first_key: int
) -> Counter[int]:
    places = asyncio.Semaphore(AT_ONCE)

    async def one(number: int, caller: str) -> int:
        secret = secret_of(encode_key(number.to_bytes(32)))
        told = {"X-Forwarded-For": caller}
        sent = request("POST", path, key=NODE, body=body, headers=told, secret=secret)
        async with places:
            answer = await asked(host, port, sent)
        return int(answer.split(b" ", 2)[1])

    return Counter(await asyncio.gather(*(one(*each) for each in enumerate(callers, first_key))))
