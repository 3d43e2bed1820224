"""Which picture belongs to which check, and how it is served."""

import asyncio
from dataclasses import dataclass, field, replace

import pytest

from coordinator.adapters.log import Log
from coordinator.adapters.media.rtmp_reference import Reference
from coordinator.adapters.records import Measurements
from coordinator.adapters.store.protocol import Ref
from coordinator.checking.checks import Check, Verdict
from coordinator.checking.thumbnails import NODE_PICTURES_A_RUN_MAX, Thumbnail, is_jpeg
from coordinator.proof.packets import MediaKind, Packet
from coordinator.reasons import Reason
from prober.pictures import AT_ONCE, STREAM_PICTURES_A_RUN_MAX, Pictures
from rtmp.addresses import RtmpAddress
from tests.builders import a_check
from tests.doubles.memory import MemoryStore
from tests.unit.functions.conftest import Coordinator

JPEG = b"\xff\xd8\xff" + bytes(500) + b"\xff\xd9"
NOW_S = 1_795_305_600.0
INGEST = RtmpAddress("203.0.114.5", 1935, "live", "s3")


class Publishing(Reference):
    """A stream that is live, or not."""

    def __init__(self, live: bool) -> None:
        super().__init__(INGEST, now=lambda: NOW_S)
        if live:
            self.window.take(Packet(NOW_S, MediaKind.VIDEO, 0, 10, "x", True))
            self.window.settle()


@dataclass
class Camera:
    """Takes the same picture of everybody, or none."""

    jpeg: bytes | None = JPEG
    asked: list[str] = field(default_factory=list)

    async def take(self, address: RtmpAddress) -> bytes | None:
        self.asked.append(address.url)
        return self.jpeg


def _pictures(camera: Camera, store: MemoryStore | None = None) -> Pictures:
    measurements = Measurements(store or MemoryStore())
    return Pictures(measurements, camera.take, lambda: NOW_S, Log("prober", "ERROR"))


def _check(node_id: str, reason: Reason, verdict: Verdict, address: str | None) -> Check:
    check = a_check(NOW_S, verdict, reason, node_id=node_id, attempts=({"address": address},))
    return replace(check, draw=128)


async def test_a_pass_shows_the_ingests_picture_taken_once_in_ten_draws() -> None:
    camera, store = Camera(), MemoryStore()
    pictures = _pictures(camera, store)
    for draw in (120, 121, 129):
        assert await pictures.of_streams(draw, {"s3": Publishing(True)}) == {"s3.12"}
    assert await pictures.of_streams(130, {"s3": Publishing(True)}) == {"s3.13"}
    assert camera.asked == [INGEST.url] * 2
    passed = _check("n2", Reason.PASSED, Verdict.PASS, "203.0.114.7")
    (shown,) = await pictures.added_to([passed], frozenset({"s3.12"}), {})
    assert shown.thumbnail == "s3.12"
    found = await Measurements(store).thumbnail("s3.12")
    assert found == Thumbnail("s3.12", NOW_S, JPEG)


async def test_pictures_of_streams_that_are_gone_are_forgotten() -> None:
    """A process would else remember every stream that there ever was."""
    camera, store = Camera(), MemoryStore()
    pictures = _pictures(camera, store)
    for streams, asked in ((["s3"], 1), ([], 1), (["s3"], 2)):
        await pictures.of_streams(120, {name: Publishing(True) for name in streams})
        assert len(camera.asked) == asked


async def test_nobody_is_pictured_while_nobody_publishes() -> None:
    camera = Camera()
    assert not await _pictures(camera).of_streams(120, {"s3": Publishing(False)})
    assert camera.asked == []


async def test_a_check_shows_what_was_captured_of_the_node() -> None:
    """No connection is made for it: a node cannot show something else than it served."""
    camera, store = Camera(), MemoryStore()
    checks = [
        _check("n2", Reason.REPLAYED, Verdict.FAIL, "203.0.114.7"),
        _check("n3", Reason.NO_STREAM, Verdict.FAIL, "203.0.114.8"),
        _check("n5", Reason.UNKNOWN_CAPACITY, Verdict.UNKNOWN, None),
    ]
    captured = {"n2.128": JPEG, "n7.127": JPEG}
    pictures = _pictures(camera, store)
    shown = await pictures.added_to(checks, frozenset({"s3.12"}), captured)
    assert [check.thumbnail for check in shown] == ["n2.128", None, None]
    found = await Measurements(store).thumbnail("n2.128")
    assert found == Thumbnail("n2.128", NOW_S, JPEG)
    assert camera.asked == []
    assert captured.keys() == {"n7.127"}  # another run's


