"""Where a node says that it can be reached: judged before anything is kept or connected to."""

from functools import lru_cache

from api.http.addresses import address_named
from api.http.problems import Problem, ProblemKind
from api.services.dial_back import ANOTHER_RTMP_PORT
from api.wire.nodes import HeartbeatIn
from coordinator.reasons import Reason
from coordinator.strangers.addresses import check_addresses, check_port, is_ip, parse_stats_url

ADDRESSES_KNOWN_MAX = 16_384
"""Each is announced again and again."""
UNKNOWN_PEER = (
    "What stands in front of the coordinator does not say from which address you call: "
    "announce PUBLIC_STATS_URL, and tell whoever runs it to look at TRUSTED_PROXIES."
)


def announced_place(beat: HeartbeatIn, peer: str, allow_private: bool) -> tuple[str, str]:
    """(stats URL, RTMP host): as announced, or at the address `peer` that the call came from.

    A problem for an address or a port that nobody may be led to."""
    with address_named("rtmp_port", ANOTHER_RTMP_PORT):
        check_port(beat.rtmp_port)
    if not peer and beat.stats_url is None:
        raise Problem(ProblemKind.ADDRESS_REFUSED, UNKNOWN_PEER, reason=Reason.URL_INVALID)
    host = f"[{peer}]" if ":" in peer else peer
    url = beat.stats_url or f"http://{host}:{beat.stats_port}/stats.json"
    with address_named(url):
        return url, _host_of(url, allow_private)


@lru_cache(maxsize=ADDRESSES_KNOWN_MAX)
def _host_of(url: str, allow_private: bool) -> str:
    """The host of a stats URL; AddressRefused where it must not be called, as far as it tells."""
    address = parse_stats_url(url)
    if is_ip(address.host):
        check_addresses([address.host], allow_private=allow_private)
    return address.host
