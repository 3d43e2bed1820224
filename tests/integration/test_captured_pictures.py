"""Whose content is proven wrong is pictured as it was served: the picture is the evidence."""

import asyncio
from dataclasses import dataclass, field

import pytest

from coordinator.adapters.log import Log
from coordinator.adapters.media.joint_reader import NOTHING, JointReader
from coordinator.adapters.media.message_packets import packets_of
from coordinator.adapters.media.rtmp_reader import Footage
from coordinator.adapters.media.rtmp_reference import Reference
from coordinator.adapters.outbound.guard import Guard
from coordinator.adapters.outbound.http_client import HttpClient
from coordinator.checking.checks import Check, Verdict
from coordinator.checking.thumbnails import NODE_PICTURES_KEPT_MAX, is_jpeg
from coordinator.proof.captures import Capture, CapturePlan
from coordinator.proof.judging import Proof, ProofParameters
from coordinator.proof.second_opinion import IngestCheck, Opinion, Reading
from coordinator.reasons import Reason
from coordinator.sweeping.rosters import Slot
from prober.capacity import Capacity
from prober.captor import Captor, captor_of
from prober.checker import Checker
from prober.draws import Due
from prober.ingest_checks import IngestChecks
from rtmp.addresses import RtmpAddress
from rtmp.messages import Message
from tests.integration.short_shows import SIZE, short_show
from tests.packet_streams import T0, live

AT_S = T0 + 100.0


class Sound(IngestChecks):
    """The ingest has passed both readers in this run."""

    async def of(self, reference: Reference) -> IngestCheck:
        return IngestCheck(Proof(Verdict.PASS, Reason.PASSED), Opinion.PLAYS)


@dataclass
class Recording(Captor):
    """Every node serves the same recording, and nobody has to wait for it."""

    messages: list[Message] = field(default_factory=list)

    async def capture(
        self,
        address: RtmpAddress,
        plan: CapturePlan,
        reference: Reference,
        *,
        by_ffprobe: bool,
        footage: Footage | None,
    ) -> Capture:
        started_s = self.clock()
        packets = []
        for message in self.messages:
            brought = packets_of(message, started_s + 0.2 + message.timestamp_ms / 1000)
            packets += brought
            if footage is not None:
                footage.keep(message, len(brought))
        return Capture(started_s, started_s + plan.seconds, tuple(packets))


@dataclass
class Scene:
    """A prober whose time passes as it sleeps, and a stream that is live."""

    messages: list[Message]
    now_s: float = AT_S

    def __post_init__(self) -> None:
        async def sleep(seconds: float) -> None:
            self.now_s += seconds

        def now() -> float:
            return self.now_s

        known, log = captor_of(now), Log("prober", "ERROR")
        captor = Recording(known.reader, known.probe, now, self.messages)
        client, rules = HttpClient(Guard(allow_private=True)), ProofParameters()
        self.checker = Checker(captor, client, rules, now, sleep, log, Capacity(1.0))
        self.ingest = Sound(captor, self.checker.paces, rules, now, sleep, log)

    async def check(self, node_id: str) -> Check:
        """Of a node that serves the recording."""
        reference = Reference(RtmpAddress("127.0.0.1", 1935, "live", "s3"), now=lambda: self.now_s)
        for packet in live(200):
            reference.window.take(packet)
        slot = Slot(node_id, "s3", "http://127.0.0.1/", "127.0.0.1", 1935, 0, 0.0)
        return await self.checker.check(Due(slot, self.now_s), 7, reference, self.ingest)


@pytest.fixture(scope="module")
def show() -> list[Message]:
    """Anything but the stream."""
    return short_show()


async def test_what_was_captured_is_kept_as_the_evidence(show: list[Message]) -> None:
    """Of the retest: only what would count is decoded, and only who is accused is pictured."""
    scene = Scene(show)
    check = await scene.check("n2")
    assert check.reason is Reason.WRONG_CONTENT
    first, retest = check.attempts
    assert "second_reader" not in first
    assert (retest["second_reader"], retest["width"], retest["height"]) == ("plays", *SIZE)
    assert scene.checker.pictures.keys() == {"n2.7"}
    assert is_jpeg(scene.checker.pictures["n2.7"])


async def test_who_is_accused_is_read_alone(show: list[Message]) -> None:
    """What is read beside others could be what these have made of it."""
    scene = Scene(show)
    asked = list[int]()

    class Gatherer(JointReader):
        async def reading_of(self, messages: list[Message]) -> Reading:
            asked.append(len(messages))
            return NOTHING

    scene.checker.joint = Gatherer(asyncio.sleep)
    assert (await scene.check("n2")).attempts[-1]["second_reader"] == "plays"
    assert asked == []


async def test_who_serves_nothing_is_not_pictured() -> None:
    """There is nothing to be seen."""
    scene = Scene([])
    assert (await scene.check("n3")).reason is Reason.NO_STREAM
    assert scene.checker.pictures == {}


async def test_pictures_that_nobody_stores_do_not_fill_the_memory(show: list[Message]) -> None:
    """Runs overlap, and a store may be away."""
    scene = Scene(show)
    scene.checker.pictures |= {f"n{n}.6": b"" for n in range(NODE_PICTURES_KEPT_MAX)}
    assert (await scene.check("n5")).reason is Reason.WRONG_CONTENT
    assert "n5.7" not in scene.checker.pictures
