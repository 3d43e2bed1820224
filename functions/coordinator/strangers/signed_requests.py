"""Who signed a request: RFC 9421 over the digest of RFC 9530, in one fixed form.

One form, so that there is nothing to choose and little to parse. Every part of it is covered: the
method, the host, the path, the kind of body and its digest, the time and the key.
"""

import base64
import binascii
import hashlib
import re
from collections.abc import Mapping
from typing import NamedTuple

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

TAG = "restream-node"
COVERED = '("@method" "@authority" "@path" "content-type" "content-digest")'
CONTENT_TYPE = "application/json"
CLOCK_SECONDS_MAX = 300
"""So far a signer's clock may be off; a captured request is good for no longer than twice that."""
KEY_BYTES = 32
_INPUT = re.compile(
    r'node=(?P<params>\("@method" "@authority" "@path" "content-type" "content-digest"\)'
    r';created=(?P<created>[0-9]{1,12});keyid="(?P<key>[A-Za-z0-9+/]{43}=)"'
    rf';alg="ed25519";tag="{TAG}")'
)
_SIGNATURE = re.compile(r"node=:([A-Za-z0-9+/]{86}==):")
_DIGEST = re.compile(r"sha-256=:([A-Za-z0-9+/]{43}=):")
_FORM = "{} is missing, or is not in the one form that is taken"
_PRIME = 2**255 - 19
_SMALL_ORDER = frozenset(
    (
        0,
        1,
        _PRIME - 1,
        0x7A03AC9277FDC74EC6CC392CFA53202A0F67100D760B3CBA4FD84D3D706A17C7,
        0x05FC536D880238B13933C6D305ACDFD5F098EFF289F4C345B027B2C28F95E826,
    )
)
"""The ordinates of the eight points whose order divides eight: any text has a signature by them."""


class SignatureError(Exception):
    """A request that nobody signed, or not so; the message says what is wrong."""


class Signed(NamedTuple):
    """What the headers of a request claim, until `verify` has found it true."""

    public_key: bytes
    created_s: int
    digest: bytes
    """SHA-256 of the body, as the signer saw it."""
    signature: bytes
    params: str


def parse(headers: Mapping[str, str]) -> Signed:
    """What the headers say; SignatureError if it is not in the one form."""
    said = _INPUT.fullmatch(headers.get("signature-input", ""))
    signature = _SIGNATURE.fullmatch(headers.get("signature", ""))
    digest = _DIGEST.fullmatch(headers.get("content-digest", ""))
    if said is None:
        raise SignatureError(_FORM.format("Signature-Input"))
    if signature is None:
        raise SignatureError(_FORM.format("Signature"))
    if digest is None:
        raise SignatureError(_FORM.format("Content-Digest"))
    return Signed(
        public_key=_key(said["key"]),
        created_s=int(said["created"]),
        digest=_decoded(digest[1]),
        signature=_decoded(signature[1]),
        params=said["params"],
    )


def base_of(signed: Signed, method: str, authority: str, path: str) -> bytes:
    """The text that is signed, RFC 9421 2.5."""
    digest = base64.b64encode(signed.digest).decode("ascii")
    return (
        f'"@method": {method}\n"@authority": {authority}\n"@path": {path}\n'
        f'"content-type": {CONTENT_TYPE}\n"content-digest": sha-256=:{digest}:\n'
        f'"@signature-params": {signed.params}'
    ).encode()


def is_by_its_key(signed: Signed, base: bytes) -> bool:
    """Whether the signature is that of its key over `base`."""
    try:
        Ed25519PublicKey.from_public_bytes(signed.public_key).verify(signed.signature, base)
    except (InvalidSignature, ValueError):
        return False
    return True


def has_digest(signed: Signed, body: bytes) -> bool:
    """Whether this is the body that was signed. Nothing is secret about it."""
    return hashlib.sha256(body).digest() == signed.digest


def clock_sentence(created_s: int, now_s: float) -> str | None:
    """What to do about the signer's clock; None if it is near enough."""
    off_s = round(created_s - now_s)
    if abs(off_s) <= CLOCK_SECONDS_MAX:
        return None
    way = "ahead" if off_s > 0 else "behind"
    return f"Your clock is {abs(off_s)} s {way}: set it, or take the time of our Date header."


def _key(text: str) -> bytes:
    raw = _decoded(text)
    ordinate = int.from_bytes(raw, "little") % 2**255
    if ordinate >= _PRIME or ordinate in _SMALL_ORDER:
        raise SignatureError("the key is one by which anybody can sign anything")
    return raw


def _decoded(text: str) -> bytes:
    """Exactly what encodes to `text`: nothing has two spellings."""
    try:
        raw = base64.b64decode(text, validate=True)
    except binascii.Error as error:
        raise SignatureError("base64 is cut off") from error
    if base64.b64encode(raw).decode("ascii") != text:
        raise SignatureError("base64 has bits that mean nothing")
    return raw
