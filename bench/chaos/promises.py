"""What was acknowledged during a campaign, and whether it is still there at its end.

A sponsor who registers streams and adds tokens, newcomers with keys of their own, and a reader of
statements go on while the network is struck. What is not acknowledged is repeated with the same
`Idempotency-Key` until it is, so in the end what was asked for is there, once.
"""

import asyncio
import contextlib
import itertools
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

import httpx

from agent.client.signing import SignedBy
from bench.chaos.struck_network import StruckNetwork
from coordinator.ledger.statements import Statement
from emulator.cheats.false_claims import new_key, node_id_of
from emulator.demo.public_api import micros_of
from tools.verify.public import PublicRecord

REGISTER_EVERY_S, DEPOSIT_EVERY_S, CONTACT_EVERY_S, READ_EVERY_S = 100.0, 4.0, 6.0, 10.0
ASK_SECONDS_MAX, AGAIN_S = 5.0, 1.0
PENDING_SECONDS_MAX = 90.0
"""What is asked for at the end of a campaign is acknowledged in so long, or counts as lost."""
DEPOSITED = "3"
"""Tokens of a stream, and of each of its top-ups: a prime, so that sums do not fit by chance."""
WISH = {"token_balance": DEPOSITED, "reward_per_node_hour": "1", "max_paid_nodes": 2}

Problem = str


@dataclass
class Promises:
    """Made while a network runs."""

    network: StruckNetwork
    streams: dict[str, int] = field(default_factory=dict)
    """Micro-tokens that were acknowledged, by stream."""
    contacts: list[str] = field(default_factory=list)
    """Nodes whose first heartbeat was answered."""
    statements: dict[int, Statement] = field(default_factory=dict)
    """Of the network's stream, as they were seen first, by epoch."""
    deposits: int = 0
    repeated: int = 0
    """Requests that had to be sent more than once."""

    def __post_init__(self) -> None:
        self._http = httpx.AsyncClient(
            base_url=self.network.stage.api_url, timeout=ASK_SECONDS_MAX, trust_env=False
        )
        self._numbers = itertools.count()
        self._over = asyncio.Event()
        self._sponsor = {"Authorization": f"Bearer {self.network.stage.keys.sponsor}"}

    async def run(self) -> None:
        """Goes on until `end`, and then until all is acknowledged."""
        async with asyncio.TaskGroup() as group:
            for work, every_s in (
                (self._register, REGISTER_EVERY_S),
                (self._deposit, DEPOSIT_EVERY_S),
                (self._contact, CONTACT_EVERY_S),
                (self._read, READ_EVERY_S),
            ):
                group.create_task(self._again(work, every_s))

    def end(self) -> None:
        """Nothing new from now on."""
        self._over.set()

    async def _again(self, work: Callable[[], Awaitable[None]], every_s: float) -> None:
        while not self._over.is_set():
            await work()
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._over.wait(), every_s)

    async def _register(self) -> None:
        name = f"Promise {next(self._numbers)}"
        told = await self._until_made("/streams", {**WISH, "name": name}, self._sponsor)
        self.streams[told["stream_id"]] = micros_of(DEPOSITED)

    async def _deposit(self) -> None:
        for stream_id in list(self.streams)[-1:]:
            path = f"/streams/{stream_id}/top-ups"
            await self._until_made(path, {"amount": DEPOSITED}, self._sponsor)
            self.streams[stream_id] += micros_of(DEPOSITED)
            self.deposits += 1

    async def _contact(self) -> None:
        number, key = next(self._numbers), new_key()
        beat = {"stream_id": self.network.stream_id, "stats_port": 8080, "rtmp_port": 1935}
        # Each from another network: how many newcomers one may have is not what is tried here.
        transport = httpx.AsyncHTTPTransport(local_address=f"10.200.{number % 250}.{7}")
        async with httpx.AsyncClient(
            base_url=self.network.stage.api_url, transport=transport, timeout=ASK_SECONDS_MAX
        ) as http:
            address = ""
            while True:
                with contextlib.suppress(httpx.HTTPError):
                    said = {**beat, "address": address}
                    answer = await http.post("/nodes/heartbeat", json=said, auth=SignedBy(key))
                    if answer.is_success:
                        break
                    if answer.status_code == httpx.codes.CONFLICT:
                        address = answer.json().get("address", "")
                        continue
                await asyncio.sleep(AGAIN_S)
        self.contacts.append(node_id_of(key))

    async def _read(self) -> None:
        with contextlib.suppress(httpx.HTTPError):
            for statement in await self._published():
                self.statements.setdefault(statement.epoch, statement)

    async def _published(self) -> list[Statement]:
        return await PublicRecord(self._http).statements(self.network.stream_id)

    async def _until_made(
        self, path: str, body: dict[str, Any], headers: dict[str, str]
    ) -> dict[str, Any]:
        key = f"promise-{next(self._numbers)}"
        for attempt in itertools.count():
            with contextlib.suppress(httpx.HTTPError):
                answer = await self._http.post(
                    path, json=body, headers={**headers, "Idempotency-Key": key}
                )
                if answer.is_success:
                    self.repeated += attempt > 0
                    told: dict[str, Any] = answer.json()
                    return told
            await asyncio.sleep(AGAIN_S)
        raise AssertionError("it counts for ever")

    async def lost(self) -> dict[str, list[Problem]]:
        """By kind of promise: what is not there as it was acknowledged. Raises httpx.HTTPError."""
        lost: dict[str, list[Problem]] = {
            kind: [] for kind in ("registrations", "deposits", "first contacts", "statements")
        }
        for stream_id, micros in self.streams.items():
            answer = await self._http.get(f"/streams/{stream_id}/delivery")
            if not answer.is_success:
                lost["registrations"].append(f"{stream_id}: {answer.status_code}")
            elif micros_of(answer.json()["deposited"]) != micros:
                lost["deposits"].append(
                    f"{stream_id}: {micros} micros, {answer.json()['deposited']}"
                )
        for node_id in self.contacts:
            answer = await self._http.get(f"/nodes/{node_id}/checks")
            if not answer.is_success:
                lost["first contacts"].append(f"{node_id}: {answer.status_code}")
        now = {statement.epoch: statement for statement in await self._published()}
        for epoch, said in self.statements.items():
            if now.get(epoch) != said:
                lost["statements"].append(f"{epoch}: {said} became {now.get(epoch)}")
        await self._http.aclose()
        return lost
