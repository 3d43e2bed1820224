"""Where strangers may point us, and where they may not."""

import pytest

from coordinator.reasons import Reason
from coordinator.strangers.addresses import (
    AddressRefused,
    HttpAddress,
    check_addresses,
    check_port,
    is_private,
    is_public,
    parse_host,
    parse_stats_url,
)

PUBLIC = [
    "1.1.1.1", "8.8.8.8", "9.255.255.255", "11.0.0.0", "100.63.255.255", "100.128.0.0",
    "126.255.255.255", "128.0.0.1", "169.253.255.255", "169.255.0.0", "172.15.255.255",
    "172.32.0.0", "192.0.1.0", "192.167.255.255", "192.169.0.0", "198.17.255.255", "198.20.0.0",
    "223.255.255.255", "2606:4700:4700::1111", "2001:4860:4860::8888", "2a00:1450:4001::200e",
    "2001:200::1", "2003::1",
]  # fmt: skip

PRIVATE = [
    "10.0.0.0", "10.255.255.255", "100.64.0.1", "100.127.255.255", "127.0.0.1", "127.255.255.254",
    "172.16.0.0", "172.31.255.255", "192.168.0.1", "192.168.255.255", "::1", "fc00::1",
    "fd12:3456:789a::1",
]  # fmt: skip

NEVER = {
    "0.0.0.0": "unspecified",
    "0.1.2.3": "this network",
    "168.63.129.16": "Azure's wire server",
    "169.254.0.1": "link-local",
    "169.254.169.254": "metadata",
    "169.254.170.2": "container metadata",
    "192.0.0.1": "IETF protocols",
    "192.0.0.192": "Oracle's metadata",
    "192.0.2.1": "documentation",
    "192.88.99.1": "6to4 relay",
    "198.18.0.1": "benchmarks",
    "198.19.255.255": "benchmarks",
    "198.51.100.1": "documentation",
    "199.36.153.8": "Google's APIs from inside",
    "203.0.113.7": "documentation",
    "224.0.0.1": "multicast",
    "239.255.255.250": "multicast",
    "240.0.0.1": "reserved",
    "255.255.255.255": "broadcast",
    "::": "unspecified",
    "::2": "reserved",
    "::127.0.0.1": "IPv4-compatible",
    "::ffff:127.0.0.1": "IPv4-mapped",
    "::ffff:8.8.8.8": "IPv4-mapped, even of a public address",
    "::ffff:169.254.169.254": "IPv4-mapped metadata",
    "::ffff:0:127.0.0.1": "IPv4-translated",
    "64:ff9b::7f00:1": "NAT64",
    "64:ff9b::808:808": "NAT64",
    "64:ff9b:1::7f00:1": "local NAT64",
    "100::1": "discard only",
    "2001::1": "Teredo",
    "2001:0:7f00:1::1": "Teredo",
    "2001:2::1": "benchmarks",
    "2001:10::1": "ORCHID",
    "2001:20::1": "ORCHIDv2",
    "2001:db8::1": "documentation",
    "2002:7f00:1::1": "6to4 of loopback",
    "2002:808:808::1": "6to4",
    "2a00:1450::5efe:7f00:1": "ISATAP",
    "2a00:1450::200:5efe:a00:1": "ISATAP",
    "fd00:1450::5efe:a9fe:a9fe": "ISATAP in a private network",
    "3ffe::1": "6bone",
    "3fff::1": "documentation",
    "5f00::1": "segment routing",
    "fd00:ec2::254": "Amazon's metadata",
    "fd20:ce::254": "Google's metadata",
    "fe80::1": "link-local",
    "fe80::1%eth0": "link-local with a zone",
    "2a00:1450::1%eth0": "public with a zone",
    "fec0::1": "site-local",
    "ff02::1": "multicast",
    "ff0e::1": "multicast",
    "": "nothing",
    "localhost": "a name",
    "127.1": "a short spelling",
    "0x7f000001": "a hexadecimal spelling",
    "2130706433": "a decimal spelling",
    "0177.0.0.1": "an octal spelling",
    "8.8.8.8 ": "a space",
}

