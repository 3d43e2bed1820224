"""One stream of a simulated sponsor: what is published, until when, and what tokens are left."""

from collections.abc import Sequence
from dataclasses import dataclass

from bench.simulations.adversary.bank import CALENDAR, MINUTE_MICROS, Bank
from bench.simulations.adversary.chance import START, chance
from bench.simulations.adversary.deeds import Deed
from bench.simulations.adversary.machines import Key
from bench.simulations.adversary.policies import NEVER, Policy, Sight
from bench.simulations.adversary.simulated_network import Network
from coordinator.ledger.balances import lasts_seconds
from coordinator.ledger.entries import EntryKind
from coordinator.streams import Stream, StreamStatus, stream_status

CLOSES = frozenset({Deed.CLOSE, Deed.CLOSE_AND_PAUSE})
PAUSES = frozenset({Deed.PAUSE, Deed.CLOSE_AND_PAUSE})


@dataclass
class SponsoredStream:
    """One stream of a sponsor, minute by minute."""

    stream: Stream
    policy: Policy
    number: int
    """Which of its sponsor's streams."""
    closes_by: int
    """In this minute it asks to close, if it has not before."""
    top_up_minutes: int
    """What it adds, if it adds tokens."""
    asked: int | None = None
    """In which minute it asked to close."""

    def acts(self, network: Network, keys: Sequence[Key]) -> None:
        """A minute's deed, as the policy has it."""
        minute, stream_id = network.minute, self.stream.stream_id
        deed = self.policy.deed(lambda sight: self._sees(sight, minute, network.bank, keys))
        if self.asked is None and (deed in CLOSES or minute >= self.closes_by):
            self._closes(network.bank, minute)
        if deed is Deed.TOP_UP and not self.has_ended(minute):
            self._tops_up(network.bank, minute)
        network.idle.discard(stream_id)
        network.unverifiable.discard(stream_id)
        if deed in PAUSES or self.has_ended(minute):
            network.idle.add(stream_id)
        elif deed is Deed.UNVERIFIABLE:
            network.unverifiable.add(stream_id)

    def has_ended(self, minute: int) -> bool:
        """Whether its end has come."""
        return self.stream.ends_s is not None and (START + minute) * 60 >= self.stream.ends_s

    def pays(self, network: Network) -> bool:
        """Whether a node is told nothing else."""
        balance, now_s = network.bank.balances[self.stream.stream_id], self._now_s(network.minute)
        status = stream_status(self.stream, balance.spendable_micros(now_s), now_s)
        return status is StreamStatus.ACTIVE and not self.is_unverified(network)

    def is_unverified(self, network: Network) -> bool:
        """Whether a node is told that nobody can be verified."""
        now_s = self._now_s(network.minute)
        return network.last_run.unverified_since(self.stream.stream_id, now_s) is not None

    def _closes(self, bank: Bank, minute: int) -> None:
        self.asked = minute
        ends_s = float(CALENDAR.ends_s((START + minute) * 60.0 + 30))
        at = bank.streams.index(self.stream)
        self.stream = bank.streams[at] = self.stream.model_copy(update={"ends_s": ends_s})

    def _tops_up(self, bank: Bank, minute: int) -> None:
        name, micros = self.stream.stream_id, self.top_up_minutes * MINUTE_MICROS
        at_s = (START + minute) * 60.0
        bank.balances[name], _ = bank.balances[name].deposited(EntryKind.TOP_UP, micros, at_s, "")

    def _now_s(self, minute: int) -> float:
        return (START + minute) * 60.0

    def _lasts_s(self, bank: Bank, minute: int, keys: Sequence[Key]) -> int | None:
        earning = sum(key.stream_id == self.stream.stream_id and key.passes > 0 for key in keys)
        balance, now_s = bank.balances[self.stream.stream_id], (START + minute) * 60.0
        return lasts_seconds(balance, self.stream, earning, now_s, CALENDAR)

    def _sees(self, sight: Sight, minute: int, bank: Bank, keys: Sequence[Key]) -> int:
        """All of it is public, or the sponsor's own."""
        if sight is Sight.LASTS:
            lasts = self._lasts_s(bank, minute, keys)
            return NEVER if lasts is None else lasts // 60
        if sight in {Sight.WAITING, Sight.MOST_WAITING}:
            waiting = self._waiting(minute, keys)
            return max(waiting) if sight is Sight.MOST_WAITING else sum(waiting) // len(waiting)
        of_time = {
            Sight.OPEN: minute,
            Sight.MINUTE: minute % 60,
            Sight.CYCLE: minute % self.policy.period,
            Sight.TURN: minute // self.policy.period % 2 != self.number,
            Sight.COIN: int(100 * chance(self.stream.stream_id, minute, 0)),
            Sight.ASKED: NEVER if self.asked is None else minute - self.asked,
        }
        return of_time[sight]

    def _waiting(self, minute: int, keys: Sequence[Key]) -> list[int]:
        """Of each of its nodes; of none if there are none."""
        return [
            minute - max(key.checked, key.since)
            for key in keys
            if key.since is not None and key.stream_id == self.stream.stream_id
        ] or [0]
