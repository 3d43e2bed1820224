"""The end of a campaign: every statement recomputed, and what honest nodes were told and paid."""

import asyncio
import contextlib
import time
from collections import Counter
from dataclasses import dataclass, field

import httpx

from bench.chaos.struck_network import BYSTANDERS, StruckNetwork
from bench.report import say
from coordinator.checking.checks import TrustChange, Verdict
from coordinator.reasons import Reason
from tools.verify.public import PublicRecord
from tools.verify.stream_audit import Whole

SETTLED_SECONDS_MAX = 240.0
NOBODY_S_FAULT = {Reason.AWAITING_CHECK, Reason.BEFORE_FIRST_PASS, Reason.STREAM_IDLE}
"""Why minutes of nodes that nobody struck may be unpaid: not checked yet, or nobody published."""


@dataclass
class Aftermath:
    """What came of it."""

    statements: int = 0
    findings: list[str] = field(default_factory=list)
    untold: list[str] = field(default_factory=list)
    unpaid: Counter[str] = field(default_factory=Counter)
    """Minutes of bystanders, by reason."""
    paid: int = 0
    due: int = 0
    """Minutes of bystanders."""

    failed: Counter[str] = field(default_factory=Counter)
    """Failed checks of bystanders, by reason."""
    flags: int = 0
    """How often a bystander was flagged."""

    @property
    def unjust(self) -> int:
        """Minutes that bystanders were not paid for although they served."""
        return sum(n for reason, n in self.unpaid.items() if reason not in NOBODY_S_FAULT)


async def until_settled(network: StruckNetwork) -> None:
    """Returns when the epoch that has just begun is settled too, and says if it never is."""
    pace = network.stage.pace
    epoch = int(time.time() // pace.epoch_s)
    until_s = time.monotonic() + SETTLED_SECONDS_MAX
    async with httpx.AsyncClient(base_url=network.stage.api_url, trust_env=False) as client:
        while time.monotonic() < until_s:
            with contextlib.suppress(httpx.HTTPError):
                if await PublicRecord(client).statement(network.stream_id, epoch):
                    return
            await asyncio.sleep(1)
    say(f"epoch {epoch} is not settled after {SETTLED_SECONDS_MAX:g} s")


async def audited(network: StruckNetwork, streams: list[str], since_s: float) -> Aftermath:
    """All of each stream, from public data alone. Raises httpx.HTTPError."""
    books = Aftermath()
    bystanders = {network.node_id(name) for name in BYSTANDERS}
    async with httpx.AsyncClient(base_url=network.stage.api_url, trust_env=False) as client:
        record = PublicRecord(client)
        whole = Whole(record, time.time())
        for stream_id in (network.stream_id, *streams):
            await whole.stream(stream_id)
        books.statements, books.findings, books.untold = whole.told, whole.findings, whole.untold
        for statement in await record.statements(network.stream_id):
            for row in statement.rows:
                if row.node_id in bystanders:
                    books.due += row.minutes_due
                    books.paid += row.minutes_paid
                    books.unpaid.update(dict(row.unpaid))
        check_s = network.stage.pace.check_s
        draws = range(int(since_s // check_s), int(time.time() // check_s) + 1)
        for check in (one for run in await record.runs(draws) for one in run.checks):
            if check.node_id in bystanders:
                books.failed[check.reason] += check.verdict is Verdict.FAIL
                books.flags += check.event is TrustChange.FLAGGED
    return books
