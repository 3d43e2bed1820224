"""What every store does, asked of each of them: in memory, in Firestore, and counted."""

import asyncio
import socket
import threading
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, timezone
from enum import IntEnum
from typing import Any

import pytest
from google.cloud.firestore import Client

from coordinator.adapters.store.firestore import FirestoreStore
from coordinator.adapters.store.limits import value_bytes
from coordinator.adapters.store.protocol import (
    DOCUMENT_BYTES_MAX,
    FIND_LIMIT_MAX,
    TRANSACTION_WRITES_MAX,
    AsRead,
    DocumentTooLargeError,
    Fields,
    Query,
    Ref,
    Store,
    StoreError,
)
from coordinator.reasons import Reason
from emulator.firestore_emulator import FirestoreEmulator
from tests.doubles.counting import CountingStore, Operations
from tests.doubles.memory import MemoryStore

PROJECT = "contract"
A, B, C = Ref("things", "a"), Ref("things", "b"), Ref("things", "c")
NOON = datetime(2026, 11, 22, 12, 0, 0, 123456, tzinfo=UTC)


async def as_seen(store: Store) -> AsRead:
    """A, which is there."""
    (read,) = await store.get(A)
    assert isinstance(read, AsRead)
    return read


@dataclass
class Subject:
    """A store under test, and a way to write behind its back from within a callback."""

    store: Store
    rival: Callable[[Ref, Fields], None]


async def _memory() -> AsyncIterator[Subject]:
    store = MemoryStore()

    def rival(ref: Ref, fields: Fields) -> None:
        writer = threading.Thread(target=lambda: asyncio.run(store.put(ref, fields)))
        writer.start()
        writer.join()

    yield Subject(store, rival)
    await store.close()


async def _firestore(emulator: FirestoreEmulator, database: str) -> AsyncIterator[Subject]:
    await emulator.clear(PROJECT, database)
    store = FirestoreStore(PROJECT, database)
    client = Client(project=PROJECT, database=database)

    def rival(ref: Ref, fields: Fields) -> None:
        client.collection(ref.collection).document(ref.id).set(fields, retry=None, timeout=5.0)

    yield Subject(store, rival)
    client.close()  # type: ignore[no-untyped-call]  # of Google
    await store.close()


@pytest.fixture(params=["memory", "firestore", "firestore money", "counted"])
async def subject(
    request: pytest.FixtureRequest, firestore: FirestoreEmulator
) -> AsyncIterator[Subject]:
    """Each store in turn, empty."""
    match request.param:
        case "firestore":
            subjects = _firestore(firestore, "(default)")
        case "firestore money":
            subjects = _firestore(firestore, "money")
        case _:
            subjects = _memory()
    async for each in subjects:
        counted = request.param == "counted"
        yield Subject(CountingStore(each.store), each.rival) if counted else each


@pytest.fixture
def store(subject: Subject) -> Store:
    """The store alone."""
    return subject.store


def ids(rows: Sequence[tuple[str, Fields]]) -> list[str]:
    """The ids of what was found, in order."""
    return [name for name, _ in rows]


async def refuses(store: Store, ref: Ref, fields: Fields) -> type[Exception]:
    """The error with which every way of writing refuses a document; fails if they differ."""
    writes: list[Callable[[], Any]] = [
        lambda: store.create(ref, fields),
        lambda: store.put(ref, fields),
        lambda: store.transact([ref], lambda _: {ref: fields}),
    ]
    kinds = set()
    for write in writes:
        with pytest.raises((ValueError, TypeError)) as caught:
            await write()
        kinds.add(caught.type)
    assert len(kinds) == 1
    return kinds.pop()


