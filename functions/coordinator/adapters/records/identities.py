"""Streams and nodes: what sponsors and operators said."""

from collections.abc import Sequence
from typing import NamedTuple

from coordinator.adapters.records.ranges import Records
from coordinator.adapters.store.protocol import AsRead, Fields, Query, Ref
from coordinator.published_media import PublishedMedia, news_of
from coordinator.streams import STREAMS, Stream
from coordinator.sweeping.nodes import NODES, Node
from coordinator.sweeping.rosters import Slot

STREAMS_MAX = 500
CHANGED_PAGE = 1_000
CHANGED_NODES_MAX = 12 * CHANGED_PAGE


class SeenNode(NamedTuple):
    """A node as its document told of it; None where there was none."""

    node: Node | None
    seen: AsRead | None


class IdentityRecords(Records):
    """Documents of `streams` and `nodes`."""

    async def stream(self, stream_id: str) -> Stream | None:
        """One stream."""
        return STREAMS.decode_or_none((await self._store.get(Ref("streams", stream_id)))[0])

    async def streams(self) -> list[Stream]:
        """Every stream, newest first, at most STREAMS_MAX."""
        found = await self._store.find(
            Query("streams", "created_s", descending=True, limit=STREAMS_MAX)
        )
        return [STREAMS.decode(fields) for _, fields in found]

    async def streams_of(self, stream_ids: Sequence[str]) -> list[Stream | None]:
        """The streams in the order asked."""
        found = await self._store.get(*(Ref("streams", stream_id) for stream_id in stream_ids))
        return [STREAMS.decode_or_none(fields) for fields in found]

    async def create_stream(self, stream: Stream) -> bool:
        """False if the id is taken."""
        return await self._store.create(Ref("streams", stream.stream_id), STREAMS.encode(stream))

    async def end_stream(self, stream_id: str, ends_s: float) -> Stream | None:
        """Ends a stream at an instant unless it ends earlier; the stream as it is then."""
        ref = Ref("streams", stream_id)

        def decide(read: Sequence[Fields | None]) -> dict[Ref, Fields]:
            stream = STREAMS.decode_or_none(read[0])
            if stream is None or (stream.ends_s is not None and stream.ends_s <= ends_s):
                return {}
            return {ref: STREAMS.encode(stream.model_copy(update={"ends_s": ends_s}))}

        await self._store.transact([ref], decide)
        return await self.stream(stream_id)

    async def describe_stream(self, stream_id: str, media: PublishedMedia) -> bool:
        """Writes what is published of a stream; whether that was news."""
        ref = Ref("streams", stream_id)

        def decide(read: Sequence[Fields | None]) -> dict[Ref, Fields]:
            stream = STREAMS.decode_or_none(read[0])
            news = news_of(stream.media, media) if stream else None
            if stream is None or news is None:
                return {}
            return {ref: STREAMS.encode(stream.model_copy(update={"media": news}))}

        return bool(await self._store.transact([ref], decide))

    async def sign_stream(self, stream_id: str, public_key: str | None) -> None:
        """From now on its ingest signs a stream by this key."""
        ref = Ref("streams", stream_id)

        def decide(read: Sequence[Fields | None]) -> dict[Ref, Fields]:
            stream = STREAMS.decode_or_none(read[0])
            if stream is None:
                return {}
            changed = stream.model_copy(update={"ingest_public_key": public_key})
            return {ref: STREAMS.encode(changed)}

        await self._store.transact([ref], decide)

    async def node(self, node_id: str) -> Node | None:
        """One node's own document."""
        return NODES.decode_or_none((await self._store.get(Ref("nodes", node_id)))[0])

    async def seen_node(self, node_id: str) -> SeenNode:
        """The same, for whoever may have to write it."""
        (seen,) = await self._store.get(Ref("nodes", node_id))
        return SeenNode(NODES.decode_or_none(seen), seen if isinstance(seen, AsRead) else None)

    async def put_node(self, node: Node, was: SeenNode | None = None) -> None:
        """Writes what a node says of itself, unless it has said something later; what is remembered
        of it stays.

        Of whom it is known how it `was` nothing is read once more, unless somebody was faster."""
        ref = Ref("nodes", node.node_id)
        new = [ref] if was is not None and was.seen is None else []
        seen = {ref: was.seen} if was is not None and was.seen is not None else None

        def decide(read: Sequence[Fields | None]) -> dict[Ref, Fields]:
            known = NODES.decode_or_none(read[0])
            if known is not None and known.is_later_than(node):
                return {}
            return {ref: NODES.encode(node.with_past_of(known) if known else node)}

        await self._store.transact([ref], decide, new, seen)

    async def put_away(self, slot: Slot) -> None:
        """Writes what a node's minutes came to that has left, before its slot is dropped."""
        ref = Ref("nodes", slot.node_id)
        past = {
            "minutes_due": slot.minutes_due,
            "minutes_up": slot.minutes_up,
            "away_tick": slot.left_tick,
        }

        def decide(read: Sequence[Fields | None]) -> dict[Ref, Fields]:
            known = NODES.decode_or_none(read[0])
            return {} if known is None else {ref: NODES.encode(known.model_copy(update=past))}

        await self._store.transact([ref], decide)

    async def changed_nodes(self, since_s: float) -> list[Node]:
        """Nodes that said something new since, oldest first, at most CHANGED_NODES_MAX.

        Of all shards: few nodes change, and who wrote them needs not know how many shards there
        are."""
        found: list[Node] = []
        after = None
        while len(found) < CHANGED_NODES_MAX:
            page = await self._store.find(
                Query("nodes", "changed_s", at_least=since_s, after=after, limit=CHANGED_PAGE)
            )
            found += [NODES.decode(fields) for _, fields in page]
            if len(page) < CHANGED_PAGE:
                break
            after = (page[-1][1]["changed_s"], page[-1][0])
        return found
