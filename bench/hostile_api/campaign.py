"""All cases against an api that listens somewhere, a few at a time."""

import asyncio
import json
from collections import Counter
from collections.abc import AsyncIterator, Iterable

from bench.hostile_api import address_cases, byte_cases, route_cases
from bench.hostile_api.case import SPONSOR_KEY, Case, request

AT_ONCE = 8
ANSWER_S_MAX = 20.0


async def all_cases(host: str, port: int) -> list[Case]:
    """Of the routes that it documents; it registers a stream for them."""
    stream_id = await registered(host, port)
    document = _json(await asked(host, port, request("GET", "/openapi.json")))
    found = [
        *route_cases.cases(document),
        *address_cases.cases(stream_id),
        *byte_cases.cases(stream_id),
    ]
    return list({(case.group, case.name, case.sent): case for case in found}.values())


async def registered(host: str, port: int) -> str:
    """The id of a new stream."""
    body = {"name": "Bench", "token_balance": "1000", "reward_per_node_hour": "1.5"}
    made = await asked(host, port, request("POST", "/streams", key=SPONSOR_KEY, body=body))
    return _json(made)["stream_id"]


async def tried(
    host: str, port: int, cases: Iterable[Case]
) -> AsyncIterator[tuple[Case, str | None]]:
    """Each with what is wrong with its answer, if anything is."""
    places = asyncio.Semaphore(AT_ONCE)

    async def one(case: Case) -> tuple[Case, str | None]:
        async with places:
            return case, case.wrong(await asked(host, port, case.sent))

    for task in asyncio.as_completed([asyncio.create_task(one(case)) for case in cases]):
        yield await task


async def asked(host: str, port: int, sent: bytes) -> bytes:
    """All that is answered on a connection of its own; empty if it ends without an answer."""
    reader, writer = await asyncio.open_connection(host, port)
    answer = b""
    try:
        writer.write(sent)
        async with asyncio.timeout(ANSWER_S_MAX):
            while part := await reader.read(65_536):
                answer += part
    except (OSError, TimeoutError):
        pass  # what has come is the answer
    finally:
        writer.transport.abort()
    return answer


def by_group(cases: Iterable[Case]) -> Counter[str]:
    """How many there are of each."""
    return Counter(case.group for case in cases)


def _json(answer: bytes) -> dict[str, str]:
    return dict(json.loads(answer.partition(b"\r\n\r\n")[2]))