class TestGet:
    """get"""

    async def test_documents_come_in_the_order_asked_and_none_where_absent(
        self, store: Store
    ) -> None:
        """Order and absence."""
        await store.put(A, {"n": 2})
        await store.put(C, {"n": 3})
        assert await store.get(C, B, A, C) == [{"n": 3}, None, {"n": 2}, {"n": 3}]

    async def test_nothing_asked_is_nothing_answered(self, store: Store) -> None:
        """No refs, no round trip."""
        assert await store.get() == []

    async def test_an_empty_document_is_not_an_absent_one(self, store: Store) -> None:
        """{} exists."""
        await store.put(A, {})
        assert await store.get(A, B) == [{}, None]

    async def test_equal_ids_in_two_collections_are_two_documents(self, store: Store) -> None:
        """The collection is part of the name."""
        await store.put(Ref("things", "x"), {"n": 5})
        await store.put(Ref("others", "x"), {"n": 7})
        assert await store.get(Ref("others", "x"), Ref("things", "x")) == [{"n": 7}, {"n": 5}]

    async def test_what_was_given_or_got_can_be_changed_without_changing_the_store(
        self, store: Store
    ) -> None:
        """No shared references."""
        mine: Fields = {"list": [2], "map": {"n": 3}}
        await store.put(A, mine)
        mine["list"].append(5)
        [got] = await store.get(A)
        assert got is not None
        got["map"]["n"] = 7
        assert await store.get(A) == [{"list": [2], "map": {"n": 3}}]


class TestValues:
    """The types of a document's values."""

    async def test_every_type_comes_back_as_it_was(self, store: Store) -> None:
        """A round trip of all types, nested."""
        fields: Fields = {
            "none": None,
            "true": True,
            "false": False,
            "zero": 0,
            "least": -(2**63),
            "most": 2**63 - 1,
            "float": 2.5,
            "whole_float": 3.0,
            "text": "Grüße, 日本 🎥\n\0",
            "empty_text": "",
            "bytes": bytes(range(256)) * 5,
            "no_bytes": b"",
            "at": NOON,
            "list": [1, "two", None, b"3", NOON, {"deep": [True]}],
            "empty_list": [],
            "map": {"a": {"b": {"c": [{"d": 11}]}}},
            "empty_map": {},
        }
        await store.put(A, fields)
        [got] = await store.get(A)
        assert got == fields
        assert {name: type(value) for name, value in got.items() if name != "at"} == {
            name: type(value) for name, value in fields.items() if name != "at"
        }
        assert got["at"].utcoffset() == timedelta(0)

    async def test_field_names_are_taken_literally(self, store: Store) -> None:
        """Dots, dashes, quotes and spaces have no meaning."""
        fields: Fields = {"a.b": 2, "a-b": {"c.d": 3, "`": 5}, "with space": 7, "é\\": 11, "0": 13}
        await store.put(A, fields)
        await store.transact([A, B], lambda read: {B: read[0] or {}})
        assert await store.get(A, B) == [fields, fields]

    async def test_another_time_zone_is_the_same_instant(self, store: Store) -> None:
        """Instants are kept, zones are not."""
        await store.put(A, {"at": NOON.astimezone(timezone(timedelta(hours=5, minutes=30)))})
        [got] = await store.get(A)
        assert got is not None
        assert (got["at"], got["at"].utcoffset()) == (NOON, timedelta(0))

    async def test_an_enum_comes_back_as_what_it_wraps(self, store: Store) -> None:
        """Reasons are stored as their codes."""

        class Number(IntEnum):
            SEVEN = 7

        await store.put(A, {"reason": Reason.OK, "in": [Reason.LEFT], "number": Number.SEVEN})
        [got] = await store.get(A)
        assert got == {"reason": "ok", "in": ["left"], "number": 7}
        assert [type(got["reason"]), type(got["in"][0]), type(got["number"])] == [str, str, int]

    @pytest.mark.parametrize(
        "value",
        [
            2**63,
            -(2**63) - 1,
            float("nan"),
            datetime(2026, 11, 22),  # noqa: DTZ001 - the point
            "\ud800",
            [[1]],
            (1,),
            {1},
            1j,
            object(),
            bytearray(b"x"),
            {"": 1},
            {"__name__": 1},
            {"x" * 1_501: 1},
            {2: 1},
            {"in": {"the": {"depth": 2**64}}},
        ],
        ids=lambda value: repr(value)[:20],
    )
    async def test_a_value_that_cannot_be_kept_as_it_is_is_refused(
        self, store: Store, value: Any
    ) -> None:
        """By every way of writing, and nothing is written."""
        await refuses(store, A, {"value": value})
        assert await store.get(A) == [None]

    async def test_nesting_ends_at_twenty(self, store: Store) -> None:
        """Firestore's depth limit."""
        fields: Fields = {}
        for _ in range(19):
            fields = {"in": fields}
        await store.put(A, fields)
        assert await store.get(A) == [fields]
        assert await refuses(store, A, {"in": {"in": fields}}) is ValueError


