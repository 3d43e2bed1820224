"""What is announced is judged again before each connection of a check."""

from dataclasses import replace

import pytest

from coordinator.adapters.outbound.guard import Guard
from coordinator.adapters.outbound.http_client import HttpClient
from coordinator.reasons import Reason
from coordinator.strangers.addresses import AddressRefused
from prober.checker import reached_at
from tests.builders import a_slot


@pytest.mark.parametrize(
    ("host", "port", "reason"),
    [
        ("203.0.114.7", 22, Reason.PORT_BLOCKED),
        ("203.0.114.7", 25, Reason.PORT_BLOCKED),
        ("203.0.114.7", 3306, Reason.PORT_BLOCKED),
        ("203.0.114.7", 6379, Reason.PORT_BLOCKED),
        ("10.0.0.7", 1935, Reason.ADDRESS_BLOCKED),
    ],
)
async def test_a_roster_does_not_lead_a_check_to_another_service(
    host: str, port: int, reason: Reason
) -> None:
    """Whenever its slot was made."""
    client = HttpClient(Guard(allow_private=False))
    slot = replace(a_slot("n2"), rtmp_host=host, rtmp_port=port)
    with pytest.raises(AddressRefused) as caught:
        await reached_at(client, slot)
    assert caught.value.reason is reason
    assert (
        await reached_at(client, replace(slot, rtmp_host="203.0.114.7", rtmp_port=443))
    ).port == 443
