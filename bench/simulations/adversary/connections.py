"""Simulated media: what the prober's connections to a node come to, minute by minute.

The order of a check's connections, and what decides it, are the prober's own (`prober.checker`);
only what comes through a connection is made up here.
"""

from dataclasses import replace
from typing import Any

from bench.simulations.adversary.chance import START, chance
from bench.simulations.adversary.deeds import Serving
from bench.simulations.adversary.machines import Key
from coordinator.checking.checks import Check, Verdict
from coordinator.checking.departures import explained
from coordinator.checking.lengths import Length
from coordinator.proof.judging import Proof, ProofParameters
from coordinator.reasons import Reason
from prober.checker import NOTHING_SERVED, decide, retest_after_s
from prober.draws import Due

FAILS = 0.03
"""Of connections to a node that serves; likewise of retests."""
USUAL_S = 5.0
"""What a short check lasts."""
GOODBYE_BEFORE_S = 2.0
"""A node that is not there in a minute, or is on another stream, said so just before."""
HANGS_UP_S = 0.05
"""Who says goodbye in a connection does so just before it ends."""
PARAMETERS = ProofParameters()
PASSED = Proof(Verdict.PASS, Reason.PASSED)
_FAILED = {
    reason: Proof(Verdict.FAIL, reason)
    for reason in (Reason.NO_STREAM, Reason.STALLED, Reason.TOO_SLOW, Reason.REPLAYED)
}


class Checking:
    """One check under way, its retest included."""

    def __init__(self, due: Due, draw: int, key: Key) -> None:
        self.due, self.draw, self.key = due, draw, key
        self.is_twin = False
        """Whether another node at the address is checked from the same second on."""
        self.check: Check | None = None
        """Once it is over."""
        self._starts_s = due.due_s
        self._seconds = max(USUAL_S, due.length.at_least_s)
        self._met: Serving | None = None
        """What the connection that is open met at its beginning."""
        self._proofs: list[Proof] = []
        self._attempts: list[dict[str, Any]] = []

    def goes_on_until(self, ends_s: float) -> None:
        """Everything that happens before the end of this minute, in which the key serves as it
        does now."""
        while self.check is None:
            if self._met is None:
                if self._starts_s >= ends_s:
                    return
                self._connects()
            elif self._served is None:
                stopped_s = max(self._starts_s, ends_s - 60)  # as this minute began
                self._ends(_FAILED[Reason.STALLED], stopped_s)
            elif (over_s := self._over_s(self._met)) >= ends_s:
                return
            else:
                self._ends(_judged(self._met, self._seconds), over_s)

    def _over_s(self, met: Serving) -> float:
        """When the connection that is open ends, by itself or cut: a retest may come then."""
        return self._starts_s + min(self._seconds, met.cuts_after_s)

    @property
    def _served(self) -> Serving | None:
        """A node that has moved relays the other stream."""
        return self.key.serving if self.key.stream_id == self.due.slot.stream_id else None

    @property
    def _left_s(self) -> float | None:
        """When the node said goodbye to the stream, or took another one; None if it is there."""
        key = self.key
        if key.goodbye_s is not None:
            return key.goodbye_s
        if key.since is None:
            return (START + key.left) * 60.0 - GOODBYE_BEFORE_S
        has_moved = key.stream_id != self.due.slot.stream_id
        return (START + key.since) * 60.0 - GOODBYE_BEFORE_S if has_moved else None

    def _connects(self) -> None:
        key, number = self.key, len(self._proofs)
        met, since_s = self._served, self._starts_s - key.connected_s
        key.connected_s = self._starts_s
        roll = chance(key.node_id, self.draw, 2 + number)
        answers = met is not None and roll >= FAILS and (roll - FAILS) / (1 - FAILS) < met.accepts
        if met is None or not answers or met.refuses(since_s, is_twin=self.is_twin):
            self._ends(_FAILED[Reason.NO_STREAM], self._starts_s)
        else:
            self._met = met.met(self._seconds, chance(key.node_id, self.draw, 12 + number))

    def _ends(self, proof: Proof, at_s: float) -> None:
        if self._met is not None and self.due.length is Length.VERY_LONG:
            proof = replace(proof, lasted_s=at_s - self._starts_s)
        if proof.verdict is Verdict.FAIL and self._met is not None and self._met.says_goodbye:
            self.key.goodbye_s = at_s - HANGS_UP_S
        self._proofs.append(proof)
        self._met = None
        begun_s = self._starts_s
        numbers = {"started_s": begun_s, "seconds": max(0.0, at_s - begun_s)}
        address = {"address": self.key.address}
        self._attempts.append({**numbers, **address, "verdict": proof.verdict.value})
        left_s = self._left_s
        is_gone = left_s is not None and proof.reason in NOTHING_SERVED
        if proof.verdict is Verdict.FAIL and len(self._proofs) == 1 and not is_gone:
            self.key.refused = int(at_s // 60)
            later_s = retest_after_s(self.due, proof)
            self._starts_s = max(at_s, self._starts_s) + later_s
            return
        verdict, reason = decide(self._proofs)
        due = self.due
        check = Check(
            due.slot.node_id,
            due.slot.stream_id,
            self.draw,
            due.due_s,
            verdict,
            reason,
            due.caused_by_s,
            attempts=tuple(self._attempts),
            length=due.length,
            is_watched=due.is_watched,
        )
        self.check = check if left_s is None else explained(check, left_s)


def _judged(met: Serving, seconds: float) -> Proof:
    """Of a connection that was kept open."""
    if not met.is_live:
        return _FAILED[Reason.REPLAYED]
    if met.cuts_after_s < seconds:
        return _FAILED[Reason.STALLED]
    is_thin = met.packets < PARAMETERS.share_min and met.thins_after_s < seconds
    return _FAILED[Reason.TOO_SLOW] if is_thin else PASSED