class TestNames:
    """Refs that are none."""

    @pytest.mark.parametrize(
        "name",
        ["", ".", "..", "a/b", "a b", "ä", "__id__", "x" * 201, "a\n", "a\0", "*", "../x"],
        ids=repr,
    )
    async def test_an_invalid_name_is_refused_in_a_collection_and_in_an_id(
        self, store: Store, name: str
    ) -> None:
        """By reads as by writes."""
        for ref in (Ref("things", name), Ref(name, "a")):
            assert await refuses(store, ref, {}) is ValueError
            with pytest.raises(ValueError, match="name"):
                await store.get(A, ref)
        with pytest.raises(ValueError, match="name"):
            await store.find(Query(name, "n"))

    @pytest.mark.parametrize("name", ["a", "A-b_c.d:9", "x" * 200, "2026-11-22T14:00", "._."])
    async def test_a_valid_id_is_kept(self, store: Store, name: str) -> None:
        """All allowed characters, and the longest."""
        assert await store.create(Ref("things", name), {"n": 2})
        assert ids(await store.find(Query("things", "n"))) == [name]


class TestSizes:
    """Limits that the emulator does not keep by itself."""

    async def test_the_largest_document_is_kept_and_one_byte_more_is_refused(
        self, store: Store
    ) -> None:
        """1 MiB, counted as Firestore counts it."""
        # Name: 6 + 1 + 1 + 1 + 16; fields: 32, each name and its end, 1,000 bytes in the first.
        room = DOCUMENT_BYTES_MAX - (6 + 1 + 1 + 1 + 16) - 32 - 2 - 2 - 1_000
        largest = {"a": b"y" * 1_000, "b": b"x" * room}
        await store.put(A, largest)
        assert await refuses(store, A, {**largest, "b": b"x" * (room + 1)}) is DocumentTooLargeError
        assert await store.get(A) == [largest]

    async def test_the_largest_field_is_kept_and_one_byte_more_is_refused(
        self, store: Store
    ) -> None:
        """89 bytes less than a document."""
        await store.put(A, {"b": b"x" * 1_048_487})
        assert await refuses(store, A, {"b": b"x" * 1_048_488}) is DocumentTooLargeError

    async def test_a_transaction_has_at_most_five_hundred_documents(self, store: Store) -> None:
        """Written together or not at all."""
        refs = [Ref("things", f"{i:03d}") for i in range(TRANSACTION_WRITES_MAX + 1)]
        with pytest.raises(ValueError, match="501"):
            await store.transact(refs, lambda _: {ref: {} for ref in refs})
        await store.transact(refs[:-1], lambda _: {ref: {"n": 1} for ref in refs[:-1]})
        assert len(await store.find(Query("things", "n"))) == TRANSACTION_WRITES_MAX

    async def test_a_transaction_that_is_too_large_in_all_is_refused(self, store: Store) -> None:
        """Ten documents that would each be fine."""
        refs = [Ref("things", str(i)) for i in range(10)]
        with pytest.raises(DocumentTooLargeError):
            await store.transact(refs, lambda _: {ref: {"b": b"x" * 10**6} for ref in refs})
        assert await store.get(*refs) == [None] * 10

    def test_sizes_are_firestores(self) -> None:
        """The worked example of the storage-size page: 71 bytes and the name of the document."""
        fields = {
            "type": "Personal",
            "done": False,
            "priority": 1,
            "description": "Learn Cloud Firestore",
        }
        assert value_bytes(fields) == 71 + 32


class TestCreate:
    """create"""

    async def test_the_second_creation_changes_nothing(self, store: Store) -> None:
        """True, then False."""
        assert await store.create(A, {"n": 2}) is True
        assert await store.create(A, {"n": 3}) is False
        assert await store.get(A) == [{"n": 2}]

    async def test_of_many_at_once_one_creates(self, store: Store) -> None:
        """And it is the one that was told so."""
        created = await asyncio.gather(*(store.create(A, {"n": n}) for n in range(13)))
        assert created.count(True) == 1
        assert await store.get(A) == [{"n": created.index(True)}]


class TestPut:
    """put"""

    async def test_a_put_replaces_the_whole_document(self, store: Store) -> None:
        """Fields that are not named are gone."""
        await store.put(A, {"n": 2, "m": {"x": 3, "y": 5}})
        await store.put(A, {"m": {"x": 7}})
        assert await store.get(A) == [{"m": {"x": 7}}]


