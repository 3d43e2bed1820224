"""Laws of who calls and what they are called: signatures, forwarded addresses, names, URLs."""

import base64
import contextlib
import hashlib
import unicodedata
from urllib.parse import urlsplit

import httpx
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from agent.client.signing import signed_headers
from api.http.callers import peer_of, told_address
from coordinator.shown_names import unshown
from coordinator.strangers.addresses import (
    STATS_URL_CHARACTERS_MAX,
    WEBHOOK_URL_CHARACTERS_MAX,
    AddressRefused,
    HttpAddress,
    check_port,
    parse_stats_url,
    parse_webhook_url,
)
from coordinator.strangers.networks import plain_address
from coordinator.strangers.signed_requests import (
    KEY_BYTES,
    SignatureError,
    base_of,
    has_digest,
    is_by_its_key,
    parse,
)
from tests.fuzz.target import Target, halves

_BODY = b'{"stream_id":"s3"}'
_CALL = ("POST", "api.example", "/nodes/heartbeat")
_SIGNED = signed_headers(
    Ed25519PrivateKey.from_private_bytes(b"k" * 32), *_CALL, _BODY, 1_795_305_637
)
_HEADERS = ("signature-input", "signature", "content-digest")
_VALID = "\n".join(_SIGNED[name.title()] for name in _HEADERS).encode()
_TURNS = frozenset("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069\u200e\u200f\u061c")


def signature_law(data: bytes) -> None:
    """There is one way to write what is taken, and only what was signed is by its key.

    The three headers stand line by line; the body is the one that was signed."""
    lines = data.decode("latin-1").split("\n", 2)
    headers = dict(zip(_HEADERS, lines, strict=False))
    try:
        signed = parse(headers)
    except SignatureError as error:
        assert str(error)
        return
    assert len(signed.public_key) == KEY_BYTES
    assert 0 <= signed.created_s < 10**12
    written = (
        f"node={signed.params}",
        f"node=:{base64.b64encode(signed.signature).decode()}:",
        f"sha-256=:{base64.b64encode(signed.digest).decode()}:",
    )
    assert list(written) == lines
    assert has_digest(signed, _BODY) == (signed.digest == hashlib.sha256(_BODY).digest())
    base = base_of(signed, *_CALL)
    assert base.count(b"\n") == 5
    if is_by_its_key(signed, base):
        assert data == _VALID


def forwarded_law(data: bytes) -> None:
    """An address in its own spelling or none, and nothing that a caller put in front counts."""
    proxies, value = halves(data)
    trusted, name = 1 + proxies % 3, (b"forwarded", b"x-forwarded-for")[proxies >> 2 & 1]
    scope = {"client": ("198.51.100.1", 5), "headers": [(name, value)]}
    found = peer_of(scope, trusted)
    assert found in ("", plain_address(found))
    assert told_address(found) == found
    entries = value.count(b",") + 1
    if entries >= trusted:
        for lie in (b"203.0.113.9", b'for="[2001:db8::9]:1"', b"unknown"):
            scope["headers"] = [(name, lie), (name, value)]
            assert peer_of(scope, trusted) == found


def name_law(data: bytes) -> None:
    """What is shown has a letter, a digit or a sign; it turns nothing round, and stays so in
    company."""
    name = data.decode("utf-8", errors="replace")
    refusal = unshown(name)
    if refusal is not None:
        assert "U+" in refusal or refusal == "it shows nothing"
        return
    assert any(unicodedata.category(one)[0] in "LNPS" for one in name)
    assert not set(name) & _TURNS
    assert not any(unicodedata.category(one) in {"Cc", "Cs", "Co", "Zl", "Zp"} for one in name)
    assert unshown(f"{name} {name}") is None


def url_law(data: bytes) -> None:
    """A URL that is taken is read by clients as it was by us: host, port and path."""
    text = data.decode("utf-8", errors="replace")
    with contextlib.suppress(AddressRefused):
        address = parse_stats_url(text)
        assert len(text) <= STATS_URL_CHARACTERS_MAX
        assert not address.is_tls
        _hold_address(address, parse_stats_url(str(address)))
    with contextlib.suppress(AddressRefused):
        address = parse_webhook_url(text)
        assert len(text) <= WEBHOOK_URL_CHARACTERS_MAX
        _hold_address(address, parse_webhook_url(str(address)))


def _hold_address(address: HttpAddress, again: HttpAddress) -> None:
    assert again == address
    assert check_port(address.port) == address.port
    written = str(address)
    assert written.isascii()
    client, other = httpx.URL(written), urlsplit(written)
    assert client.raw_host.decode() == other.hostname == address.host
    default = 443 if address.is_tls else 80
    assert (client.port or default) == (other.port or default) == address.port
    assert client.raw_path.decode() == address.path
    assert not client.userinfo


CALLER_TARGETS = (
    Target(
        "signatures",
        signature_law,
        (_VALID, _VALID.replace(b"created=1795305637", b"created=0"), _VALID.replace(b"A", b"B")),
        900,
        (
            b'("@method"',
            b";created=",
            b';keyid="',
            b';alg="ed25519"',
            b"node=:",
            b"sha-256=:",
            b"==",
        ),
    ),
    Target(
        "forwarded",
        forwarded_law,
        (
            b"\x04198.51.100.7, 203.0.113.5:443",
            b'\x00for="[2001:db8::7]:443";proto=https, for=203.0.113.5',
            b"\x05::ffff:198.51.100.7, unknown, 10.0.0.1",
        ),
        600,
        (b"for=", b'"[', b"]:", b"::ffff:", b"%eth0", b"unknown", b", ", b";"),
    ),
    Target(
        "names",
        name_law,
        (
            "Główna scena 🎸".encode(),
            "👩\u200d🚀 👍🏽 क्\u200dष".encode(),
            "🏴\U000e0067\U000e0062\U000e0065\U000e006e\U000e0067\U000e007f".encode(),
            "a\u0301 \u202eb".encode(),
        ),
        400,
        tuple(
            one.encode()
            for one in "\u200d\u200c\ufe0f\u2066\u3164\u0301\u0600\U000e0067\U000e007f🏴"
        ),
    ),
    Target(
        "urls",
        url_law,
        (
            b"http://203.0.113.5:8080/stats.json",
            b"http://[2001:db8::7]/s?a=%20",
            b"https://hooks.example/x?token=a;b",
            "http://bücher.example:8080/".encode(),
            b"http://0x7f.1/",
        ),
        600,
        (b"http://", b"https://", b"xn--", b"@", b"\\", b"%2f", b"/../", b"0x", b"[::ffff:"),
    ),
)