INVALID_URLS = {
    "": "nothing",
    "relay.example.org": "no scheme",
    "//relay.example.org/": "no scheme",
    "https://relay.example.org/": "TLS",
    "ftp://relay.example.org/": "another scheme",
    "file:///etc/passwd": "a file",
    "gopher://relay.example.org:8080/_x": "another scheme",
    "unix:///var/run/docker.sock": "a socket",
    "http:/relay.example.org/": "one slash",
    "http:relay.example.org": "no slash",
    "http:\\\\relay.example.org\\": "backslashes",
    " http://relay.example.org/": "a leading space",
    "http://relay.example.org/ ": "a trailing space",
    "http://relay.example.org/a b": "a space in the path",
    "http://relay.example.org/\r\nHost: x": "a header in the path",
    "http://relay.example.org/\n": "a trailing line feed",
    "http://relay\n.example.org/": "a line feed that some libraries drop",
    "http://re\tlay.example.org/": "a tab that some libraries drop",
    "http://relay.example.org\0.evil.example/": "a NUL",
    "http:///stats.json": "no host",
    "http://:8080/": "no host",
    "http://user@relay.example.org/": "a user name",
    "http://user:secret@relay.example.org/": "a password",
    "http://relay.example.org:80@127.0.0.1/": "a host that looks like another",
    "http://relay.example.org#@127.0.0.1/": "a fragment in the host",
    "http://relay.example.org/#x": "a fragment",
    "http://relay.example.org?x=1": "a query without a path",
    "http://relay.example.org\\@127.0.0.1/": "a backslash that some read as a slash",
    "http://relay.example.org/\\x": "a backslash in the path",
    "http://relay.example.org/%zz": "a broken escape",
    "http://relay.example.org/%": "a broken escape",
    "http://relay.example.org/ä": "a path beyond ASCII",
    "http://127.0.0.1%2f@relay.example.org/": "an escape in the host",
    "http://relay%2eexample.org/": "an escape in the host",
    "http://relay.example.org./": "a trailing dot",
    "http://127.0.0.1./": "a trailing dot",
    "http://./": "a dot",
    "http://relay..example.org/": "an empty label",
    "http://.relay.example.org/": "an empty label",
    "http://-relay.example.org/": "a leading dash",
    "http://relay-.example.org/": "a trailing dash",
    "http://re lay.example.org/": "a space in the host",
    "http://re*lay.example.org/": "a star",
    f"http://{'a' * 64}.example.org/": "a label that is too long",
    f"http://{'.'.join(['a' * 60] * 5)}/": "a name that is too long",
    f"http://relay.example.org/{'a' * 500}": "a URL that is too long",
    "http://2130706433/": "decimal IPv4",
    "http://0x7f000001/": "hexadecimal IPv4",
    "http://0x7f.0.0.1/": "a hexadecimal part",
    "http://127.0.0.0x1/": "a hexadecimal part",
    "http://0177.0.0.1/": "an octal part",
    "http://017700000001/": "octal IPv4",
    "http://127.1/": "short IPv4",
    "http://127.0.1/": "short IPv4",
    "http://127.0.0.1.1/": "long IPv4",
    "http://127.0.0.256/": "no IPv4",
    "http://8.8.8.08/": "a leading zero",
    "http://relay.0x/": "a name that ends in a number",
    "http://relay.1/": "a name that ends in a number",
    "http://①②⑦.⓪.⓪.①/": "digits in circles",
    "http://１２７.0.0.1/": "wide digits",
    "http://127。0。0。1/": "ideographic dots",
    "http://relay.example\u2024org\u2100/": "characters that turn into others",
    "http://\ud800.example.org/": "half a character",
    "http://[::1/": "half a bracket",
    "http://::1/": "no brackets",
    "http://[::1]x/": "something after the bracket",
    "http://[]/": "empty brackets",
    "http://[127.0.0.1]/": "IPv4 in brackets",
    "http://[fe80::1%25eth0]/": "a zone",
    "http://[fe80::1%eth0]/": "a zone",
    "http://[::g]/": "no IPv6",
    "http://[v1.x]/": "a future address",
    "http://[[::1]]/": "brackets twice",
    "http://relay.example.org:/": "an empty port",
    "http://relay.example.org:0/": "port 0",
    "http://relay.example.org:65536/": "too high a port",
    "http://relay.example.org:99999999/": "too high a port",
    "http://relay.example.org:-1/": "a negative port",
    "http://relay.example.org:+80/": "a signed port",
    "http://relay.example.org:08080/": "a leading zero",
    "http://relay.example.org:8080:8080/": "two ports",
    "http://relay.example.org:http/": "a port by name",
    "http://relay.example.org:٨٠/": "a port in other digits",
}