class TestTransact:
    """transact"""

    async def test_it_reads_in_order_and_writes_what_was_decided(self, store: Store) -> None:
        """Whole documents, new ones and old ones."""
        await store.put(A, {"n": 2, "old": True})

        def decide(read: Sequence[Fields | None]) -> Mapping[Ref, Fields]:
            assert list(read) == [None, {"n": 2, "old": True}]
            return {A: {"n": 3}, B: {"n": 5}}

        assert await store.transact([B, A], decide) == {A: {"n": 3}, B: {"n": 5}}
        assert await store.get(A, B) == [{"n": 3}, {"n": 5}]

    async def test_deciding_nothing_writes_nothing(self, store: Store) -> None:
        """An empty answer is an answer."""
        await store.put(A, {"n": 2})
        assert await store.transact([A], lambda _: {}) == {}
        assert await store.transact([], lambda _: {}) == {}
        assert await store.get(A) == [{"n": 2}]

    async def test_an_exception_aborts_and_is_passed_on(self, store: Store) -> None:
        """The very object."""
        error = TimeoutError("not enough")

        def decide(_: Sequence[Fields | None]) -> Mapping[Ref, Fields]:
            raise error

        with pytest.raises(TimeoutError) as caught:
            await store.transact([A], decide)
        assert caught.value is error
        assert await store.get(A) == [None]

    async def test_a_document_that_was_not_read_cannot_be_written(self, store: Store) -> None:
        """A blind write could lose a race unnoticed."""
        with pytest.raises(ValueError, match="without being read"):
            await store.transact([A], lambda _: {A: {}, B: {}})
        assert await store.get(A, B) == [None, None]

    @pytest.mark.parametrize("before", [None, {"n": 2}], ids=["absent", "present"])
    async def test_a_faster_writer_means_deciding_again(
        self, subject: Subject, before: Fields | None
    ) -> None:
        """On what that writer wrote."""
        if before is not None:
            await subject.store.put(A, before)
        seen: list[Fields | None] = []

        def decide(read: Sequence[Fields | None]) -> Mapping[Ref, Fields]:
            seen.extend(read)
            if len(seen) == 1:
                subject.rival(A, {"n": 100})
            return {A: {"n": (read[0] or {"n": 0})["n"] + 3}}

        assert await subject.store.transact([A], decide) == {A: {"n": 103}}
        assert seen == [before, {"n": 100}]
        assert await subject.store.get(A) == [{"n": 103}]

    @pytest.mark.parametrize("before", [None, {"n": 2}], ids=["absent", "present"])
    async def test_a_change_of_what_was_only_read_means_deciding_again(
        self, subject: Subject, before: Fields | None
    ) -> None:
        """A decision holds for everything it was based on."""
        if before is not None:
            await subject.store.put(A, before)
        seen: list[Fields | None] = []

        def decide(read: Sequence[Fields | None]) -> Mapping[Ref, Fields]:
            seen.append(read[0])
            if len(seen) == 1:
                subject.rival(A, {"n": 100})
            return {B: {"from": read[0]}}

        await subject.store.transact([A, B], decide)
        assert seen == [before, {"n": 100}]
        assert await subject.store.get(A, B) == [{"n": 100}, {"from": {"n": 100}}]

    @pytest.mark.parametrize("before", [None, {"n": 2}], ids=["absent", "present"])
    @pytest.mark.parametrize("writes", [True, False], ids=["writes", "writes nothing"])
    async def test_what_is_held_to_be_new_is_read_where_that_matters(
        self, store: Store, before: Fields | None, writes: bool
    ) -> None:
        """If it is there after all, or if the decision is to leave all as it is."""
        if before is not None:
            await store.put(A, before)
        seen: list[Fields | None] = []

        def decide(read: Sequence[Fields | None]) -> Mapping[Ref, Fields]:
            seen.append(read[1])
            return {A: {"n": 3}, B: {"from": read[1]}} if writes else {}

        written = await store.transact([B, A], decide, [A])
        is_seen_again = before is not None or not writes
        assert seen == ([None, before] if is_seen_again else [None])
        assert written == ({A: {"n": 3}, B: {"from": before}} if writes else {})
        assert await store.get(A) == [{"n": 3} if writes else before]

    async def test_of_many_that_hold_it_to_be_new_one_writes_it_first(self, store: Store) -> None:
        """The others see what that one wrote."""

        def one_more(read: Sequence[Fields | None]) -> Mapping[Ref, Fields]:
            return {A: {"n": (read[0] or {"n": 0})["n"] + 1}}

        await asyncio.gather(*(store.transact([A], one_more, [A]) for _ in range(7)))
        assert await store.get(A) == [{"n": 7}]

    @pytest.mark.parametrize("meanwhile", [None, {"n": 9}], ids=["no", "other"])
    @pytest.mark.parametrize("writes", [True, False], ids=["writes", "writes nothing"])
    async def test_what_was_seen_before_is_read_where_that_matters(
        self, store: Store, meanwhile: Fields | None, writes: bool
    ) -> None:
        """If it was written since, or if all is to be left as it is."""
        await store.put(A, {"n": 2})
        before = await as_seen(store)
        if meanwhile is not None:
            await store.put(A, meanwhile)
        told: list[Fields | None] = []

        def decide(read: Sequence[Fields | None]) -> Mapping[Ref, Fields]:
            told.append(read[0])
            return {A: {"was": read[0]}} if writes else {}

        written = await store.transact([A], decide, seen={A: before})
        last = meanwhile or {"n": 2}
        is_told_again = meanwhile is not None or not writes
        assert told == ([{"n": 2}, last] if is_told_again else [{"n": 2}])
        assert written == ({A: {"was": last}} if writes else {})
        assert await store.get(A) == [{"was": last} if writes else last]

    async def test_of_many_that_saw_the_same_none_is_lost(self, store: Store) -> None:
        """One writes it, and the others see what that one wrote."""
        await store.put(A, {"n": 0})
        before = await as_seen(store)

        def one_more(read: Sequence[Fields | None]) -> Mapping[Ref, Fields]:
            return {A: {"n": (read[0] or {"n": 0})["n"] + 1}}

        await asyncio.gather(*(store.transact([A], one_more, seen={A: before}) for _ in range(7)))
        assert await store.get(A) == [{"n": 7}]

    async def test_reading_alone_changes_nothing(self, store: Store) -> None:
        """Neither what is there nor what is absent."""
        await store.put(A, {"n": 2, "m": {"x": [3]}})
        await store.transact([A, B, C], lambda _: {C: {"n": 5}})
        assert await store.get(A, B, C) == [{"n": 2, "m": {"x": [3]}}, None, {"n": 5}]

    async def test_no_step_of_many_at_once_is_lost(self, store: Store) -> None:
        """Seven writers, one counter."""

        def one_more(read: Sequence[Fields | None]) -> Mapping[Ref, Fields]:
            return {A: {"n": (read[0] or {"n": 0})["n"] + 1}}

        await asyncio.gather(*(store.transact([A], one_more) for _ in range(7)))
        assert await store.get(A) == [{"n": 7}]

    async def test_moves_between_two_documents_keep_the_sum(self, store: Store) -> None:
        """In both directions at once, where locks would meet crosswise."""
        await store.put(A, {"n": 50})
        await store.put(B, {"n": 50})

        def move(giver: Ref, taker: Ref, amount: int) -> Any:
            def decide(read: Sequence[Fields | None]) -> Mapping[Ref, Fields]:
                assert read[0] is not None
                assert read[1] is not None
                return {giver: {"n": read[0]["n"] - amount}, taker: {"n": read[1]["n"] + amount}}

            return store.transact([giver, taker], decide)

        await asyncio.gather(*(move(A, B, n) if n % 2 else move(B, A, n) for n in range(1, 8)))
        [a, b] = await store.get(A, B)
        assert (a, b) == ({"n": 50 - 1 - 3 - 5 - 7 + 2 + 4 + 6}, {"n": 54})


