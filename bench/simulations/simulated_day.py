"""A network whose functions are real and whose outside is not: the clock, the relays, the media.

The four functions' own handlers run over one store in memory that counts what Firestore would
bill. Time jumps from minute to minute. Polls are answered without a socket, checks pass without
media; everything that reads or writes a document is what runs in the cloud. All that is not real
stands in this one module, so that a reader sees how much it is.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field

from api.http.node_signature import SentNode
from api.services.announcements import Announcements
from api.services.snapshots import Snapshots
from api.wire.nodes import HeartbeatIn, HeartbeatOut
from collector.sweeper import Sweeper
from coordinator.adapters.log import Log
from coordinator.adapters.media.rtmp_reference import Reference, ReferencePool
from coordinator.adapters.outbound.guard import Guard
from coordinator.adapters.outbound.http_client import HttpClient
from coordinator.adapters.outbound.poll_client import PollClient
from coordinator.adapters.outbound.replies import Failed, Fetched
from coordinator.adapters.records import Measurements
from coordinator.adapters.records.ledger import Ledger
from coordinator.adapters.records.projection_documents import ProjectionWriter
from coordinator.checking.checks import Check, Verdict
from coordinator.checking.lottery import day_of
from coordinator.epochs import Calendar
from coordinator.keys import node_id_of
from coordinator.ledger.balances import opening_balance
from coordinator.proof.judging import ProofParameters
from coordinator.reasons import Reason
from coordinator.strangers.addresses import HttpAddress
from coordinator.streams import Stream
from payout.projector import Projector
from payout.settler import Settler
from prober.capacity import Capacity
from prober.captor import captor_of
from prober.checker import Checker
from prober.draws import Due
from prober.ingest_checks import IngestChecks
from prober.pictures import Pictures
from prober.prober import Prober
from prober.sealer import Sealer
from rtmp.addresses import RtmpAddress
from tests.doubles.counting import CountingStore
from tests.doubles.memory import MemoryStore

START_S = 1_795_305_600.0
"""A whole UTC hour."""
INGEST_URL = "rtmp://ingest.example.org/live"
LOG = Log("bench", "ERROR")
STREAMS = 3
CHECKS_PER_HOUR = 4
PAYOUT_EVERY_MINUTES = 10
"""As in terraform/jobs.json, from the fourth minute of the hour on."""


class Relays(PollClient):
    """Every relay of the world, answering at once; bytes move from poll to poll."""

    def __init__(self) -> None:
        super().__init__(Guard(allow_private=True))
        self._sent = 0

    async def get(
        self,
        address: HttpAddress,
        known: Reason | None = None,
        judge: Callable[[str], None] | None = None,
        *,
        at: str | None = None,
    ) -> Fetched | Failed:
        self._sent += 1
        _, node_id, stream_id = address.path.split("/")
        body = (
            f'{{"schema":"restream-node/1","node_id":"{node_id}","relay":{{"state":"running"}},'
            f'"stream":{{"id":"{stream_id}","state":"live","viewers":2,"bytes_in":{self._sent},'
            '"bytes_out":7}}'
        )
        return Fetched(body.encode(), address.host)


class NoIngestChecks(IngestChecks):
    """There is no ingest, and nothing that would have to be held against it."""

    def begin(self, due: Iterable[Due], references: Mapping[str, Reference]) -> None:
        pass


class PassingChecker(Checker):
    """Every check passes, at its drawn second."""

    def ingest_checks(self) -> IngestChecks:
        return NoIngestChecks(
            self.captor, self.paces, self.parameters, self.clock, self.sleep, self.log
        )

    async def check(self, due: Due, draw: int, reference: Reference, ingest: IngestChecks) -> Check:
        slot = due.slot
        return Check(slot.node_id, slot.stream_id, draw, due.due_s, Verdict.PASS, Reason.PASSED)


async def no_sleep(_: float) -> None:
    """Time jumps by itself."""


async def a_picture(_: RtmpAddress) -> bytes:
    """As large as the demo's."""
    return b"\xff\xd8\xff" + bytes(9_000) + b"\xff\xd9"


class LiveReference(Reference):
    """A stream that is always published."""

    def is_live(self, now_s: float) -> bool:
        return True


class LivePool(ReferencePool):
    """References that connect to nothing."""

    def acquire(self, address: RtmpAddress) -> Reference:
        return LiveReference(address, now=lambda: 0.0)

    def release(self, address: RtmpAddress) -> None:
        return


@dataclass
class Beating:
    """One node's agent."""

    node_id: str
    stream_id: str
    address: str
    repeats: bool = False


