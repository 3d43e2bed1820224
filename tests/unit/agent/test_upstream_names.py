"""A coordinator cannot send its nodes to what only they can reach."""

import pytest

from agent.endpoints import AddressError
from agent.upstream_names import UpstreamNames

NAMES = {
    "ingest.example": ["198.41.0.4"],
    "inside.example": ["192.168.1.1"],
    "both.example": ["198.41.0.4", "10.0.0.7"],
    "coordinator.example": ["198.41.0.5"],
    "coordinator.lan": ["192.168.1.7"],
}


async def _resolve(host: str) -> list[str]:
    return NAMES.get(host, [host])


@pytest.mark.parametrize(
    ("coordinator", "ingest", "is_pulled"),
    [
        ("https://coordinator.example", "ingest.example", True),
        ("https://coordinator.example", "inside.example", False),
        ("https://coordinator.example", "both.example", False),
        ("https://coordinator.example", "127.0.0.1", False),
        ("https://coordinator.example", "100.64.0.1", False),
        ("https://coordinator.example", "169.254.169.254", False),
        ("https://198.41.0.5:8443", "10.1.2.3", False),
        ("https://[2606:4700::1]", "10.1.2.3", False),
        ("http://coordinator.lan:8080", "inside.example", True),
        ("http://coordinator.lan:8080", "ingest.example", True),
        ("http://127.0.0.1:8080", "127.0.0.1", True),
        ("http://[::1]:8080", "127.0.0.1", True),
        ("http://10.0.0.7:8080", "100.64.0.1", True),
        ("http://127.0.0.1:8080", "169.254.169.254", False),
        ("http://127.0.0.1:8080", "0.0.0.0", False),
        ("http://127.0.0.1:8080", "224.0.0.1", False),
        ("http://127.0.0.1:8080", "255.255.255.255", False),
    ],
)
async def test_what_only_the_operator_can_reach_is_not_pulled_from(
    coordinator: str, ingest: str, is_pulled: bool
) -> None:
    """Unless the coordinator is in there too."""
    names = UpstreamNames(coordinator, _resolve)
    if is_pulled:
        assert await names.resolve(ingest) == NAMES.get(ingest, [ingest])
        return
    with pytest.raises(AddressError) as caught:
        await names.resolve(ingest)
    assert "INGEST_URL" in str(caught.value)
