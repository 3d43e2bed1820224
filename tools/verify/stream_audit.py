"""All that is published of a stream's life, or of a day, held against itself."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date, timedelta

from coordinator.checking.lottery import day_of
from coordinator.epochs import EVIDENCE_DAYS
from coordinator.ledger.statements import Statement
from tools.verify.derivation import Derivation, UntoldError
from tools.verify.public import PublicRecord
from tools.verify.receipts import Books
from tools.verify.recompute import has_expired, statement_differences
from tools.verify.schedule import AGREES, DISAGREES, FINDINGS_SHOWN_MAX, TOO_EARLY, day_report

DAY_S = 86_400
FRESH_S, FOLLOWED_S = 900.0, 10.0
"""The payout is called every ten minutes; so long after a statement the accounts have followed."""


@dataclass
class Whole:
    """What was looked at so far, and what does not agree."""

    record: PublicRecord
    now_s: float
    findings: list[str] = field(default_factory=list)
    untold: list[str] = field(default_factory=list)
    told: int = 0
    """Statements and days that could be recomputed."""

    async def stream(self, stream_id: str) -> None:
        """A stream's tokens, statements, receipts, and the days of its life."""
        try:
            derivation = await Derivation.of(self.record, stream_id)
            openings, wrong = await derivation.openings()
        except UntoldError as error:
            self.untold.append(f"{stream_id}: {error}")
            return
        self.findings += [f"{stream_id}: {said}" for said in wrong]
        found = await self.record.statements(stream_id)
        # One that was settled meanwhile belongs to the next look.
        statements = [one for one in found if one.epoch <= max(openings, default=one.epoch)]
        self._gaps(derivation, statements)
        await self._statements(derivation, statements, openings)
        self.findings += await self._settled_receipts(derivation, found)
        for day in self._days_of(derivation, statements):
            await self.day(day)

    async def day(self, day: date) -> bool:
        """A day's lottery, with what its checks set in motion; False if it is not opened yet."""
        sealed, history = await self.record.sealed_day(day), await self.record.settings()
        if sealed is None or sealed.secret is None or not history:
            print(f"{day}: no secret is published yet: who was drawn or flagged is not looked at")
            return False
        report = await day_report(self.record, sealed, history[-1])
        report.print()
        self.findings += [f"{day}: {said}" for said in report.findings]
        self.told += 1
        return True

    async def statements_of_day(self, day: date) -> None:
        """Every stream's statements of epochs that begin in the day."""
        for stream_id in await self.record.stream_ids():
            try:
                derivation = await Derivation.of(self.record, stream_id)
                openings, _ = await derivation.openings()
            except UntoldError as error:
                self.untold.append(f"{stream_id}: {error}")
                continue
            found = [await self.record.statement(stream_id, epoch) for epoch in openings]
            of_day = [one for one in found if one and day_of(one.starts_s, 1) == day]
            await self._statements(derivation, of_day, openings)

    def verdict(self) -> int:
        """Prints the end of it."""
        for finding in self.findings[:FINDINGS_SHOWN_MAX]:
            print(f"  {finding}")
        for said in self.untold:
            print(f"  cannot be told: {said}")
        print(f"{self.told} statements and days recomputed, {len(self.findings)} findings")
        if self.findings:
            return DISAGREES
        return AGREES if self.told and not self.untold else TOO_EARLY

    def _gaps(self, derivation: Derivation, statements: list[Statement]) -> None:
        """A stream's epochs are settled in order, each of them, from the first on."""
        due = derivation.first_epoch
        for statement in statements:
            for epoch in range(due, statement.epoch):
                where = f"{statement.stream_id}, epoch {epoch}"
                self.findings.append(f"{where}: its statement is missing")
            due = statement.epoch + 1

    async def _statements(
        self, derivation: Derivation, statements: Iterable[Statement], openings: dict[int, int]
    ) -> None:
        expired = 0
        for published in statements:
            where = f"{published.stream_id}, epoch {published.epoch}"
            try:
                if has_expired(derivation, published.epoch, self.now_s):
                    expired += 1
                    continue
                async for said in statement_differences(derivation, published, openings):
                    self.findings.append(f"{where}: {said}")
                    break
                self.told += 1
            except UntoldError as error:
                self.untold.append(f"{where}: {error}")
        if expired:
            stream_id = derivation.stream.stream_id
            print(f"{stream_id}: {expired} epochs are older than {EVIDENCE_DAYS} days")

    async def _settled_receipts(
        self, derivation: Derivation, statements: list[Statement]
    ) -> list[str]:
        """What does not agree in the receipts. Accounts follow a statement some seconds later, so
        what may only have been settled just now is looked at again."""
        found = await self._receipts(statements)
        again = await self.record.statements(derivation.stream.stream_id) if found else []
        if not again or not self._is_fresh(derivation, again):
            return found
        await self.record.pause(FOLLOWED_S)
        return await self._receipts(await self.record.statements(derivation.stream.stream_id))

    def _is_fresh(self, derivation: Derivation, statements: list[Statement]) -> bool:
        """Whether the last of them was settled so lately that accounts may not have followed."""
        epoch = statements[-1].epoch
        return self.now_s < derivation.settings(epoch).calendar.settled_s(epoch) + FRESH_S

    async def _receipts(self, statements: list[Statement]) -> list[str]:
        """Those of every node that the stream ever paid, with all other streams that they name."""
        nodes = sorted({row.node_id for one in statements for row in one.rows})
        receipts = [(name, await self.record.receipt(name)) for name in nodes]
        names = {name for _, told in receipts if told for name in told.stream_ids}
        of_others = names - {one.stream_id for one in statements}
        known = [one for name in sorted(of_others) for one in await self.record.statements(name)]
        try:
            books = Books.of([*statements, *known])
        except ValueError as error:  # of the rules: no accounts can follow these statements
            return [f"accounts cannot follow its statements: {error}"]
        found: list[str] = []
        for node_id, receipt in receipts:
            if receipt is not None:
                found += receipt.findings(books)
            elif any(row.earned_micros for row in books.rows[node_id].values()):
                found.append(f"{node_id} was paid, and has no receipt")
        return found

    def _days_of(self, derivation: Derivation, statements: list[Statement]) -> list[date]:
        if not statements:
            return []
        oldest_s = max(derivation.stream.created_s, self.now_s - EVIDENCE_DAYS * DAY_S)
        first, last = day_of(int(oldest_s), 1), day_of(statements[-1].ends_s - 1, 1)
        return [first + timedelta(days=each) for each in range((last - first).days + 1)]