async def test_a_run_keeps_few_pictures_of_nodes() -> None:
    names = [f"n{number}" for number in range(9)]
    checks = [_check(n, Reason.WRONG_CONTENT, Verdict.FAIL, "203.0.114.7") for n in names]
    captured = {f"{n}.128": JPEG for n in names}
    shown = await _pictures(Camera()).added_to(checks, frozenset(), captured)
    assert len([c for c in shown if c.thumbnail]) == NODE_PICTURES_A_RUN_MAX
    assert captured == {}  # what is not kept waits for nobody


@dataclass
class Busy(Camera):
    """Needs a moment for each, and counts how many it takes at once."""

    now: int = 0
    most: int = 0

    async def take(self, address: RtmpAddress) -> bytes | None:
        self.now += 1
        self.most = max(self.most, self.now)
        await asyncio.sleep(0)
        self.now -= 1
        return await super().take(address)


async def test_many_streams_are_pictured_a_few_at_a_time() -> None:
    """Each is a process beside the captures, whose packets would come late."""
    camera, streams = Busy(), {f"s{at}": Publishing(True) for at in range(50)}
    pictures = _pictures(camera)
    assert len(await pictures.of_streams(120, streams)) == STREAM_PICTURES_A_RUN_MAX
    assert camera.most == AT_ONCE
    for draw in (121, 122):
        found = await pictures.of_streams(draw, streams)
    assert found == {f"s{at}.12" for at in range(50)}
    assert len(camera.asked) == 50


async def test_a_camera_that_breaks_costs_a_picture_and_nothing_else() -> None:
    """Whatever it is: the checks are made, and worth just as much."""

    async def broken(_: RtmpAddress) -> bytes | None:
        raise RuntimeError("nobody thought of this")

    measurements = Measurements(MemoryStore())
    pictures = Pictures(measurements, broken, lambda: NOW_S, Log("prober", "ERROR"))
    failed = _check("n2", Reason.REPLAYED, Verdict.FAIL, "203.0.114.7")
    assert not await pictures.of_streams(120, {"s3": Publishing(True)})
    assert await pictures.added_to([failed], frozenset(), {}) == [failed]


async def test_a_check_without_a_picture_is_the_check_it_was() -> None:
    camera = Camera(jpeg=None)
    pictures = _pictures(camera)
    failed = _check("n2", Reason.REPLAYED, Verdict.FAIL, "203.0.114.7")
    assert not await pictures.of_streams(120, {"s3": Publishing(True)})
    assert await pictures.added_to([failed], frozenset(), {}) == [failed]
    unconnected = Check("n3", "s3", 128, NOW_S, Verdict.PASS, Reason.PASSED)
    assert unconnected.showing("s3.12") == unconnected


async def test_a_picture_is_served_for_ever_and_an_unknown_one_is_not(
    coordinator: Coordinator,
) -> None:
    picture = Thumbnail("s3.12", NOW_S, JPEG)
    assert await Measurements(coordinator.measured).create_thumbnail(picture)
    (fields,) = await coordinator.measured.get(Ref("thumbnails", "s3.12"))
    assert fields is not None
    assert (fields["expire_at"].timestamp() - NOW_S) == 30 * 86_400
    answer = await coordinator.client.get("/thumbnails/s3.12.jpg")
    assert (answer.status_code, answer.content) == (200, JPEG)
    assert answer.headers["content-type"] == "image/jpeg"
    assert "immutable" in answer.headers["cache-control"]
    unknown = await coordinator.client.get("/thumbnails/s3.13.jpg")
    assert unknown.json()["type"] == "/problems/unknown-thumbnail"
    for odd in ("..%2Fx.jpg", "s3.jpg", "s3.12.jpg.jpg", "s%203.12.jpg"):
        assert (await coordinator.client.get(f"/thumbnails/{odd}")).status_code in (404, 422)


@pytest.mark.parametrize(
    "data", [b"", JPEG[:-1], JPEG[1:], b"<svg/>", b"\xff\xd8\xff" + bytes(70_000) + b"\xff\xd9"]
)
def test_what_is_no_whole_small_jpeg_is_not_kept(data: bytes) -> None:
    assert not is_jpeg(data)