class TestFind:
    """find"""

    async def fill(self, store: Store, values: Mapping[str, Any], field: str = "n") -> None:
        """One document per id with that value."""
        await asyncio.gather(
            *(store.put(Ref("things", name), {field: value}) for name, value in values.items())
        )

    async def test_documents_come_ordered_by_the_field_and_ties_by_id(self, store: Store) -> None:
        """In both directions."""
        await self.fill(store, {"d": 2, "a": 3, "c": 2, "b": 5})
        assert await store.find(Query("things", "n")) == [
            ("c", {"n": 2}),
            ("d", {"n": 2}),
            ("a", {"n": 3}),
            ("b", {"n": 5}),
        ]
        assert ids(await store.find(Query("things", "n", descending=True))) == ["b", "a", "d", "c"]

    async def test_at_least_is_included_and_below_is_not(self, store: Store) -> None:
        """Half-open, like every interval here."""
        await self.fill(store, {"a": 2, "b": 3, "c": 5, "d": 7})
        assert ids(await store.find(Query("things", "n", at_least=3, below=7))) == ["b", "c"]
        assert ids(await store.find(Query("things", "n", at_least=3))) == ["b", "c", "d"]
        assert ids(await store.find(Query("things", "n", below=3))) == ["a"]
        assert ids(await store.find(Query("things", "n", below=7, descending=True))) == [
            "c",
            "b",
            "a",
        ]
        assert await store.find(Query("things", "n", at_least=5, below=5)) == []

    async def test_a_document_without_the_field_is_left_out(self, store: Store) -> None:
        """Absent is not null."""
        await store.put(A, {"m": 2})
        await store.put(B, {"n": None})
        await store.put(C, {"n": 3})
        assert ids(await store.find(Query("things", "n"))) == ["b", "c"]

    async def test_other_collections_and_absent_ones_are_not_searched(self, store: Store) -> None:
        """One collection at a time."""
        await store.put(Ref("others", "x"), {"n": 2})
        assert await store.find(Query("things", "n")) == []

    async def test_no_more_than_the_limit_is_found(self, store: Store) -> None:
        """The first ones in order."""
        await self.fill(store, {"a": 7, "b": 5, "c": 3})
        assert ids(await store.find(Query("things", "n", limit=2))) == ["c", "b"]
        assert ids(await store.find(Query("things", "n", limit=2, descending=True))) == ["a", "b"]

    async def test_pages_join_without_gap_or_overlap_even_among_ties(self, store: Store) -> None:
        """The last row of a page starts the next."""
        await self.fill(store, {"e": 2, "b": 2, "d": 2, "a": 3, "c": 2})
        for descending in (False, True):
            whole = await store.find(Query("things", "n", descending=descending))
            found: list[tuple[str, Fields]] = []
            after = None
            while page := await store.find(
                Query("things", "n", at_least=2, descending=descending, after=after, limit=2)
            ):
                found += page
                after = (page[-1][1]["n"], page[-1][0])
            assert found == whole

    @pytest.mark.parametrize("limit", [0, -1, FIND_LIMIT_MAX + 1])
    async def test_a_limit_out_of_bounds_is_refused(self, store: Store, limit: int) -> None:
        """Everything has a limit."""
        with pytest.raises(ValueError, match="limit"):
            await store.find(Query("things", "n", limit=limit))

    @pytest.mark.parametrize("field", ["", "a.b", "a-b", "`a`", "__name__", "a b", "0", "x" * 101])
    async def test_a_field_is_a_plain_name(self, store: Store, field: str) -> None:
        """No paths and no quoting."""
        with pytest.raises(ValueError, match="field"):
            await store.find(Query("things", field))

    async def test_texts_instants_and_bytes_are_ordered_too(self, store: Store) -> None:
        """Texts by their UTF-8 bytes."""
        await self.fill(store, {"a": "z", "b": "é", "c": "Z", "d": "🎥", "e": "\ufffd"})
        assert ids(await store.find(Query("things", "n"))) == ["c", "a", "b", "e", "d"]
        assert ids(await store.find(Query("things", "n", at_least="z", below="z\0"))) == ["a"]
        await self.fill(store, {"f": NOON, "g": NOON - timedelta(microseconds=1)}, "at")
        assert ids(await store.find(Query("things", "at"))) == ["g", "f"]
        assert ids(await store.find(Query("things", "at", at_least=NOON))) == ["f"]
        await self.fill(store, {"h": b"\x02", "i": b"\x01\xff", "j": b"\x02\x00"}, "raw")
        assert ids(await store.find(Query("things", "raw", at_least=b"\x02"))) == ["h", "j"]

    async def test_kinds_are_ordered_among_each_other_and_bounds_keep_to_theirs(
        self, store: Store
    ) -> None:
        """null, false, true, numbers, instants, texts, bytes, lists, maps."""
        values: list[Any] = [
            *(None, False, True, -1, 2.5, 3, NOON, "", "a", b""),
            *([], [1], [1, 2], ["a"], {}, {"a": 1}, {"b": 0}),
        ]
        await self.fill(store, {f"{9 - i % 10}{i:02d}": value for i, value in enumerate(values)})
        found = await store.find(Query("things", "n"))
        assert [fields["n"] for _, fields in found] == values
        assert [f["n"] for _, f in await store.find(Query("things", "n", at_least=0))] == [2.5, 3]
        assert [f["n"] for _, f in await store.find(Query("things", "n", below=3))] == [-1, 2.5]
        assert [f["n"] for _, f in await store.find(Query("things", "n", below="b"))] == ["", "a"]


