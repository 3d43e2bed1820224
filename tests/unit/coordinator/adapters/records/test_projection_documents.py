"""Readers of projections hold what they read lately, and little of it."""

from coordinator.adapters.records.projection_documents import (
    HELD_MAX,
    ProjectionReader,
    ProjectionWriter,
)
from coordinator.projections.incidents import Incident
from coordinator.projections.money_projection import MoneyProjection
from coordinator.projections.node_buckets import BucketEpoch, bucket_of
from coordinator.projections.stream_projection import StreamHour
from tests.doubles.counting import CountingStore
from tests.doubles.memory import MemoryStore

HOUR = StreamHour(7, 25_200, 28_800, 60, 1, 60, {}, 7, 0, 0, 11, 4, {})


async def test_a_document_is_read_again_only_when_it_may_have_changed() -> None:
    """What was absent is held as well: nobody makes us look for it again and again."""
    store, now_s = CountingStore(MemoryStore()), [100.0]
    reader, writer = ProjectionReader(store, lambda: now_s[0], 60.0), ProjectionWriter(store)
    assert (await reader.stream("s3")).hours == ()
    await writer.add_hour("s3", HOUR, None, MoneyProjection(), ())
    store.operations.reads = 0
    assert (await reader.stream("s3")).hours == ()
    assert store.operations.reads == 0
    now_s[0] += 61
    assert (await reader.stream("s3")).hours == (HOUR,)
    assert store.operations.reads == 1


async def test_only_the_last_few_documents_are_held() -> None:
    """A megabyte each: those that were not asked for longest are let go."""
    store = CountingStore(MemoryStore())
    reader = ProjectionReader(store, lambda: 7.0, 60.0)
    names = [f"s{number}" for number in range(HELD_MAX + 1)]
    for name in [*names[:-1], names[0], names[-1], names[0]]:
        await reader.stream(name)
    assert store.operations.reads == HELD_MAX + 1
    await reader.stream(names[1])
    assert store.operations.reads == HELD_MAX + 2


async def test_writers_and_readers_agree_on_where_a_node_is() -> None:
    """Buckets, streams and incidents do not meet in one document."""
    store = MemoryStore()
    reader, writer = ProjectionReader(store, lambda: 7.0, 0.0), ProjectionWriter(store)
    bucket_epoch = BucketEpoch(7, 25_200, 28_800, 60, offline_s={"n2": (7.0,)})
    await writer.add_epoch(bucket_of("n2"), bucket_epoch, MoneyProjection())
    await writer.add_incidents(7, [Incident("fraud/n2/7", 7.0, "A", "B.", "/n/n2")])
    (epoch,) = (await reader.bucket("n2")).epochs_of("n2")
    assert (epoch.epoch, epoch.offline_s) == (7, (7.0,))
    assert [each.key for each in (await reader.incidents()).known] == ["fraud/n2/7"]
    assert await writer.through_epoch() == 7
