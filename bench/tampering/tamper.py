"""`make tamper`: every way to falsify a record that we know, done to a real one, before the audits.

A small network is recorded by the real handlers. Each way changes a copy of it; `make audit` looks
at the statement that it concerns, and `make verify` at the stream's whole life.
"""

import asyncio
import sys
from collections.abc import Sequence
from dataclasses import dataclass

from bench.report import Figure, NotMeasurableError, hand_in
from bench.tampering import (
    forged_checks,
    forged_draws,
    forged_late_checks,
    forged_money,
    forged_statements,
    forged_sweeps,
    forged_trust,
)
from bench.tampering.catalogue import TAMPERINGS, Tampering
from bench.tampering.forgery import Forgery
from bench.tampering.recording import Recording
from emulator.unread import quiet_when_unread

MODULES = (
    forged_statements,
    forged_money,
    forged_checks,
    forged_late_checks,
    forged_draws,
    forged_trust,
    forged_sweeps,
)
"""Each enters its own ways."""
SHOWN_CHARS = 76


@dataclass(frozen=True, slots=True)
class Tried:
    """What came of one way."""

    tampering: Tampering
    audit: str
    """What `make audit` says; empty if it is equal."""
    verify: str
    """The first finding of `make verify`; empty without any."""

    @property
    def is_caught(self) -> bool:
        """Whether anybody finds it."""
        return bool(self.audit or self.verify)


async def recorded() -> Recording:
    """The network, in which nobody has found anything yet."""
    recording = Recording()
    await recording.live()
    for stream_id in recording.stream_ids:
        forgery = Forgery.of(recording)
        forgery.stream_id = stream_id
        if any(found := await forgery.found()):
            raise NotMeasurableError(f"the honest record does not agree: {found}")
    return recording


async def tried_all(recording: Recording, ways: Sequence[Tampering]) -> list[Tried]:
    """Each way done to a copy of its own."""
    found = []
    for way in ways:
        forgery = Forgery.of(recording)
        await way.do(forgery)
        found.append(Tried(way, *await forgery.found()))
    return found


def report(outcomes: Sequence[Tried]) -> list[Figure]:
    """The table, and its figures."""
    print(f"{'of':<14} {'audit':<5}  {'verify':<6}  {'what is falsified, and what says so'}")
    for one in outcomes:
        words = [("found" if said else "-") for said in (one.audit, one.verify)]
        print(f"{one.tampering.of:<14} {words[0]:<5}  {words[1]:<6}  {one.tampering.name}")
        said = one.audit or one.verify or f"NOT FOUND: {one.tampering.escapes or 'a fault!'}"
        print(f"{'':<30} {said[:SHOWN_CHARS]}")
    caught = sum(one.is_caught for one in outcomes)
    unnamed = sum(not one.is_caught and not one.tampering.escapes for one in outcomes)
    return [
        Figure("ways to falsify the record", len(outcomes), "", ">= 30"),
        Figure("caught", caught, "", ">= 25"),
        Figure("  by make audit", sum(bool(one.audit) for one in outcomes), ""),
        Figure("  by make verify", sum(bool(one.verify) for one in outcomes), ""),
        Figure("escape before the log exists, each with its reason", len(outcomes) - caught, ""),
        Figure("escape without a reason", unnamed, "", "<= 0"),
    ]


async def measured() -> list[Figure]:
    """All of them."""
    return report(await tried_all(await recorded(), TAMPERINGS))


def main() -> int:
    """Prints the table and writes build/tamper.json."""
    hand_in("tamper", asyncio.run(measured()))
    return 0


if __name__ == "__main__":
    sys.exit(quiet_when_unread(main))