@pytest.mark.parametrize("ip", PUBLIC)
def test_a_public_address_is_accepted_with_or_without_private_ones(ip: str) -> None:
    """Among them the neighbours of every refused network."""
    assert is_public(ip)
    assert not is_private(ip)
    assert check_addresses([ip], allow_private=False) == ip
    assert check_addresses([ip], allow_private=True) == ip


@pytest.mark.parametrize("ip", PRIVATE)
def test_a_private_address_is_accepted_only_where_a_setting_says_so(ip: str) -> None:
    """For a network on one machine or at home."""
    assert not is_public(ip)
    assert check_addresses([ip], allow_private=True) == ip
    with pytest.raises(AddressRefused) as caught:
        check_addresses([ip], allow_private=False)
    assert caught.value.reason is Reason.ADDRESS_BLOCKED
    assert ip in caught.value.detail


@pytest.mark.parametrize("ip", NEVER, ids=lambda ip: f"{NEVER[ip]} {ip}")
@pytest.mark.parametrize("allow_private", [False, True])
def test_some_addresses_are_refused_whatever_the_setting(ip: str, allow_private: bool) -> None:
    """Metadata servers, tunnels, groups and nonsense."""
    with pytest.raises(AddressRefused) as caught:
        check_addresses([ip], allow_private=allow_private)
    assert caught.value.reason is Reason.ADDRESS_BLOCKED


@pytest.mark.parametrize("bad", ["127.0.0.1", "10.0.0.1", "169.254.169.254", "::ffff:8.8.8.8"])
def test_one_bad_address_refuses_all_of_them(bad: str) -> None:
    """In any place."""
    for ips in ([bad, "8.8.8.8"], ["8.8.8.8", bad], ["8.8.8.8", bad, "1.1.1.1"]):
        with pytest.raises(AddressRefused, match=bad):
            check_addresses(ips, allow_private=False)


def test_ipv4_comes_first_and_otherwise_the_resolvers_order_is_kept() -> None:
    """Serverless platforms seldom have a way out over IPv6."""
    v6, other_v6 = "2606:4700:4700::1111", "2001:4860:4860::8888"
    assert check_addresses([v6, "8.8.8.8", "1.1.1.1"], allow_private=False) == "8.8.8.8"
    assert check_addresses([v6, other_v6], allow_private=False) == v6


def test_a_name_without_an_address_does_not_resolve() -> None:
    """An empty answer is its own reason."""
    with pytest.raises(AddressRefused) as caught:
        check_addresses([], allow_private=True)
    assert caught.value.reason is Reason.NAME_UNRESOLVED


@pytest.mark.parametrize(
    ("url", "address"),
    [
        ("http://relay.example.org", HttpAddress("relay.example.org", 80, "/")),
        ("HTTP://Relay.Example.ORG:8080/A", HttpAddress("relay.example.org", 8080, "/A")),
        ("http://8.8.8.8:65535/stats.json", HttpAddress("8.8.8.8", 65535, "/stats.json")),
        ("http://127.0.0.1:8080/", HttpAddress("127.0.0.1", 8080, "/")),
        ("http://localhost:8080/", HttpAddress("localhost", 8080, "/")),
        ("http://[::1]:8080/s", HttpAddress("::1", 8080, "/s")),
        ("http://[2A00:0:0:0::0001]/", HttpAddress("2a00::1", 80, "/")),
        ("http://[::ffff:127.0.0.1]/", HttpAddress("::ffff:7f00:1", 80, "/")),
        ("http://bücher.example/", HttpAddress("xn--bcher-kva.example", 80, "/")),
        ("http://xn--bcher-kva.example/", HttpAddress("xn--bcher-kva.example", 80, "/")),
        ("http://a_b.example.org:443/", HttpAddress("a_b.example.org", 443, "/")),
        ("http://1and1.example/", HttpAddress("1and1.example", 80, "/")),
        ("http://1.2.3.4.example/", HttpAddress("1.2.3.4.example", 80, "/")),
        ("http://8.8.8.8/~x/(y);z=1,2@:'!*", HttpAddress("8.8.8.8", 80, "/~x/(y);z=1,2@:'!*")),
        ("http://8.8.8.8/?a=b/c&d=%2F?", HttpAddress("8.8.8.8", 80, "/?a=b/c&d=%2F?")),
    ],
)  # fmt: skip
def test_a_plain_url_is_taken_apart(url: str, address: HttpAddress) -> None:
    """Hosts in one spelling each."""
    assert parse_stats_url(url) == address
    assert parse_stats_url(str(address)) == address


