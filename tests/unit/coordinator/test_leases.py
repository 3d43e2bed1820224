"""What a node may carry along instead of our looking it up."""

import pytest

from coordinator.polling.leases import LEASE_CHARACTERS_MAX, LEASE_SECONDS, Leases, Written
from coordinator.polling.nodes import Node

NOW_S = 1_795_305_637.0
WRITTEN = Written(NOW_S - 13, NOW_S - 7)
LEASES = Leases(b"a lease key of the tests, 32 bytes long")
SAID = Node(
    node_id="n2",
    stream_id="s3",
    stats_url="http://203.0.114.7:8080/stats.json",
    rtmp_host="203.0.114.7",
    rtmp_port=1935,
    agent="0.1.0",
    engine="nginx-rtmp",
    state="running",
    joined_s=NOW_S,
    changed_s=NOW_S,
)
TOLD = SAID.what_it_says()


def test_a_lease_tells_when_the_same_was_written() -> None:
    """Whenever it is said again."""
    written = Written(NOW_S - 11.5, NOW_S - 7.125)
    lease = LEASES.granted(TOLD, written, NOW_S)
    again = SAID.model_copy(update={"joined_s": NOW_S + 30, "changed_s": NOW_S + 30})
    assert LEASES.held(lease, again.what_it_says(), NOW_S + 30) == written
    assert len(lease) <= LEASE_CHARACTERS_MAX


@pytest.mark.parametrize(
    "change",
    [
        {"node_id": "n5"},
        {"stream_id": "s5"},
        {"stats_url": "http://203.0.114.9:8080/stats.json"},
        {"rtmp_host": "203.0.114.9"},
        {"rtmp_port": 1936},
        {"agent": "0.2.0"},
        {"state": "leaving"},
    ],
)
def test_a_lease_is_for_one_node_saying_one_thing(change: dict[str, object]) -> None:
    """Anything new has to be written."""
    lease = LEASES.granted(TOLD, WRITTEN, NOW_S)
    assert LEASES.held(lease, SAID.model_copy(update=change).what_it_says(), NOW_S) is None


def test_a_lease_expires() -> None:
    """After ten minutes without a heartbeat."""
    lease = LEASES.granted(TOLD, WRITTEN, NOW_S)
    assert LEASES.held(lease, TOLD, NOW_S + LEASE_SECONDS - 1) == WRITTEN
    assert LEASES.held(lease, TOLD, NOW_S + LEASE_SECONDS) is None


@pytest.mark.parametrize("forged", [None, "", "x", "1.2.3", "9" * 5000, "٣.٣." + "a" * 64])
def test_what_is_no_lease_of_ours_counts_for_nothing(forged: str | None) -> None:
    """Another key's, a longer life, another instant, or rubbish."""
    assert LEASES.held(forged, TOLD, NOW_S) is None
    other = Leases(b"another key").granted(TOLD, WRITTEN, NOW_S)
    assert LEASES.held(other, TOLD, NOW_S) is None
    *numbers, mac = LEASES.granted(TOLD, WRITTEN, NOW_S).split(".")
    for at in range(len(numbers)):
        changed = [str(int(n) + 60 * (i == at)) for i, n in enumerate(numbers)]
        assert LEASES.held(".".join([*changed, mac]), TOLD, NOW_S) is None


def test_a_lease_is_renewed_when_half_of_its_time_is_over() -> None:
    """Until then it is handed back as it is; a node that calls every minute never runs out."""
    lease = LEASES.granted(TOLD, WRITTEN, NOW_S)
    half_s = NOW_S + LEASE_SECONDS / 2
    assert LEASES.renewed(lease, TOLD, WRITTEN, half_s - 1) == lease
    renewed = LEASES.renewed(lease, TOLD, WRITTEN, half_s)
    assert renewed == LEASES.granted(TOLD, WRITTEN, half_s)
    assert LEASES.held(renewed, TOLD, half_s + LEASE_SECONDS - 1) == WRITTEN
