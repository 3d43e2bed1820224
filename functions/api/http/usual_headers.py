"""Headers that every answer bears, whoever made it: a request id, CORS, caching, security."""

import itertools
import re
import secrets
from collections.abc import Iterable, Mapping

REQUEST_ID = b"x-request-id"
READS = ("GET", "HEAD", "OPTIONS")
Headers = list[tuple[bytes, bytes]]

_FIT_ID = re.compile(rb"[A-Za-z0-9_.-]{8,64}")
_IDS = zip(itertools.repeat(secrets.token_urlsafe(9).encode()), itertools.count(1), strict=False)
"""Of this process, and how many it has answered: unique, and cheaper than a random one each."""
_EVERYWHERE = ((b"x-content-type-options", b"nosniff"),)
_READABLE = (
    *_EVERYWHERE,
    (b"access-control-allow-origin", b"*"),
    (b"access-control-expose-headers", b"ETag, X-Request-Id, Retry-After"),
    (b"referrer-policy", b"no-referrer"),
    (b"content-security-policy", b"default-src 'none'; frame-ancestors 'none'"),
)
"""Of what a browser may be led to; each unless the answer has its own."""
_NO_STORE = (b"cache-control", b"no-store")
_SOON_STALE = (b"cache-control", b"public, max-age=2")
_HSTS = (b"strict-transport-security", b"max-age=31536000")
"""A year. Not for subdomains: the api's name may be above others that are not ours."""


def finished(
    own: Iterable[tuple[bytes, bytes]],
    request: Mapping[bytes, bytes],
    method: str,
    status: int,
    *,
    is_secure: bool,
) -> Headers:
    """An answer's headers, and those of ours that it does not have itself."""
    headers, is_read = list(own), method in READS
    names = {name for name, _ in headers}
    headers += [one for one in (_READABLE if is_read else _EVERYWHERE) if one[0] not in names]
    headers.append((REQUEST_ID, _request_id(request)))
    if is_secure:
        headers.append(_HSTS)
    if b"cache-control" not in names:
        headers.append(_SOON_STALE if is_read and status == 200 else _NO_STORE)
    return headers


def is_secure(request: Mapping[bytes, bytes], trusted_proxies: int) -> bool:
    """Whether the caller came by https: what our own proxy says of it, and nobody else.

    Browsers pass over HSTS on http, and RFC 6797 forbids it there."""
    if not trusted_proxies:
        return False
    told = request.get(b"x-forwarded-proto", b"")
    return told.rpartition(b",")[2].strip().lower() == b"https"


def _request_id(request: Mapping[bytes, bytes]) -> bytes:
    """The caller's own id, if it has a fit one, else one of ours."""
    given = request.get(REQUEST_ID)
    is_fit = given is not None and _FIT_ID.fullmatch(given)
    return given if given and is_fit else b"%b.%x" % next(_IDS)
