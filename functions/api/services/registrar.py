"""Streams: registered by sponsors, discovered by nodes, watched by viewers."""

import hashlib
import json
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from api.http.callers import Sponsor
from api.http.problems import Problem, ProblemKind
from api.services.snapshots import Snapshot
from api.services.subscriptions import Subscriptions
from api.wire.streams import StreamIn
from coordinator.adapters.clock import Clock
from coordinator.adapters.records import Measurements
from coordinator.adapters.records.ledger import Ledger
from coordinator.adapters.scheduling.switch import Switch
from coordinator.epochs import Calendar
from coordinator.keys import sha256_hex, stream_id_of, stream_key_of
from coordinator.ledger.balances import opening_balance
from coordinator.money import parse_tokens
from coordinator.shown_names import unshown
from coordinator.strangers.addresses import parse_webhook_url
from coordinator.streams import Stream

ENDS_S_MAX = 253_402_214_399
"""The last second but for a day of what RFC 3339 can write: a stream ends with an epoch."""


@dataclass(frozen=True)
class Registrar:
    """Takes in new streams."""

    measurements: Measurements
    ledger: Ledger
    calendar: Calendar
    clock: Clock
    random_bytes: Callable[[int], bytes]
    subscriptions: Subscriptions
    switch: Switch | None = None
    """Of the jobs that measure; None where they always run."""

    async def register(
        self, asked: StreamIn, sponsor: Sponsor, idempotency_key: str | None
    ) -> tuple[Stream, str]:
        """(the stream, its publishing key), made now or by an earlier call of the same key.

        The stream is created first, its webhook second and its balance last; a crash in between
        is repaired by repeating the request. Each is create-once, so none is made twice."""
        if (wrong := unshown(asked.name)) is not None:
            raise Problem(ProblemKind.INVALID_REQUEST, f"name: {wrong}.")
        name, sponsor_key = sponsor
        stream_id = stream_id_of(self._seed(name, idempotency_key))
        stream_key = stream_key_of(sponsor_key, stream_id)
        # Read before the clock: with that the database has told what time it is (ADR 76).
        earlier = await self.measurements.stream(stream_id)
        now_s, wanted_s = self.clock(), _wanted_s(asked.ends_at)
        if wanted_s is not None and wanted_s <= now_s and earlier is None:
            # A repeated registration may come after the stream's end, a first one may not.
            raise Problem(ProblemKind.INVALID_REQUEST, "ends_at: choose an instant in the future.")
        ends_s = None if wanted_s is None else float(self.calendar.ends_s(now_s, wanted_s))
        if asked.webhook_url is not None:
            await self.subscriptions.check(asked.webhook_url)
        stream = Stream(
            stream_id=stream_id,
            name=asked.name,
            sponsor=name,
            reward_micros_per_hour=parse_tokens(asked.reward_per_node_hour),
            max_paid_nodes=asked.max_paid_nodes,
            created_s=round(now_s, 3),
            ends_s=ends_s,
            key_hash=sha256_hex(stream_key),
            request_hash=_hash_of(asked),
        )
        if not await self.measurements.create_stream(stream):
            stream = await self._earlier(stream)
        if asked.webhook_url is not None:
            await self.subscriptions.open(stream, asked.webhook_url, sponsor_key)
        deposited = parse_tokens(asked.token_balance)
        await self.ledger.open(opening_balance(stream, deposited, self.calendar), now_s)
        if self.switch is not None:
            await self.switch.wake()
        return stream, stream_key

    def _seed(self, sponsor: str, idempotency_key: str | None) -> bytes:
        if idempotency_key is None:
            return self.random_bytes(32)
        return f"{sponsor}|{idempotency_key}".encode()

    async def _earlier(self, stream: Stream) -> Stream:
        earlier = await self.measurements.stream(stream.stream_id)
        if earlier is None or earlier.request_hash != stream.request_hash:
            raise Problem(
                ProblemKind.IDEMPOTENCY_CONFLICT,
                "An earlier request with this Idempotency-Key had another body; "
                "use a new key for a new stream.",
            )
        if earlier.key_hash != stream.key_hash:
            raise Problem(
                ProblemKind.IDEMPOTENCY_CONFLICT,
                "The stream was registered with another of your keys; repeat it with that one.",
            )
        return earlier


def _wanted_s(ends_at: datetime | None) -> float | None:
    if ends_at is None:
        return None
    if ends_at.timestamp() > ENDS_S_MAX:
        raise Problem(ProblemKind.INVALID_REQUEST, "ends_at: choose an instant before 9999-12-31.")
    return ends_at.timestamp()


def _hash_of(asked: StreamIn) -> str:
    """Of what is asked for, however it is spelled: `1000` and `1000.0` are one amount."""
    url = asked.webhook_url
    values = {
        "name": asked.name,
        "token_balance": parse_tokens(asked.token_balance),
        "reward_per_node_hour": parse_tokens(asked.reward_per_node_hour),
        "max_paid_nodes": asked.max_paid_nodes,
        "ends_s": None if asked.ends_at is None else asked.ends_at.timestamp(),
        "webhook_url": None if url is None else str(parse_webhook_url(url)),
    }
    return hashlib.sha256(json.dumps(values, sort_keys=True).encode()).hexdigest()


def playlist(stream: Stream, snapshot: Snapshot) -> str:
    """An extended M3U of the stream's verified nodes, best first; VLC and mpv open it.

    Where they are few, nodes follow that served before and have failed since: unproven now."""
    lines = ["#EXTM3U"]
    nodes = snapshot.network.listed(stream.stream_id)
    if not nodes:
        lines.append("# No node has passed a check yet: reload in a minute.")
    for node in nodes:
        mark = "" if node.is_verified else " (unproven)"
        lines += [f"#EXTINF:-1,{stream.name} via {node.node_id}{mark}", node.rtmp_url]
    return "\n".join(lines) + "\n"
