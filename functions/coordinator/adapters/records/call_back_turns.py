"""Turns of call-backs: how often somebody is called, agreed on by all instances of the api."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from coordinator.adapters.records.ranges import Records
from coordinator.adapters.store.protocol import Ref
from coordinator.documents.codec import Codec
from coordinator.keys import sha256_hex

KEPT = timedelta(days=1)
"""A turn is over in minutes."""


@dataclass(frozen=True, slots=True)
class CallBackTurn:
    """The document `call_backs/{whose}-{turn}-{number}`: it says nothing but that it was taken."""

    taken_s: float


TAKEN_TURNS = Codec(CallBackTurn, "call_backs")


class CallBackTurnRecords(Records):
    """Documents of `call_backs`. Each is written once and read by nobody."""

    async def take_turn(self, whose: str, turn: int, number: int, now_s: float) -> bool:
        """False if it was taken before, by whatever instance. Addresses are hashed."""
        ref = Ref("call_backs", f"{sha256_hex(whose)[:32]}-{turn}-{number}")
        until = datetime.fromtimestamp(now_s, UTC) + KEPT
        return await self._store.create(
            ref, {**TAKEN_TURNS.encode(CallBackTurn(now_s)), "expire_at": until}
        )
