"""Which addresses a stranger may point us at: what is refused in a URL, a port and an IP.

Pure: names are resolved elsewhere (`adapters.outbound`), the answers are judged here. The tables
are IANA's special-purpose registries, stricter where a cloud listens on an address of its own:
https://www.iana.org/assignments/iana-ipv4-special-registry and .../iana-ipv6-special-registry.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address

from coordinator.reasons import Reason

STATS_URL_CHARACTERS_MAX = 128
"""A roster holds those of 10,000 nodes, and nobody needs a longer one."""
WEBHOOK_URL_CHARACTERS_MAX = 512
"""Receivers of others carry secrets in them."""
NAME_CHARACTERS_MAX = 253

_URL = re.compile(
    r"(?P<scheme>https?)://(?P<host>\[[^\]]*\]|[^][/?#@:\\%]*)(?::(?P<port>[0-9]*))?"
    r"(?P<path>/(?:[A-Za-z0-9._~!$&'()*+,;=:@/?-]|%[0-9A-Fa-f]{2})*)?",
    re.IGNORECASE,
)
_DOTS = re.compile(r"/\.\.?(?:/|$)")
"""In a path: some clients walk up by them, and others ask for them as they stand."""
_PORT = re.compile(r"[1-9][0-9]{0,4}")
_LABEL = re.compile(r"[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?")
_NUMBER = re.compile(r"[0-9]+|0x[0-9a-f]*")

_REFUSED_PORTS = frozenset(
    {
        *(1080, 3128),  # proxies
        *(1433, 1434, 1521, 3306, 5432, 5433),  # SQL databases
        *(5984, 6379, 6380, 7000, 7001, 8086, 9042, 9160, 11211),  # other databases and caches
        *(9200, 9300, 27017, 27018, 27019, 28017),
        *(2049, 2181, 2375, 2376, 2379, 2380),  # files, clusters, containers
        *(4369, 6443, 10250, 10255),
        *(2525, 4190, *range(6665, 6670), 6697),  # mail and chat
        *(3389, 5900, 5901, *range(6000, 6064)),  # screens
        *(3690, 9418, 9100),  # code, printers
        *(5060, 5061, 5671, 5672, 9092),  # telephones, queues
    }
)


def _networks4(*networks: str) -> tuple[IPv4Network, ...]:
    return tuple(map(IPv4Network, networks))


def _networks6(*networks: str) -> tuple[IPv6Network, ...]:
    return tuple(map(IPv6Network, networks))


_PRIVATE_4 = _networks4(
    "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16"
)
_PRIVATE_6 = _networks6("::1/128", "fc00::/7")
_NEVER_4 = _networks4(
    "0.0.0.0/8",  # "this" network: connects to ourselves
    "168.63.129.16/32",  # Azure's wire server
    "169.254.0.0/16",  # link-local, and every cloud's metadata server
    "192.0.0.0/24",  # IETF protocols; Oracle's metadata server
    "192.0.2.0/24",  # documentation
    "192.88.99.0/24",  # 6to4 relays
    "198.18.0.0/15",  # benchmarks
    "198.51.100.0/24",  # documentation
    "199.36.153.0/28",  # Google's APIs as seen from inside only
    "203.0.113.0/24",  # documentation
    "224.0.0.0/4",  # multicast
    "240.0.0.0/4",  # reserved, broadcast
)
_UNICAST_6 = IPv6Network("2000::/3")
"""Nothing else is routed; mapped, NAT64, link-local, site-local and multicast lie outside it."""
_NEVER_6 = _networks6(
    "2001::/23",  # IETF protocols: Teredo, ORCHID, benchmarks
    "2001:db8::/32",  # documentation
    "2002::/16",  # 6to4
    "3ffe::/16",  # the 6bone of old
    "3fff::/20",  # documentation
    "fd00:ec2::/32",  # Amazon's metadata server
    "fd20:ce::/32",  # Google's metadata server
)
_ISATAP = (0x0000_5EFE, 0x0200_5EFE)
"""The third quarter of an IPv6 address whose last one is an IPv4 address to tunnel to."""


class AddressRefused(Exception):  # noqa: N818 - an outcome with a reason, not a fault
    """A stranger's address that is not visited: `reason` is public, `detail` says which part."""

    def __init__(self, reason: Reason, detail: str) -> None:
        super().__init__(f"{reason}: {detail}")
        self.reason = reason
        self.detail = detail


