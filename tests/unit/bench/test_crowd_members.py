"""Members of a crowd, and what their calls came to."""

from ipaddress import ip_network

from agent.node_key import is_key
from bench.crowd.members import OF_NETWORK, CrowdMember
from bench.crowd.tally import CallTally, busiest_second, share_of


def test_members_have_keys_and_addresses_of_their_own_in_many_networks() -> None:
    members = [CrowdMember("seed", number) for number in range(7 * OF_NETWORK)]
    networks = {ip_network(f"{each.host}/24", strict=False) for each in members}
    assert len({each.host for each in members}) == len({each.key for each in members}) == 350
    assert all(is_key(each.key) for each in members)
    assert len(networks) == 7
    assert all(network.is_loopback for network in networks)


def test_a_member_is_the_same_in_every_process_and_another_of_another_seed() -> None:
    one = CrowdMember("seed", 3)
    assert one.node_id == CrowdMember("seed", 3).node_id
    assert one.node_id != CrowdMember("other", 3).node_id


def test_a_tally_tells_each_call_once() -> None:
    """A refusal is early only if it says when to come again."""
    tally = CallTally()
    for status, says_when in ((200, False), (503, True), (503, False), (409, True), (429, True)):
        tally.answered(status, 0.5, says_when=says_when)
    tally.failed("TimeoutError")
    told = tally.told()
    assert told["answers"] == {"200": 1, "503": 2, "409": 1, "429": 1, "TimeoutError": 1}
    assert told["early"] == 2
    assert tally.told()["answers"] == {}


def test_a_share_of_times_is_the_time_within_which_it_lies() -> None:
    times = [number / 100 for number in range(100, 0, -1)]
    assert (share_of(times, 0.5), share_of(times, 0.95), share_of([], 0.95)) == (0.5, 0.95, 0)
    assert share_of([*[0.01] * 19, 7.0], 0.95) == 0.01, "the worst of twenty is not their p95"


def test_the_busiest_second_has_the_most_instants() -> None:
    assert busiest_second([0.0, 5.0, 5.2, 5.9, 6.1, 9.0]) == 3
    assert busiest_second([]) == 0