class TestGone:
    """A store that cannot answer."""

    async def test_a_closed_store_answers_nothing(self, store: Store) -> None:
        """Every call raises StoreError, and closing again does no harm."""
        await store.put(A, {"n": 2})
        await store.close()
        await store.close()
        await raises_store_error(store)

    async def test_a_dead_server_is_an_error_of_ours(self, firestore: FirestoreEmulator) -> None:
        """Nothing listens."""
        with socket.socket() as reserved, pytest.MonkeyPatch.context() as patch:
            reserved.bind(("127.0.0.1", 0))
            patch.setenv("FIRESTORE_EMULATOR_HOST", f"127.0.0.1:{reserved.getsockname()[1]}")
            store = FirestoreStore(PROJECT)
            await raises_store_error(store)
            await store.close()

    async def test_a_silent_server_is_an_error_of_ours(self, firestore: FirestoreEmulator) -> None:
        """It accepts and never says a word."""
        with socket.socket() as silent, pytest.MonkeyPatch.context() as patch:
            silent.bind(("127.0.0.1", 0))
            silent.listen()
            patch.setenv("FIRESTORE_EMULATOR_HOST", f"127.0.0.1:{silent.getsockname()[1]}")
            store = FirestoreStore(PROJECT, seconds_max=0.2)
            await raises_store_error(store)
            await store.close()

    async def test_a_store_that_is_never_asked_connects_to_nothing(self) -> None:
        """No client, no credentials, no network."""
        await FirestoreStore(PROJECT).close()


