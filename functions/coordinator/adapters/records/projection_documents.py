"""Projections of nodes and streams, on any store: written by payout, read by api.

They lie in the measurement database; losing one loses nothing. Of a stream's projection api writes
the tokens too, when they moved there.
"""

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field
from typing import Any

from coordinator.adapters.clock import Clock, steady
from coordinator.adapters.store.protocol import Fields, Ref, Store
from coordinator.projections.incidents import INCIDENTS, Incident, Incidents
from coordinator.projections.money_projection import MoneyProjection
from coordinator.projections.node_buckets import NODE_BUCKETS, Bucket, BucketEpoch, bucket_of
from coordinator.projections.stream_projection import (
    STREAM_PROJECTIONS,
    StreamHour,
    StreamProjection,
)

HELD_MAX = 8
"""Documents that a reader holds at once: some megabytes."""
_INCIDENTS = Ref("projections", "incidents")


class ProjectionWriter:
    """Adds what an epoch brought; each call bears repeating."""

    def __init__(self, store: Store) -> None:
        self._store = store

    async def add_epoch(
        self, bucket: int, bucket_epoch: BucketEpoch, money: MoneyProjection
    ) -> None:
        """One epoch of a bucket's nodes, and the excerpt of the tokens that belongs to them."""
        ref = _nodes(bucket)

        def decide(read: Sequence[Fields | None]) -> dict[Ref, Fields]:
            known = NODE_BUCKETS.decode_or_none(read[0]) or Bucket()
            more = known.with_money(bucket_epoch, money)
            return _changed(ref, read[0], NODE_BUCKETS.encode(more))

        await self._store.transact([ref], decide)

    async def add_hour(
        self,
        stream_id: str,
        hour: StreamHour,
        thumbnail: str | None,
        money: MoneyProjection,
        nodes: Collection[str],
    ) -> None:
        """One epoch of a stream, in which these nodes have a row."""

        def change(projection: StreamProjection) -> StreamProjection:
            return projection.adding(hour, thumbnail).showing(stream_id, money, nodes)

        await self._change(stream_id, change)

    async def show(self, stream_id: str, money: MoneyProjection) -> None:
        """The stream and its balance as they are now."""
        await self._change(stream_id, lambda projection: projection.showing(stream_id, money))

    async def _change(
        self, stream_id: str, change: Callable[[StreamProjection], StreamProjection]
    ) -> None:
        ref = _stream(stream_id)

        def decide(read: Sequence[Fields | None]) -> dict[Ref, Fields]:
            projection = change(STREAM_PROJECTIONS.decode_or_none(read[0]) or StreamProjection())
            return _changed(ref, read[0], STREAM_PROJECTIONS.encode(projection))

        await self._store.transact([ref], decide)

    async def add_incidents(self, epoch: int, incidents: Sequence[Incident]) -> None:
        """Those of an epoch; and that all projections are written through it."""

        def decide(read: Sequence[Fields | None]) -> dict[Ref, Fields]:
            known = INCIDENTS.decode_or_none(read[0]) or Incidents()
            more = known.adding(epoch, incidents)
            return _changed(_INCIDENTS, read[0], INCIDENTS.encode(more))

        await self._store.transact([_INCIDENTS], decide)

    async def through_epoch(self) -> int | None:
        """The last epoch of which all projections were written; None before the first."""
        found = INCIDENTS.decode_or_none((await self._store.get(_INCIDENTS))[0])
        return found.through_epoch if found else None


@dataclass
class ProjectionReader:
    """One read a view at most; a document that was read lately is not read again."""

    store: Store
    clock: Clock
    seconds_max: float
    """How old a held document may be; it changes once an epoch."""
    _held: dict[Ref, tuple[float, Fields | None]] = field(default_factory=dict)

    async def bucket(self, node_id: str) -> Bucket:
        """The bucket that a node is in; an empty one before its first epoch is settled."""
        fields = await self._read(_nodes(bucket_of(node_id)))
        return NODE_BUCKETS.decode_or_none(fields) or Bucket()

    async def stream(self, stream_id: str) -> StreamProjection:
        """A stream's projection; an empty one before its first epoch is settled."""
        return (
            STREAM_PROJECTIONS.decode_or_none(await self._read(_stream(stream_id)))
            or StreamProjection()
        )

    async def incidents(self) -> Incidents:
        """The network's."""
        return INCIDENTS.decode_or_none(await self._read(_INCIDENTS)) or Incidents()

    async def _read(self, ref: Ref) -> Fields | None:
        now_s = steady(self.clock)()
        held = self._held.pop(ref, None)
        if held is None or now_s - held[0] > self.seconds_max:
            held = now_s, (await self.store.get(ref))[0]
        self._held[ref] = held  # at the end: the ones not asked for longest go first
        while len(self._held) > HELD_MAX:
            del self._held[next(iter(self._held))]
        return held[1]


def _nodes(bucket: int) -> Ref:
    return Ref("projections", f"nodes-{bucket}")


def _stream(stream_id: str) -> Ref:
    return Ref("projections", f"stream-{stream_id}")


def _changed(ref: Ref, before: Any, after: Fields) -> dict[Ref, Fields]:
    return {} if before == after else {ref: after}