@pytest.mark.parametrize("url", INVALID_URLS, ids=lambda url: INVALID_URLS[url])
def test_any_other_url_is_refused(url: str) -> None:
    """Nothing is repaired, because others would repair it differently."""
    with pytest.raises(AddressRefused) as caught:
        parse_stats_url(url)
    assert caught.value.reason is Reason.URL_INVALID
    assert caught.value.detail


@pytest.mark.parametrize(
    "port",
    [
        *(1, 22, 25, 53, 79, 81, 110, 143, 389, 442, 444, 445, 587, 993, 1023),
        *(1433, 2049, 2375, 3306, 3389, 5432, 5672, 5900, 6000, 6063, 6379, 6667, 9042, 9200),
        *(10250, 11211, 27017),
    ],
)  # fmt: skip
def test_a_port_of_another_service_is_refused(port: int) -> None:
    """Whatever the host."""
    with pytest.raises(AddressRefused) as caught:
        parse_stats_url(f"http://relay.example.org:{port}/")
    assert caught.value.reason is Reason.PORT_BLOCKED
    assert str(port) in caught.value.detail


@pytest.mark.parametrize("port", [80, 443, 1024, 1935, 3000, 5000, 8000, 8080, 8443, 9090, 65535])
def test_a_port_of_web_and_stream_servers_is_accepted(port: int) -> None:
    """And what nobody has claimed."""
    assert check_port(port) == port


@pytest.mark.parametrize("port", [-1, 0, 65_536])
def test_a_number_that_is_no_port_is_refused(port: int) -> None:
    """Announced ports are checked as well as those of URLs."""
    with pytest.raises(AddressRefused):
        check_port(port)


@pytest.mark.parametrize(
    ("address", "authority"),
    [
        (HttpAddress("relay.example.org", 80, "/"), "relay.example.org"),
        (HttpAddress("relay.example.org", 8080, "/"), "relay.example.org:8080"),
        (HttpAddress("::1", 80, "/"), "[::1]"),
        (HttpAddress("::1", 8080, "/"), "[::1]:8080"),
    ],
)
def test_the_host_header_names_the_host_and_an_unusual_port(
    address: HttpAddress, authority: str
) -> None:
    """IPv6 in brackets."""
    assert address.authority == authority


@pytest.mark.parametrize("host", ["relay.example.org", "8.8.8.8", "::1"])
def test_a_canonical_host_stays_as_it_is(host: str) -> None:
    """Parsing twice is parsing once."""
    assert parse_host(host) == host


@pytest.mark.parametrize("host", ["", ":", "a:b", "[]", "::1%lo", "1.2.3.4.", "127.1", "a b"])
def test_a_host_from_elsewhere_is_judged_in_the_same_way(host: str) -> None:
    """A resolver may be given hosts that came in no URL."""
    with pytest.raises(AddressRefused):
        parse_host(host)


def test_a_name_of_253_characters_is_the_longest() -> None:
    """As long as the name system has any (RFC 1035, without its last dot)."""
    longest = ".".join(["a" * 63] * 3 + ["b" * 61])
    assert len(longest) == 253
    assert parse_host(longest) == longest
    with pytest.raises(AddressRefused):
        parse_host(f"{longest}c")
