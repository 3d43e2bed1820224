"""A signature holds for one request, one time and one key, and can be written in one way only."""

import base64
import hashlib

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given
from hypothesis import strategies as st

from agent.client.signing import signed_headers
from coordinator.strangers.signed_requests import (
    SignatureError,
    base_of,
    clock_sentence,
    has_digest,
    is_by_its_key,
    parse,
)

SECRET = Ed25519PrivateKey.from_private_bytes(b"\2" * 32)
BODY = (
    b'{"stream_id":"k3v9m2x7q4ab","stats_port":8080,"rtmp_port":1935,'
    b'"agent":"0.2.0","engine":"nginx-rtmp","state":"running"}'
)
REQUEST = ("POST", "api.example", "/nodes/heartbeat")
CREATED_S = 1_795_305_600
PRIME = 2**255 - 19
D = -121_665 * pow(121_666, -1, PRIME) % PRIME
Point = tuple[int, int]


def _headers(body: bytes = BODY) -> dict[str, str]:
    told = signed_headers(SECRET, *REQUEST, body, CREATED_S)
    return {name.lower(): value for name, value in told.items()}


def test_the_form_is_that_of_another_implementation() -> None:
    """The figures are of http-message-signatures 3.0.0, a library for RFC 9421."""
    headers = _headers()
    digest = "1NJ1dKPpeEUINKmPGm86o9U1PPALgeRPi7Nwv/JRIiI="
    assert headers["content-digest"] == f"sha-256=:{digest}:"
    assert 'keyid="gTl3Dqh9F19Wo1Rmw0x+zMuNipG07jeiXfYPW4/Js5Q="' in headers["signature-input"]
    signature = (
        "hp5spfUzXyFBHkdK6IcnjBVhajH52CbS/K/kb+mfXAnoPFAUvChoZ6u2CZ9c1RGX9CKksU2Zui0Mg9ocjRChBQ=="
    )
    assert headers["signature"] == f"node=:{signature}:"
    signed = parse(headers)
    assert (signed.created_s, has_digest(signed, BODY)) == (CREATED_S, True)
    assert is_by_its_key(signed, base_of(signed, *REQUEST))
    assert not has_digest(signed, BODY + b" ")


@given(
    name=st.sampled_from(("signature", "signature-input", "content-digest")),
    place=st.integers(0, 400),
    letter=st.characters(min_codepoint=32, max_codepoint=126),
)
def test_no_letter_of_it_can_be_another(name: str, place: int, letter: str) -> None:
    """Whichever of the three headers, and wherever."""
    headers = _headers()
    text = headers[name]
    place %= len(text)
    headers[name] = changed = text[:place] + letter + text[place + 1 :]
    try:
        signed = parse(headers)
    except SignatureError:
        return
    assert is_by_its_key(signed, base_of(signed, *REQUEST)) == (changed == text)


@given(cut=st.integers(0, 400), name=st.sampled_from(("signature", "signature-input")))
def test_cut_off_or_twice_it_is_none(cut: int, name: str) -> None:
    """As proxies, and people who try, send it."""
    headers = _headers()
    text = headers[name]
    for wrong in (text[: cut % len(text)], f"{text}, {text}", f"{text},", f" {text}", f"{text}\n"):
        with pytest.raises(SignatureError, match="one form"):
            parse({**headers, name: wrong})


def _sum(a: Point, b: Point) -> Point:
    """Of two points of the curve (RFC 8032, 5.1.4 in the plain form)."""
    (x1, y1), (x2, y2) = a, b
    product = D * x1 * x2 * y1 * y2
    x = (x1 * y2 + x2 * y1) * pow(1 + product, -1, PRIME)
    y = (y1 * y2 + x1 * x2) * pow(1 - product, -1, PRIME)
    return x % PRIME, y % PRIME


def _abscissa(y: int) -> int | None:
    """One of the two of an ordinate; None if no point has it."""
    square = (y * y - 1) * pow(D * y * y + 1, -1, PRIME) % PRIME
    x = pow(square, (PRIME + 3) // 8, PRIME)
    if (x * x - square) % PRIME:
        x = x * pow(2, (PRIME - 1) // 4, PRIME) % PRIME
    return None if (x * x - square) % PRIME else x


def _small_order() -> set[int]:
    """The ordinates of all points that eight times themselves are nothing.

    Eight is the cofactor: any point, times the order of the large subgroup, is one of them."""
    order = 2**252 + 27_742_317_777_372_353_535_851_937_790_883_648_493
    found: set[int] = set()
    y = 2
    while len(found) < 5:
        x = _abscissa(y)
        if x is not None:
            power, point, times = (0, 1), (x, y), order
            while times:
                power = _sum(power, point) if times & 1 else power
                point, times = _sum(point, point), times >> 1
            found.add(power[1])
        y += 1
    return found


@pytest.mark.parametrize("sign", [0, 1 << 255])
def test_a_key_by_which_anybody_can_sign_is_refused(sign: int) -> None:
    """OpenSSL takes key 01 00 … with signature 01 00 … for any text."""
    ordinates = _small_order() | {PRIME, PRIME + 1, PRIME + 18}  # the last are written twice
    for ordinate in ordinates:
        raw = (ordinate | sign).to_bytes(32, "little")
        key = base64.b64encode(raw).decode()
        headers = _headers()
        said = headers["signature-input"].partition('keyid="')
        headers["signature-input"] = said[0] + said[1] + key + said[2][44:]
        with pytest.raises(SignatureError, match="anybody can sign"):
            parse(headers)


@pytest.mark.parametrize("name", ["signature", "signature-input", "content-digest"])
def test_what_is_missing_is_named(name: str) -> None:
    headers = _headers()
    del headers[name]
    with pytest.raises(SignatureError, match=f"(?i)^{name} is missing"):
        parse(headers)


def test_bytes_have_one_spelling() -> None:
    """The last letter before the padding holds bits that mean nothing: they are noughts."""
    headers = _headers()
    digest = base64.b64encode(hashlib.sha256(BODY).digest()).decode()
    other = digest[:-2] + chr(ord(digest[-2]) + 1) + "="
    assert base64.b64decode(other) == base64.b64decode(digest)
    headers["content-digest"] = f"sha-256=:{other}:"
    with pytest.raises(SignatureError, match="bits that mean nothing"):
        parse(headers)


def test_a_clock_may_be_five_minutes_off() -> None:
    assert clock_sentence(CREATED_S, CREATED_S + 300.4) is None
    assert clock_sentence(CREATED_S + 371, CREATED_S) == (
        "Your clock is 371 s ahead: set it, or take the time of our Date header."
    )
    assert "behind" in str(clock_sentence(CREATED_S, CREATED_S + 301))
