"""One /48 against the network: all that it may order, and what that causes at a target.

What counts, who is polled and who is checked is decided by the real parts: ten instances of the api
on one store, a collector and a prober. Only sockets and names are simulated. The target answers
nobody. The worst is assumed of the rest: each of the network's names is resolved as suits it, each
node is drawn for a check every minute, and its checks pass wherever that costs the target more.

Longer than other modules: a reader sees here how much of it is not real.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from random import Random

from api.http.problems import Problem
from api.services.announced_bounds import AnnouncedBounds
from api.services.dial_back import DialBack, DialTarget, PortResult
from bench.hostile_api.orders import (
    HOUSEHOLDS,
    NEIGHBOUR,
    NETWORK,
    TARGETS,
    VICTIM,
    Caused,
    Doing,
    Order,
    Where,
)
from collector.asked_addresses import AskedAddresses, AskedNow, in_order
from collector.sweeper import announced
from coordinator.adapters.outbound.guard import Guard
from coordinator.adapters.outbound.replies import LIMITS, OutboundLimits
from coordinator.adapters.records import Measurements
from coordinator.epochs import Calendar
from coordinator.reasons import Reason
from coordinator.strangers.addresses import AddressRefused, is_ip
from coordinator.strangers.relay_stats import Media, RelayStats
from coordinator.strangers.source_bounds import API_INSTANCES
from coordinator.sweeping.compaction import succeeding, wants_compaction
from coordinator.sweeping.nodes import Node
from coordinator.sweeping.polls import Poll, outcome_of
from coordinator.sweeping.rosters import Announcement, Roster, Slot
from coordinator.sweeping.shards import WHOLE
from coordinator.sweeping.sweeps import Sweep
from prober.checked_targets import BEGINS_S, CheckedTargets
from tests.doubles.memory import MemoryStore

CALENDAR = Calendar()
START_S = 1_795_305_600
DAY_TICKS = 1_440


class _Names(Guard):
    """Resolves at once, as the network's name server tells the api: what costs most."""

    def __init__(self, world: "OneNetwork") -> None:
        super().__init__(allow_private=False)
        self._world = world

    async def resolve(self, host: str, limits: OutboundLimits = LIMITS) -> str:
        address = self._world.address_of(host, is_prober=True)
        if not address:
            raise AddressRefused(Reason.NAME_UNRESOLVED, host)
        return address


class _DialBack(DialBack):
    """Counts what it would send."""

    def __init__(self, world: "OneNetwork") -> None:
        super().__init__(_Names(world), lambda: world.now_s, world.records)
        self._world = world

    async def _ask_stats(self, target: DialTarget, address: str) -> Reason:
        self._world.sends(address)
        return Reason.CONNECT_FAILED if address in TARGETS else Reason.OK

    async def _tried(self, address: str, port: int) -> PortResult:
        self._world.sends(address)
        return PortResult(True, "")


