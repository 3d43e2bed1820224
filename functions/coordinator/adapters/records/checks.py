"""Checks: runs, pictures, the days of the lottery, and what is known of every node."""

import asyncio
from collections.abc import Collection, Mapping, Sequence
from datetime import UTC, date, datetime, timedelta

from coordinator.adapters.records.ranges import expiry
from coordinator.adapters.records.trust_books import TrustRecords, book_ref
from coordinator.adapters.store.protocol import Fields, Query, Ref, Store, decided
from coordinator.checking import thumbnails
from coordinator.checking.checks import CLAIMS, RUNS, Check, Claim, Run, run_id
from coordinator.checking.partitions import UNDIVIDED, Partition
from coordinator.checking.sealed_days import SCHEDULE_DAYS, LotteryDay
from coordinator.checking.suspicion import TrustState
from coordinator.checking.thumbnails import THUMBNAILS, Thumbnail
from coordinator.checking.trust_book import TRUST_BOOKS, TrustBook
from coordinator.projections.listing_news import LISTING_NEWS, ListingNews, listing_news_id


class _NewsNeededError(Exception):
    """A run that told lists of nobody moves somebody: what was told before has to be read."""


class CheckRecords(TrustRecords):
    """Documents of `claims`, `schedule_days` and `thumbnails`, and the runs."""

    def __init__(self, store: Store, shards: int = 1, partitions: int = 1) -> None:
        super().__init__(store, shards, partitions)
        self._books_known: dict[Partition, tuple[int, TrustBook]] = {}
        """By part: the draw that this process recorded last, and the book after it."""

    async def claim_run(self, draw: int, now_s: float, partition: Partition = UNDIVIDED) -> bool:
        """False if this draw's run was started before: a duplicate trigger repeats nothing."""
        claim = {**CLAIMS.encode(Claim(now_s)), "expire_at": expiry(now_s)}
        return await self._store.create(Ref("claims", run_id(draw, partition)), claim)

    async def keep_made(self, run: Run, made: tuple[Check, ...], now_s: float) -> None:
        """Stores beside a run's claim what it has made and not recorded: its writer is the run."""
        claim = Claim(run.started_s, run.sweep_ids, made)
        fields = {**CLAIMS.encode(claim), "expire_at": expiry(now_s)}
        await self._store.put(Ref("claims", run_id(run.draw, run.part)), fields)

    async def claim_of(self, draw: int, partition: Partition = UNDIVIDED) -> Claim | None:
        """A run that was begun, with what it made and did not record. One read."""
        (fields,) = await self._store.get(Ref("claims", run_id(draw, partition)))
        return CLAIMS.decode_or_none(fields)

    async def record_run(
        self, run: Run, now_s: float, told: Collection[str] | None = None
    ) -> Run | None:
        """Writes the run and what it changes in everyone's trust, at once and once.

        `told` are the nodes of which it has told lists already; None if that is not known.
        Returns the run with the events its checks caused, and without those that it put off and
        another record has. None if it was recorded before, or the prober has been divided anew
        since it began."""
        if told is not None and not told:
            try:
                return await self._record(run, now_s, told, reads_news=False)
            except _NewsNeededError:
                pass  # seldom: somebody came back to lists, or joined them
        return await self._record(run, now_s, told, reads_news=True)

    async def _record(
        self, run: Run, now_s: float, told: Collection[str] | None, *, reads_news: bool
    ) -> Run | None:
        run_ref, trust_ref = Ref("probe_results", run.id), book_ref(run.part)
        news_ref = Ref("projections", listing_news_id(run.part.number))

        def decide(
            read: Sequence[Fields | None],
        ) -> tuple[tuple[Run, TrustBook] | None, dict[Ref, Fields]]:
            recorded, trust, *before = read
            if recorded is not None:
                return None, {}
            known = TRUST_BOOKS.decode_or_none(trust) or TrustBook()
            if known.next_count:
                return None, {}
            found = known.recording(run)
            if found is None:
                return None, {}
            book, marked = found
            fields = {**RUNS.encode(marked), "expire_at": expiry(now_s)}
            writes = {run_ref: fields, trust_ref: TRUST_BOOKS.encode(book)}
            changed = book.relisted_since(known)
            if changed and not before:
                raise _NewsNeededError
            news = LISTING_NEWS.decode_if_known(before[0] if before else None) or ListingNews()
            after_run = news.recorded(changed, told, book, run.last_due_s, now_s)
            if after_run.states != news.states:
                writes[news_ref] = LISTING_NEWS.encode(after_run)
            return (marked, book), writes

        refs = [run_ref, trust_ref, *([news_ref] if reads_news else [])]
        done = await decided(self._store, refs, decide, new=[run_ref])
        if done is None:
            return None
        known_draw, _ = self._books_known.get(run.part, (run.draw, None))
        self._books_known[run.part] = max(run.draw, known_draw), done[1]
        return done[0]

    async def tell_lists(
        self, changed: Mapping[str, TrustState], now_s: float, partition: Partition = UNDIVIDED
    ) -> None:
        """Tells readers who joined lists or left them, before it is on record."""
        ref = Ref("projections", listing_news_id(partition.number))

        def decide(read: Sequence[Fields | None]) -> dict[Ref, Fields]:
            news = LISTING_NEWS.decode_if_known(read[0]) or ListingNews()
            return {ref: LISTING_NEWS.encode(news.adding(changed, now_s))}

        await self._store.transact([ref], decide)

    async def runs(self, draws: range, checks_max: int | None = None) -> list[Run]:
        """Every recorded run of the draws.

        With `checks_max` those of the first draws only, until they have so many checks together:
        to unpack them takes most of the time."""
        found = await self._range("check_draw", draws.start, draws.stop)
        # A thousand checks take some hundredths of a second: others are answered meanwhile.
        return await asyncio.to_thread(_unpacked, found, checks_max)

    async def checks_of(self, node_id: str, draws: range) -> tuple[list[Check], int]:
        """(one node's checks in the draws, how many bytes the checks of all nodes take there)."""
        found = await self._range("check_draw", draws.start, draws.stop)
        only = {"checks": ("node_id", frozenset({node_id}))}

        def read() -> list[Check]:
            return [check for fields in found for check in RUNS.decode(fields, only).checks]

        size = sum(len(column) for fields in found for column in fields["checks"].values())
        return await asyncio.to_thread(read), size

    async def ingest_runs(self, draws: range) -> list[Run]:
        """The same runs without their checks: what they read at the ingest."""
        found = await self._range("check_draw", draws.start, draws.stop)
        return [RUNS.decode(fields, {"checks": ("node_id", frozenset())}) for fields in found]

    async def create_thumbnail(self, picture: Thumbnail) -> bool:
        """False if it is there already."""
        expire_at = datetime.fromtimestamp(picture.taken_s, UTC) + timedelta(days=thumbnails.DAYS)
        fields = {**THUMBNAILS.encode(picture), "expire_at": expire_at}
        return await self._store.create(Ref("thumbnails", picture.id), fields)

    async def thumbnail(self, thumbnail_id: str) -> Thumbnail | None:
        """A picture. One read."""
        (fields,) = await self._store.get(Ref("thumbnails", thumbnail_id))
        return THUMBNAILS.decode_or_none(fields)

    async def latest_run(
        self, before: int | None = None, partition: Partition = UNDIVIDED
    ) -> Run | None:
        """A part's newest run, of the draws before one if asked; where it lately had none, the
        newest of any part."""
        found = await self.latest_runs(before, 2 * partition.count if partition.suffix else 1)
        return next((run for run in found if run.part == partition), next(iter(found), None))

    async def latest_runs(self, before: int | None = None, limit: int | None = None) -> list[Run]:
        """The newest runs, as many as there are parts if not asked otherwise."""
        limit = self._partitions if limit is None else limit
        found = await self._store.find(
            Query("probe_results", "check_draw", below=before, descending=True, limit=limit)
        )
        return [RUNS.decode(fields) for _, fields in found]

    async def lottery_days(self, days: Sequence[date]) -> list[LotteryDay | None]:
        """The sealed days among those asked, in their order."""
        found = await self._store.get(*(Ref("schedule_days", day.isoformat()) for day in days))
        return [SCHEDULE_DAYS.decode_or_none(fields) for fields in found]

    async def seal(self, day: LotteryDay) -> bool:
        """Publishes a day's commitment; False if it was published before."""
        return await self._store.create(
            Ref("schedule_days", day.day.isoformat()), SCHEDULE_DAYS.encode(day)
        )

    async def publish(self, day: LotteryDay) -> None:
        """Publishes an opened day's secret beside its commitment."""
        await self._store.put(Ref("schedule_days", day.day.isoformat()), SCHEDULE_DAYS.encode(day))

    async def trust_since(self, draw: int, partition: Partition = UNDIVIDED) -> TrustBook:
        """A part's book as it was when this process recorded a run of `draw` or later; read if it
        did not."""
        recorded, book = self._books_known.get(partition, (-1, TrustBook()))
        return book if recorded >= draw else await self.trust_of(partition)


def _unpacked(found: Sequence[Fields], checks_max: int | None) -> list[Run]:
    """Whole draws, in their order."""
    runs: list[Run] = []
    checks = 0
    for fields in found:
        is_enough = runs and checks_max is not None and checks >= checks_max
        if is_enough and fields["check_draw"] != runs[-1].draw:
            break
        runs.append(RUNS.decode(fields))
        checks += len(runs[-1].checks)
    return runs
