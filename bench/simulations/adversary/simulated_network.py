"""The simulated network: rosters, polls, sweeps, draws, trust and settling are the real ones.

A minute is a sweep and a draw at once, as on a network with the published settings. Ghosts are
honest nodes of another stream: measured in every sweep, never drawn, not paid. Without them a
network of nothing but adversaries would look as if it were not measured at all.
"""

from collections import Counter, deque
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from bench.simulations.adversary.bank import Bank
from bench.simulations.adversary.chance import START
from bench.simulations.adversary.connections import Checking
from bench.simulations.adversary.deeds import MOVES, NEW_KEYS, UP, WAITING, Deed
from bench.simulations.adversary.machines import SIGHTS, Key, SimulatedMachine
from coordinator.checking.checks import Check, IngestState, Run, Verdict
from coordinator.checking.last_run import LastRun
from coordinator.checking.lottery import Lottery, day_of, day_secret
from coordinator.checking.trust_book import TrustBook
from coordinator.reasons import Reason
from coordinator.sweeping.compaction import succeeding, wants_compaction
from coordinator.sweeping.polls import Outcome, Poll, outcome_of
from coordinator.sweeping.rosters import Announcement, Roster, Slot, by_node
from coordinator.sweeping.shards import WHOLE
from coordinator.sweeping.sweeps import Sweep
from prober.draws import candidates, due_in

CHECKS_PER_HOUR = 4
GHOSTS_MIN = 40
KEPT_MINUTES = 60
"""How long a slot stays on the roster when its node has left: longer than an epoch is open."""
LOOKS_EVERY = 10
"""Minutes after which it is looked for slots that may go: to look in each costs a tenth of all."""
LOTTERY_KEY = "the key of a simulation, and of nothing else"
_GHOST = Poll(Outcome.UP, Reason.OK, 1, 1)