async def raises_store_error(store: Store) -> None:
    """Every method does."""
    calls: list[Callable[[], Any]] = [
        lambda: store.get(A),
        lambda: store.find(Query("things", "n")),
        lambda: store.create(A, {}),
        lambda: store.put(A, {}),
        lambda: store.transact([A], lambda _: {A: {}}),
    ]
    for call in calls:
        with pytest.raises(StoreError):
            await call()


class TestCounting:
    """What the counting store counts."""

    async def test_operations_are_counted_as_firestore_bills_them(self) -> None:
        """Prime numbers, so that no two mistakes cancel."""
        store = CountingStore(MemoryStore({Ref("things", str(i)): {"n": i} for i in range(5)}))
        steps: list[tuple[Callable[[], Any], Operations]] = [
            (lambda: store.get(A, B, A), Operations(reads=2)),
            (lambda: store.find(Query("things", "n")), Operations(reads=5)),
            (lambda: store.find(Query("things", "nothing")), Operations(reads=1)),
            (lambda: store.put(A, {}), Operations(writes=1)),
            (lambda: store.create(A, {}), Operations()),
            (lambda: store.create(B, {}), Operations(writes=1)),
            (lambda: store.transact([A, B, C], lambda _: {}), Operations(reads=3)),
            (lambda: store.transact([A, B, C], lambda _: {A: {}}), Operations(3, 3)),
            (lambda: store.transact([A, C], lambda _: {A: {}}, [C]), Operations(1, 2)),
            (lambda: store.transact([A, C], lambda _: {A: {}}, [A]), Operations(3, 2)),
        ]
        for step, expected in steps:
            store.operations = Operations()
            await step()
            assert store.operations == expected

    async def test_an_attempt_that_lost_its_race_has_read(self) -> None:
        """Reads are billed once for every time it was decided."""
        store = CountingStore(MemoryStore())
        await asyncio.gather(*(store.transact([A], lambda _: {A: {}}) for _ in range(2)))
        assert store.operations == Operations(reads=3, writes=2)
