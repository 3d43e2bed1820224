"""An RTMP address can say where a stream is, and nothing else."""

import pytest

from rtmp.addresses import RtmpAddress
from rtmp.errors import RtmpError


@pytest.mark.parametrize(
    ("url", "address"),
    [
        ("rtmp://203.0.113.5:1937/live/show-1", RtmpAddress("203.0.113.5", 1937, "live", "show-1")),
        ("rtmp://203.0.113.5/live/s_1", RtmpAddress("203.0.113.5", 1935, "live", "s_1")),
        ("rtmp://[2001:db8::7]:11/live/s", RtmpAddress("2001:db8::7", 11, "live", "s")),
        ("rtmp://ingest.example:13/live/s", RtmpAddress("ingest.example", 13, "live", "s")),
    ],
)
def test_an_address_is_read_and_written(url: str, address: RtmpAddress) -> None:
    """Both ways; the default port is written out."""
    assert RtmpAddress.parse(url) == address
    assert RtmpAddress.parse(address.url) == address


def test_only_ip_addresses_are_literal() -> None:
    """A name would have to be resolved by whoever connects."""
    assert RtmpAddress("203.0.113.5", 1935, "live", "s").is_literal
    assert RtmpAddress("2001:db8::7", 1935, "live", "s").is_literal
    assert not RtmpAddress("ingest.example", 1935, "live", "s").is_literal


@pytest.mark.parametrize(
    "url",
    [
        "rtmp://203.0.113.5/live/show listen=1",
        "rtmp://203.0.113.5/live/show?listen=1",
        "rtmp://203.0.113.5/live/show#x",
        "rtmp://203.0.113.5/live/show\n",
        "rtmp://203.0.113.5/live/../etc",
        "rtmp://203.0.113.5/live/",
        "rtmp://203.0.113.5/live/" + "s" * 65,
        "rtmp://203.0.113.5:0/live/s",
        "rtmp://203.0.113.5:65537/live/s",
        "rtmp://user:pass@203.0.113.5/live/s",
        "rtmp://[fe80::1%eth0]/live/s",
        "rtmp://-x.example/live/s",
        "rtmp://a..b/live/s",
        "rtmp://203.0.113.5/live/s;\n}",
        "rtmps://203.0.113.5/live/s",
        "concat:rtmp://203.0.113.5/live/s",
        "/etc/passwd",
        "",
    ],
)
def test_anything_else_is_refused(url: str) -> None:
    """Options behind blanks, queries, users, other schemes and files."""
    with pytest.raises(RtmpError, match="not a"):
        RtmpAddress.parse(url)


@pytest.mark.parametrize("host", ["fe80::1%eth0", "203.0.113.5 listen=1", "", "a/b", "::1]"])
def test_an_address_cannot_be_made_around_the_rules(host: str) -> None:
    """Not by building it from parts either."""
    with pytest.raises(RtmpError, match="not a host"):
        RtmpAddress(host, 1935, "live", "s")