@dataclass
class Network:
    """A world with some machines in it."""

    machines: Sequence[SimulatedMachine]
    bank: Bank
    seed: int
    minute: int = 0
    roster: Roster = field(init=False)
    books: dict[str, deque[TrustBook]] = field(default_factory=dict)
    """By whom they are of (`SimulatedMachine.seen_with`), after the last runs; a run knows what the
    one before the last recorded."""
    keys: dict[str, Key] = field(default_factory=dict)
    idle: set[str] = field(default_factory=set)
    """Streams that nobody publishes in this minute."""
    unverifiable: set[str] = field(default_factory=set)
    """Streams whose own captures at the ingest do not pass, because of what is published. A failed
    connection is `unknown` then as well (`coordinator.proof.second_opinion.settled`)."""
    last_run: LastRun = field(default_factory=LastRun)
    _lottery: Lottery | None = None
    _ghosts: dict[int, Poll] = field(init=False)
    _polls: dict[int, Poll] = field(default_factory=dict)
    _checking: list[Checking] = field(default_factory=list)

    def __post_init__(self) -> None:
        ghosts = max(GHOSTS_MIN, 2 * sum(machine.policy.keys for machine in self.machines))
        self.roster = Roster(WHOLE, START, 0.0, tuple(_ghost(n) for n in range(ghosts)))
        self._ghosts = dict.fromkeys(range(ghosts), _GHOST)
        for machine in self.machines:
            self.books[machine.seen_with] = deque([TrustBook()] * 3, maxlen=3)

    def runs(self, minutes: int) -> None:
        """So many minutes pass."""
        for _ in range(minutes):
            self._passes()

    def _passes(self) -> None:
        tick = START + self.minute
        announced = self._acts()
        self._takes_in(announced, tick)
        sweep = self._swept(tick)
        self._draws(sweep, tick)
        self._records(tick)
        for machine in self.machines:
            machine.counts()
        self.minute += 1
        self.bank.settles_until(self.minute, self.roster)

    def _acts(self) -> list[Announcement]:
        announced: list[Announcement] = []
        for machine in self.machines:
            if self.minute < machine.comes_at:
                continue
            for key in tuple(machine.keys):
                self._does(machine, key, announced)
        return announced

    def _does(self, machine: SimulatedMachine, key: Key, announced: list[Announcement]) -> None:
        minute, policy = self.minute, machine.policy
        deed = policy.deed(lambda sight: SIGHTS[sight](key, minute, machine))
        if key.is_leaving(minute):
            deed = Deed.LEAVE
        renews = deed in NEW_KEYS and machine.may_renew(key, minute)
        if deed is Deed.LEAVE or renews:
            if key.since is not None:
                announced.append(self._said(key, is_leaving=True))
                key.goes(minute)
            if deed is Deed.LEAVE:
                key.does(deed)
                return
            key = machine.renewed(key, minute)
        if deed in MOVES:
            key.stream_id = next(name for name in machine.streams if name != key.stream_id)
        if key.since is None or deed in MOVES:
            key.comes(minute)
            self.keys[key.node_id] = key
            announced.append(self._said(key, is_leaving=False))
        key.does(deed)

    def _said(self, key: Key, *, is_leaving: bool) -> Announcement:
        changed_s = (START + self.minute) * 60.0 - (2 if is_leaving else 1)
        url = f"http://{key.address}/"
        return Announcement(
            key.node_id,
            key.stream_id,
            url,
            key.address,
            1935,
            is_leaving,
            changed_s,
            first_tick=START + key.first,
        )

    def _takes_in(self, announced: list[Announcement], tick: int) -> None:
        """As the collector does before its polls."""
        if not tick % LOOKS_EVERY and wants_compaction(self.roster, tick - KEPT_MINUTES):
            self._compacts(tick)
        polls = Sweep(WHOLE, tick, 0, self._polls).lost()
        lost = [at for at in polls if self.roster.slots[at].left_tick is None]
        for at in lost:
            key = self.keys[self.roster.slots[at].node_id]
            key.goes(self.minute)
        if lost or announced:
            self.roster = self.roster.without(lost, tick).taking_in(announced, tick)

    def _compacts(self, tick: int) -> None:
        old = self.roster
        new = succeeding([old], WHOLE, tick, kept_since_tick=tick - KEPT_MINUTES)
        rows = by_node(self._polls, old)
        names = {(slot.node_id, slot.stream_id): at for at, slot in enumerate(new.slots)}
        self._polls = {names[name]: poll for name, poll in rows.items() if name in names}
        self.bank.closes_roster(replace(old, until_tick=tick))
        self.roster = new

    def _swept(self, tick: int) -> Sweep:
        before, polls = self._polls, dict(self._ghosts)
        for at, slot in enumerate(self.roster.slots):
            if at in self._ghosts or not slot.is_polled_at(tick):
                continue
            key = self.keys[slot.node_id]
            is_idle = slot.stream_id in self.idle
            answer = WAITING if is_idle and key.answer is UP else key.answer
            polls[at] = outcome_of(
                slot, answer, before.get(at), stream_is_live=not is_idle, tick=tick
            )
            if polls[at].outcome is Outcome.UP:
                key.was_up = self.minute
        self._polls = polls
        sweep = Sweep(WHOLE, tick, self.roster.version, polls)
        self.bank.sweeps.append(sweep.bits())
        return sweep

    def _draws(self, sweep: Sweep, tick: int) -> None:
        if self._lottery is None or not self.minute % 1440:
            secret = day_secret(f"{LOTTERY_KEY} {self.seed}", day_of(tick, 60))
            self._lottery = Lottery(secret, 60, CHECKS_PER_HOUR)
        drawn: dict[str, list[Slot]] = {}
        for slot in candidates([sweep], {WHOLE: self.roster}):
            if slot.stream_id != GHOST_STREAM:
                drawn.setdefault(self.keys[slot.node_id].seen_with, []).append(slot)
        for name, slots in drawn.items():
            begun = [
                Checking(due, tick, self.keys[due.slot.node_id])
                for due in due_in(tick, slots, self.books[name][-2], self._lottery, 60)
            ]
            times = Counter((one.key.address, one.due.due_s) for one in begun)
            for one in begun:
                one.is_twin = times[one.key.address, one.due.due_s] > 1
            self._checking += begun

    def _records(self, tick: int) -> None:
        made: dict[str, list[Check]] = {}
        for each in self._checking:
            each.goes_on_until((tick + 1) * 60.0)
            if each.check is not None:
                made.setdefault(each.key.seen_with, []).append(self._as_far_as_known(each.check))
        self._checking = [each for each in self._checking if each.check is None]
        recorded: list[Check] = []
        for name, books in self.books.items():
            book = books[-1]
            if name in made:
                book, marked = book.observing(made[name])
                for check in marked:
                    trust = book.of(check.node_id).trust
                    self.keys[check.node_id].learns(check, self.minute, trust)
                recorded.extend(marked)
            books.append(book)
        self._keeps(recorded, tick)

    def _as_far_as_known(self, check: Check) -> Check:
        """What is not published, or does not pass at the ingest itself, decides nothing."""
        if check.stream_id in self.idle | self.unverifiable:
            reason = Reason.UNKNOWN_REFERENCE
            return replace(check, verdict=Verdict.UNKNOWN, reason=reason)
        return check

    def _keeps(self, checks: Sequence[Check], tick: int) -> None:
        """One record for each draw, as runs and their late parts are."""
        draws = {check.draw for check in checks} | ({tick} if self.idle else set())
        for draw in sorted(draws):
            of_draw = tuple(check for check in checks if check.draw == draw)
            streams = {check.stream_id: IngestState.LIVE for check in of_draw}
            if draw == tick:
                streams |= dict.fromkeys(self.idle, IngestState.DOWN)
            ended_s = (tick + 1) * 60.0 + 15
            run = Run(draw, draw * 60.0, ended_s, (), streams, of_draw, is_late=draw != tick)
            self.bank.recorded.append(run)
            self.last_run = self.last_run.after(run)


GHOST_STREAM = "ghosts"


def _ghost(number: int) -> Slot:
    return Slot(f"!{number}", GHOST_STREAM, "http://ghost/", "ghost", 1935, START - 1, 0.0)
