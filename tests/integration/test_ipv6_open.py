"""The doctor behind a carrier's NAT: real calls, and an IPv6 address that is open."""

import ipaddress
from pathlib import Path

import pytest

from agent.client.coordinator import CoordinatorClient
from agent.client.signing import SignedBy
from agent.doctor.findings import FindingKind, conclusion
from agent.doctor.outside import ask_for_dial_back
from agent.settings import AgentSettings
from tests.e2e.coordinator_stand_in import STREAM_ID, CoordinatorStandIn
from tests.signing import key_of

IPV6 = "2a00:1450:4001:0:5054:ff:fe12:3456"
CLOSED = {"open": False, "says": "closed"}
OPEN = {"open": True, "says": "open"}


@pytest.mark.parametrize("carrier", ["100.64.3.5", "203.0.113.7"])
@pytest.mark.parametrize("is_open", [True, False])
async def test_an_ipv6_address_that_is_open_is_the_way_out_of_a_carrier_s_nat(
    tmp_path: Path, carrier: str, is_open: bool
) -> None:
    """Only where the coordinator itself reached both ports there."""
    hexadecimal = ipaddress.IPv6Address(IPV6).exploded.replace(":", "")
    (tmp_path / "if_inet6").write_text(f"{hexadecimal} 02 40 00 80 eth0\n")
    url = f"http://[{IPV6}]:8080/stats.json"
    port = OPEN if is_open else CLOSED
    stand_in = CoordinatorStandIn("rtmp://127.0.0.1/live/x")
    stand_in.dial_back = {"address": carrier, "stats": CLOSED, "rtmp": CLOSED}
    stand_in.dial_back_at = {url: {"address": IPV6, "stats": OPEN, "rtmp": port}}
    stand_in.start()
    settings = AgentSettings.from_env({"COORDINATOR_URL": stand_in.url, "STREAM_ID": STREAM_ID})
    coordinator = CoordinatorClient(stand_in.url, SignedBy(key_of(7)))
    try:
        found = await ask_for_dial_back(settings, coordinator, tmp_path / "if_inet6")
    finally:
        await coordinator.close()
        stand_in.stop()
    last, code = conclusion(found)
    assert code == (FindingKind.CARRIER if carrier.startswith("100.") else FindingKind.OUTSIDE)
    assert (last == f"Fix: Start the node with PUBLIC_STATS_URL={url}") is is_open
    assert any(f"IPv6 address {IPV6} is open" in each.says for each in found) is is_open