@dataclass
class World:
    """The network. `node_count` nodes over `shards` shards, and whoever looks at it."""

    node_count: int
    shards: int
    now_s: float = START_S
    measured: CountingStore = field(default_factory=lambda: CountingStore(MemoryStore()))
    money: CountingStore = field(default_factory=lambda: CountingStore(MemoryStore()))

    def __post_init__(self) -> None:
        self.calendar = Calendar()
        self.ledger = Ledger(self.money)
        self.snapshots = Snapshots(
            self._measurements(),
            Ledger(self.money),
            self.calendar.sweep_seconds,
            self._clock,
            seconds_max=5.0,
        )
        self.announcements = Announcements(
            self._measurements(), self.snapshots, self._clock, INGEST_URL, True, 30, self.calendar
        )
        self.sweeper = Sweeper(
            self._measurements(), Relays(), self.calendar, self._clock, LOG, self.shards
        )
        self.prober = self._prober()
        self.settler = self._settler()
        self.nodes = [self._node(number) for number in range(self.node_count)]

    def _clock(self) -> float:
        return self.now_s

    def _measurements(self) -> Measurements:
        """Each function's own, as if it were a process of its own."""
        return Measurements(self.measured, self.shards)

    def _prober(self) -> Prober:
        checker = PassingChecker(
            captor_of(self._clock),
            HttpClient(Guard(allow_private=True)),
            ProofParameters(),
            self._clock,
            no_sleep,
            LOG,
            Capacity(1e6),
        )
        return Prober(
            self._measurements(),
            LivePool(now=self._clock),
            checker,
            Sealer(self._measurements(), "k" * 32, self.calendar.check_seconds, CHECKS_PER_HOUR),
            self.calendar,
            INGEST_URL,
            Pictures(self._measurements(), a_picture, self._clock, LOG),
            self._clock,
            no_sleep,
            LOG,
        )

    def _settler(self) -> Settler:
        writer = ProjectionWriter(self.measured)
        projector = Projector(self._measurements(), Ledger(self.money), writer, LOG)
        return Settler(
            self._measurements(),
            Ledger(self.money),
            self.calendar,
            24,
            self._clock,
            LOG,
            projector=projector,
        )

    def _node(self, number: int) -> Beating:
        address = f"127.{number >> 16 & 255}.{number >> 8 & 255}.{number & 255}"
        return Beating(node_id_of(number.to_bytes(32)), f"stream{number % STREAMS}", address)

    async def open(self) -> None:
        """Streams with deposits, and every node's first heartbeat."""
        for number in range(STREAMS):
            stream = stream_of(f"stream{number}", self.now_s)
            await Measurements(self.measured).create_stream(stream)
            await self.ledger.open(opening_balance(stream, 10**15, self.calendar), self.now_s)
        for node in self.nodes:
            await self.beat(node)
        self.now_s = START_S - 86_400  # the network is not new: its lottery ran yesterday too
        await self.prober.sealer.lottery(self.now_s, day_of(int(self.now_s // 60), 60))
        self.now_s = START_S

    async def beat(self, node: Beating, state: str = "running") -> HeartbeatOut:
        """One heartbeat; it says so if it repeats the one before."""
        url = f"http://{node.address}:8080/{node.node_id}/{node.stream_id}"
        beat = HeartbeatIn.model_validate(
            {
                "stream_id": node.stream_id,
                "stats_url": url,
                "rtmp_port": 1935,
                "state": state,
                "repeats": node.repeats,
            }
        )
        answer = await self.announcements.take(
            SentNode(node.node_id, int(self.now_s)), beat, node.address
        )
        node.repeats = state == "running"
        return answer

    async def restart(self, node: Beating) -> None:
        """A clean goodbye, and a new process."""
        await self.beat(node, "leaving")
        self.now_s += 7
        await self.beat(node)

    async def minute(self, beating: list[Beating], restarting: list[Beating]) -> None:
        """One tick: sweep, heartbeats twice, restarts, one prober run, payouts when due."""
        start_s = self.now_s
        for shard in range(self.shards):
            await self.sweeper.sweep(shard)
        await self.prober.run()
        for offset_s in (25.0, 55.0):
            self.now_s = start_s + offset_s
            for node in beating:
                await self.beat(node)
        self.now_s = start_s + 30
        for node in restarting:
            await self.restart(node)
        if int(start_s // 60) % PAYOUT_EVERY_MINUTES == 4:
            await self.settler.settle_due()
        self.now_s = start_s + 60

    def operations(self) -> tuple[int, int]:
        """(reads, writes) billed so far, in both databases."""
        measured, money = self.measured.operations, self.money.operations
        return measured.reads + money.reads, measured.writes + money.writes


def stream_of(stream_id: str, now_s: float) -> Stream:
    """A stream that pays everyone."""
    return Stream.model_validate(
        {
            "stream_id": stream_id,
            "name": stream_id,
            "sponsor": "ada",
            "reward_micros_per_hour": 1_500_000,
            "max_paid_nodes": 10_000,
            "created_s": now_s,
            "key_hash": "0" * 64,
            "request_hash": "0" * 64,
        }
    )
