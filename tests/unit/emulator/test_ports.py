"""Ports for what a network on one machine starts."""

from collections.abc import Iterable

import pytest

from coordinator.strangers.addresses import check_port
from emulator.processes.ports import FIRST, LAST
from tests.ports import PORTS


@pytest.mark.parametrize("ports", [range(FIRST, LAST + 1), PORTS], ids=["demo", "tests"])
def test_a_node_may_announce_any_of_them(ports: Iterable[int]) -> None:
    """27017 is a database's: a node of the demo that drew it was never polled nor checked."""
    assert all(check_port(port) == port for port in ports)
    assert len({*ports}) > 5_000