@dataclass(frozen=True, slots=True)
class HttpAddress:
    """Where a stranger serves HTTP: a canonical lower-case host (a name in its ASCII form,
    an IPv4 or an IPv6 address without brackets), a port, and a path with its query."""

    host: str
    port: int
    path: str
    is_tls: bool = False

    @property
    def authority(self) -> str:
        """The value of a Host header."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == _default_port(self.is_tls) else f"{host}:{self.port}"

    def __str__(self) -> str:
        return f"http{'s' if self.is_tls else ''}://{self.authority}{self.path}"


def parse_stats_url(url: str) -> HttpAddress:
    """The parts of `http://host[:port][/path]`, refusing every other form with its reason."""
    address = _parse_url(url, "http://host:port/path", STATS_URL_CHARACTERS_MAX)
    if address.is_tls:
        raise _invalid("not of the form http://host:port/path")
    return address


def parse_webhook_url(url: str) -> HttpAddress:
    """The parts of `https://host[:port][/path]`, or of the same with http; else refused."""
    return _parse_url(url, "https://host/path", WEBHOOK_URL_CHARACTERS_MAX)


def _parse_url(url: str, form: str, characters_max: int) -> HttpAddress:
    if len(url) > characters_max:
        raise _invalid(f"longer than {characters_max} characters")
    parts = _URL.fullmatch(url)
    if parts is None:
        raise _invalid(f"not of the form {form}")
    path = parts["path"] or "/"
    if _DOTS.search(path.partition("?")[0]):
        raise _invalid("the path has . or .. for a folder")
    host, is_tls = parse_host(parts["host"]), parts["scheme"].lower() == "https"
    port = parts["port"]
    if port is not None and not _PORT.fullmatch(port):
        raise _invalid("the port is not a number from 1 to 65535")
    number = check_port(int(port or _default_port(is_tls)))
    return HttpAddress(host, number, path, is_tls)


def _default_port(is_tls: bool) -> int:
    return 443 if is_tls else 80


def parse_host(host: str) -> str:
    """A host in its canonical form: a name, an IPv4 address, or an IPv6 address (`[…]` or bare).

    Refuses what resolvers and libraries read differently: decimal, octal, hexadecimal and short
    spellings of IPv4, trailing dots, zones, and characters that turn into others."""
    if ":" in host or host.startswith("["):
        return _parse_ipv6(host)
    try:
        name = host.encode("idna").decode("ascii").lower()
    except UnicodeError:
        raise _invalid("the host name cannot be encoded (IDNA)") from None
    labels = name.split(".")
    if len(name) > NAME_CHARACTERS_MAX or not all(_LABEL.fullmatch(each) for each in labels):
        raise _invalid("not a host name")
    # Resolvers read a name that ends in a number as IPv4; one spelling of it is enough.
    if _NUMBER.fullmatch(labels[-1]) and not (host.isascii() and _address(name)):
        raise _invalid("an IPv4 address is written as four decimal numbers")
    return name


def check_port(port: int) -> int:
    """The port itself, unless it belongs to another service than the web's or a stream's.

    Below 1024 all but 80 and 443 are refused, above only those of a table."""
    if not 1 <= port <= 65_535:
        raise _invalid(f"{port} is not a port")
    if (port < 1024 and port not in {80, 443}) or port in _REFUSED_PORTS:
        raise AddressRefused(Reason.PORT_BLOCKED, f"port {port}")
    return port


def check_addresses(ips: Iterable[str], *, allow_private: bool) -> str:
    """The address to connect to, of all that a name resolved to; one bad one refuses them all.

    IPv4 comes first, because serverless platforms seldom have a way out over IPv6.
    `allow_private` accepts private and loopback addresses as well, for a network at home."""
    addresses = list(ips)
    if not addresses:
        raise AddressRefused(Reason.NAME_UNRESOLVED, "the name has no address")
    for ip in addresses:
        if not (is_public(ip) or (allow_private and is_private(ip))):
            raise AddressRefused(Reason.ADDRESS_BLOCKED, f"it resolves to {ip}")
    return min(addresses, key=lambda ip: ":" in ip)


@lru_cache(maxsize=65_536)
def is_ip(host: str) -> bool:
    """True if a canonical host is an address and so needs no resolving."""
    return _address(host) is not None


@lru_cache(maxsize=65_536)
def is_public(ip: str) -> bool:
    """True for an address of one host that is routed on the public Internet."""
    match _address(ip):
        case IPv4Address() as v4:
            return not any(v4 in network for network in (*_NEVER_4, *_PRIVATE_4))
        case IPv6Address() as v6:
            return v6 in _UNICAST_6 and not _is_refused6(v6)
    return False


@lru_cache(maxsize=65_536)
def is_private(ip: str) -> bool:
    """True for an address inside somebody's own network or machine; never a metadata server's."""
    match _address(ip):
        case IPv4Address() as v4:
            return any(v4 in network for network in _PRIVATE_4)
        case IPv6Address() as v6:
            return any(v6 in network for network in _PRIVATE_6) and not _is_refused6(v6)
    return False


def _is_refused6(ip: IPv6Address) -> bool:
    return any(ip in network for network in _NEVER_6) or int(ip) >> 32 & 0xFFFF_FFFF in _ISATAP


def _parse_ipv6(host: str) -> str:
    bare = host[1:-1] if host.startswith("[") and host.endswith("]") else host
    ip = _address(bare)
    if not isinstance(ip, IPv6Address):
        raise _invalid("not an IPv6 address, or one with a zone")
    return str(ip)


def _address(ip: str) -> IPv4Address | IPv6Address | None:
    """The address, or None for anything that is none or that names a zone of this machine."""
    try:
        return None if "%" in ip else ip_address(ip)
    except ValueError:
        return None


def _invalid(detail: str) -> AddressRefused:
    return AddressRefused(Reason.URL_INVALID, detail)