class OneNetwork:
    """Against all others: the parts that it meets, and honest nodes."""

    def __init__(self, honest: int = 0, known: int = 0, seed: int = 7) -> None:
        """`known`: keys of the network that it brought on earlier days, and that are away."""
        self.now_s = float(START_S)
        self.records = Measurements(MemoryStore())
        self.caused = Caused()
        self._chance = Random(seed)
        self._bounds = [AnnouncedBounds() for _ in range(API_INSTANCES)]
        self._backs = [_DialBack(self) for _ in range(API_INSTANCES)]
        self._nodes: dict[str, Node] = {}
        self._changed: dict[str, Node] = {}
        self._where: dict[str, Where] = {}
        slots = tuple(map(_honest, range(honest)))
        self._honest = {slot.node_id: slot for slot in slots}
        self._roster, self._polls = Roster(WHOLE, 1, 0.0, slots), dict[int, Poll]()
        self._asked = AskedAddresses()
        self._checked = CheckedTargets(lambda: self.now_s)
        for number in range(known):
            name = f"a{number}"
            self._where[name] = Where.HOME
            self._nodes[name] = self._said(name, number, Doing.LEAVES, None)
        self.now_s += BEGINS_S  # later nothing is excused

    def sends(self, address: str) -> None:
        """A request that is no poll."""
        if address in self.caused.requests:
            self.caused.requests[address][int(self.now_s)] += 1

    def address_of(self, host: str, *, is_prober: bool = False) -> str:
        """Where a host leads in this minute; empty for nowhere."""
        if is_ip(host):
            return host
        name = host.partition(".")[0]
        number, where = int(name[1:]), self._where[name]
        home = NETWORK.format(number % HOUSEHOLDS)
        is_odd, target = int(self.now_s) // 60 % 2, TARGETS[number % len(TARGETS)]
        led: Mapping[Where, str] = {
            Where.NAME_HOME: home,
            Where.NAME_VICTIM: VICTIM,
            Where.NAME_NEIGHBOUR: NEIGHBOUR,
            Where.NAME_TURNS: target if is_odd or is_prober else home,
            Where.NAME_PROBER: target if is_prober else home,
        }
        return led.get(where, "")

    async def minute(self, orders: Sequence[Order], restarts: int = 0) -> None:
        """What the network orders, a sweep and its checks."""
        leaving = self._chance.sample(sorted(self._honest), restarts)
        gone = [_announced(self._honest[name], self.now_s, is_leaving=True) for name in leaving]
        for order in orders:
            for number in range(order.first, order.first + order.keys):
                await self._does(order, number)
        self._sweeps(gone)
        self.now_s += 60
        self._sweeps([_announced(self._honest[name], self.now_s) for name in leaving])
        self.now_s += 60
        polled = {slot.node_id for slot in self._roster.slots if slot.left_tick is None}
        self.caused.lost_restarts += len(set(leaving) - polled)
        names = polled - self._honest.keys()
        self.caused.slots_max = max(self.caused.slots_max, len(names))

    async def _does(self, order: Order, number: int) -> None:
        name, at = f"a{number}", self._chance.randrange(API_INSTANCES)
        known = self._nodes.get(name)
        if (known is None) is not (order.act in (Doing.JOINS, Doing.ASKS)):
            return
        if order.act not in (Doing.LEAVES, Doing.TURNS):
            self._where[name] = order.where
        said = self._said(name, number, order.act, known)
        peer = NEIGHBOUR if self._where[name] is Where.NEIGHBOUR else NETWORK.format(number)
        if order.act is not Doing.ASKS:
            try:
                self._bounds[at].require(known, said, peer, self.now_s)
            except Problem:
                return
            self._nodes[name] = self._changed[name] = said
        if said.state == "running":
            port = said.rtmp_port
            await self._backs[at].dial(DialTarget(name, said.stream_id, said.stats_url, port, peer))

    def _said(self, name: str, number: int, act: Doing, known: Node | None) -> Node:
        where = self._where[name]
        home = NETWORK.format(number % HOUSEHOLDS)
        literal = {Where.HOME: home, Where.NEIGHBOUR: NEIGHBOUR, Where.VICTIM: VICTIM}
        host = literal.get(where, f"{name}.example.org")
        url = f"http://[{host}]:8080/s" if ":" in host else f"http://{host}:8080/s"
        stream = known.stream_id if known else "s3"
        if act is Doing.TURNS:
            stream = "s5" if stream == "s3" else "s3"
        return Node(
            node_id=name,
            stream_id=stream,
            stats_url=url,
            rtmp_host=host,
            rtmp_port=1935,
            agent="",
            engine="",
            state="leaving" if act is Doing.LEAVES else "running",
            joined_s=known.joined_s if known else self.now_s,
            changed_s=self.now_s,
            calls_from_there=where in (Where.HOME, Where.NEIGHBOUR),
        )

    def _sweeps(self, honest: list[Announcement]) -> None:
        tick = CALENDAR.tick_at(self.now_s)
        coming = [*announced(self._changed.values(), CALENDAR), *honest]
        self._changed.clear()
        lost = [
            at
            for at in Sweep(WHOLE, tick, 0, self._polls).lost()
            if self._roster.slots[at].left_tick is None
        ]
        roster = self._roster.without(lost, tick)
        if wants_compaction(roster, tick - DAY_TICKS, coming):
            since = tick - DAY_TICKS
            new = succeeding([roster], WHOLE, tick, kept_since_tick=since, coming=coming)
            rows = {roster.slots[at].node_id: poll for at, poll in self._polls.items()}
            self._polls = {
                at: rows[slot.node_id] for at, slot in enumerate(new.slots) if slot.node_id in rows
            }
            roster = new
        self._roster = roster.taking_in(coming, tick, self._asked.networks)
        self._polls = self._polled(tick)

    def _polled(self, tick: int) -> dict[int, Poll]:
        slots = enumerate(self._roster.slots)
        due = [
            (at, slot)
            for at, slot in slots
            if slot.is_polled_at(tick) and slot.node_id not in self._honest
        ]
        due = in_order(due, self._polls, self._chance)
        asked = self._asked.at(tick, (slot for _, slot in due), ())
        polled: Counter[str] = Counter()
        polls = {}
        for at, slot in due:
            answer = self._answer_of(slot, asked, polled)
            polls[at] = outcome_of(
                slot, answer, self._polls.get(at), stream_is_live=True, tick=tick
            )
            if isinstance(answer, RelayStats):
                self._checks(slot)
        most = max(polled[target] for target in TARGETS)
        self.caused.polled_max = max(self.caused.polled_max, most)
        return polls

    def _answer_of(self, slot: Slot, asked: AskedNow, polled: Counter[str]) -> RelayStats | Reason:
        address = self.address_of(slot.rtmp_host)
        if not address:
            return Reason.NAME_UNRESOLVED
        try:
            asked.require(slot, address)
        except AddressRefused as refused:
            return refused.reason
        polled[address] += 1
        if address in TARGETS:
            return Reason.CONNECT_FAILED
        asked.answered(slot.node_id, address)
        return RelayStats(Media.LIVE, 0, int(self.now_s), 0, slot.node_id)

    def _checks(self, slot: Slot) -> None:
        """In the middle of the minute, when a name may lead elsewhere."""
        address = self.address_of(slot.rtmp_host, is_prober=True)
        try:
            self._checked.require(slot, address, has_passed=True)
        except AddressRefused:
            return
        for _ in ("a connection", "after a pass, whose it is"):
            self.sends(address)
        if address not in TARGETS:
            self._checked.confirmed(slot, address)


def _honest(number: int) -> Slot:
    network, host = divmod(number, 200)
    address = f"51.{network // 250}.{network % 250}.{host + 1}"
    return Slot(f"h{number}", "s3", f"http://{address}:8080/s", address, 1935, 5, 1.0)


def _announced(slot: Slot, now_s: float, *, is_leaving: bool = False) -> Announcement:
    place = slot.stats_url, slot.rtmp_host, slot.rtmp_port
    return Announcement(slot.node_id, slot.stream_id, *place, is_leaving, now_s)
