"""An interrupted stream costs nobody a minute of its share: the real sweeper, real sockets."""

import asyncio

import pytest

from coordinator.adapters.records import Measurements
from coordinator.checking.checks import IngestState, Run
from coordinator.checking.lengths import RECORD_AFTER_S
from coordinator.sweeping.rollups import NodeHour
from tests.doubles.tcp_server import tcp_server
from tests.integration.stats_servers import stats_of
from tests.integration.swept_network import SweptNetwork

HOUR = 17
INTERRUPTED, LOST = frozenset({55, 57}), frozenset({59})
"""Minutes in which the node waits: with everybody, and alone."""


async def _waits_now_and_then(network: SweptNetwork, *, fresh: bool) -> None:
    """From ten minutes before an hour's end to three behind it. A run is on record a quarter of a
    minute after its draw."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        minute = network.tick % 60
        waits = network.tick // 60 == HOUR and minute in INTERRUPTED | LOST
        body = stats_of("n0", "waiting" if waits else "live", bytes_in=network.tick)
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(body) + body)
        await writer.drain()

    network.tick = HOUR * 60 + 50
    async with tcp_server(serve) as network.port:
        await network.announce(0)
        for _ in range(13):
            await network.minute(1, fresh=fresh)
            await _run(network, network.tick - 2)


async def _run(network: SweptNetwork, draw: int) -> None:
    """The one before the minute that was just swept: as that sweep began it was not on record."""
    cut = ("s3",) if draw // 60 == HOUR and draw % 60 in INTERRUPTED else ()
    ended_s = draw * 60 + 60 + RECORD_AFTER_S
    live = {"s3": IngestState.LIVE}
    run = Run(draw, draw * 60.0, ended_s, (), live, (), interrupted=cut)
    await Measurements(network.store).record_run(run, ended_s)


@pytest.mark.parametrize("fresh", [False, True])
async def test_who_waits_while_everybody_does_loses_nothing(fresh: bool) -> None:
    """Neither of its share up to now, nor of the hour's; by one instance, or by many."""
    network = SweptNetwork()
    await _waits_now_and_then(network, fresh=fresh)
    measurements = Measurements(network.store)
    (sweep,) = await measurements.latest_sweeps()
    assert (sweep.polls[0].minutes_due, sweep.polls[0].minutes_up) == (11, 10)
    (rollup,) = await measurements.rollups(range(HOUR, HOUR + 1))
    assert rollup.nodes == {("n0", "s3"): NodeHour(due=10, up=7, unknown=0, idle=2)}
